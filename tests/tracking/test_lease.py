"""Who works in a run directory, and whether they still live."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lstm_lab.errors import UserError
from lstm_lab.tracking import lease
from lstm_lab.tracking.lease import Lease

HOLD = (
    "import sys, time; from pathlib import Path; from lstm_lab.tracking.lease import Lease\n"
    "lease = Lease(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
)


def change(directory, **fields):
    path = directory / lease.LEASE
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def test_a_process_is_alive_until_it_is_killed(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    assert lease.is_alive(tmp_path)
    with pytest.raises(UserError, match="still writing there"):
        Lease(tmp_path)
    holder.send_signal(signal.SIGKILL)
    # Not waited for yet, it is a zombie: its number is there, the process is not.
    deadline = time.monotonic() + 300
    while lease.is_alive(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not lease.is_alive(tmp_path)
    holder.wait()
    assert not lease.is_alive(tmp_path)
    assert str(holder.pid) in lease.why_dead(tmp_path)
    Lease(tmp_path).release()
    assert lease.read(tmp_path) is None


def test_a_number_used_again_is_another_process(tmp_path):
    Lease(tmp_path)
    change(tmp_path, started=1.0)
    assert not lease.is_alive(tmp_path)


def test_a_machine_started_anew_has_no_process_of_before(tmp_path):
    Lease(tmp_path)
    change(tmp_path, boot="another")
    assert not lease.is_alive(tmp_path)


@pytest.mark.parametrize("elsewhere", [{"host": "another"}, {"space": "pid:[1]"}])
def test_elsewhere_the_last_sign_of_life_decides(tmp_path, elsewhere):
    held = Lease(tmp_path)
    held._ended.set()
    change(tmp_path, **elsewhere)
    assert lease.is_alive(tmp_path)
    past = time.time() - lease.SILENCE - 1
    os.utime(tmp_path / lease.LEASE, (past, past))
    assert not lease.is_alive(tmp_path)


def test_the_heart_beats(tmp_path):
    held = Lease(tmp_path, beat=0.05)
    os.utime(held.path, (1, 1))
    deadline = time.monotonic() + 300
    while held.path.stat().st_mtime < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert held.path.stat().st_mtime > 2


def test_a_torn_lease_dies_of_old_age(tmp_path):
    (tmp_path / lease.LEASE).write_text('{"pid"')
    os.utime(tmp_path / lease.LEASE, (1, 1))
    assert not lease.is_alive(tmp_path)
