"""Runs that die without a word are found."""

import os
import signal
import subprocess
import sys
import time

import pytest

from lstm_lab import reap as door
from lstm_lab.tracking.sync import dead_runs, reap
from lstm_lab.tracking.tables import status

RUN = """
import os, sys, time
from pathlib import Path
from lstm_lab.tracking.run import open_run
outputs = Path(sys.argv[1])
run = open_run(outputs / 'runs' / 'killed', 'lab', 'killed', system_metrics=False, tags={'data': 'airline'})
for step in range(500):
    run.log_metrics({'loss': 1.0}, step)
run.flush()
print(run.id, flush=True)
time.sleep(600)
"""


@pytest.fixture
def killed(tracked):
    """A run whose process was killed with -9 while most of its numbers were still on their way."""
    process = subprocess.Popen([sys.executable, "-c", RUN, str(tracked)], stdout=subprocess.PIPE, text=True)
    run_id = process.stdout.readline().strip()
    assert dead_runs(tracked) == []
    assert status(tracked / "runs" / "killed") == "RUNNING"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return run_id


def test_a_killed_run_is_failed_with_its_reason_and_all_its_numbers(killed, tracked, client, capsys):
    assert client.get_run(killed).info.status == "RUNNING"
    run = tracked / "runs" / "killed"
    seen_alive = max((run / name).stat().st_mtime for name in ("lease.json", "events.jsonl"))
    time.sleep(0.3)
    assert status(tracked / "runs" / "killed") == "DEAD"
    assert door.main([]) == 0
    said = capsys.readouterr().out
    assert "killed  FAILED: process" in said
    assert "1 dead run found" in said
    seen = client.get_run(killed)
    assert seen.info.status == "FAILED"
    assert seen.info.end_time == pytest.approx(1000 * seen_alive, abs=50)
    assert "ended without a word" in seen.data.tags["reason"]
    assert len(client.get_metric_history(killed, "loss")) == 500
    assert reap(tracked) == []
    assert status(tracked / "runs" / "killed") == "FAILED"


def test_a_run_never_ends_before_its_last_event(killed, tracked, client):
    run = tracked / "runs" / "killed"
    for name in (
        "lease.json",
        "events.jsonl",
    ):  # a shared disk may be an hour behind
        os.utime(run / name, (time.time() - 3600,) * 2)
    reap(tracked)
    seen = client.get_run(killed)
    last = max(one.timestamp for one in client.get_metric_history(killed, "loss"))
    assert seen.info.end_time == last >= seen.info.start_time


def test_a_killed_run_can_be_resumed(killed, start, client):
    run = start("killed")
    assert run.id == killed
    run.log_metrics({"loss": 1.0}, 500)
    run.close("FINISHED")
    assert len(client.get_metric_history(killed, "loss")) == 501
    assert client.get_run(killed).info.status == "FINISHED"
