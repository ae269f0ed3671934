"""The record of a run survives what can happen to it."""

import math
import os
import subprocess
import sys
import threading

import pytest

from lstm_lab.tracking.events import EVENTS, EventLog, read_events


def events(directory, offset=0):
    return [event for _, event in read_events(directory, offset)]


def test_numbers_survive(tmp_path):
    log = EventLog(tmp_path)
    log.metrics(1, {"a": 0.1 + 0.2, "nan": math.nan, "inf": -math.inf, "µ": 1e-300})
    log.flush()
    values = events(tmp_path)[0]["values"]
    assert values["a"] == 0.1 + 0.2
    assert math.isnan(values["nan"])
    assert values["inf"] == -math.inf
    assert values["µ"] == 1e-300


def test_reading_goes_on_where_it_ended(tmp_path):
    log = EventLog(tmp_path)
    log.append("metrics", step=1)
    ((offset, _),) = read_events(tmp_path)
    log.append("metrics", step=2)
    assert [event["step"] for event in events(tmp_path, offset)] == [2]


def test_a_torn_line_costs_only_itself(tmp_path):
    EventLog(tmp_path).append("metrics", step=1)
    with (tmp_path / EVENTS).open("ab") as file:
        file.write(b'{"time": 1, "kind": "metr')
    assert [event["step"] for event in events(tmp_path)] == [1]
    EventLog(tmp_path).append("metrics", step=3)
    assert [event["step"] for event in events(tmp_path)] == [1, 3]


def test_a_line_is_not_read_before_its_end_is_written(tmp_path):
    (tmp_path / EVENTS).write_bytes(b'{"time": 1, "kind": "tags"}')
    assert events(tmp_path) == []


def test_threads_do_not_mix_lines(tmp_path):
    log = EventLog(tmp_path)

    def write(number):
        for step in range(200):
            log.append("tags", step=step, values={f"m{number}": 1.0, "text": "x" * 300})
            log.metrics(step, {f"m{number}": 1.0})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = events(tmp_path)
    assert len(found) == 1600
    for number in range(4):
        mine = [
            event["step"] for event in found if f"m{number}" in event["values"] and event["kind"] == "metrics"
        ]
        assert mine == list(range(200))


@pytest.mark.parametrize(
    ("end", "returned"),
    [
        ("while len(list(log.path.open())) < 50: time.sleep(0.1)\nos.kill(os.getpid(), 9)", -9),
        ("sys.exit(3)", 3),
        ("1 / 0", 1),
    ],
)
def test_kill_9_costs_a_second_and_other_ends_nothing(tmp_path, end, returned):
    code = (
        "import os, sys, time; from pathlib import Path; from lstm_lab.tracking.events import EventLog\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        f"for step in range(50): log.metrics(step, {{}})\n{end}"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.DEVNULL)
    assert done.returncode == returned
    assert [event["step"] for event in events(tmp_path)] == list(range(50))


def test_a_full_disk_warns_once_and_goes_on(tmp_path, caplog):
    log = EventLog(tmp_path)
    os.close(log._file)
    log._file = os.open("/dev/full", os.O_WRONLY)
    for step in range(3):
        log.append("metrics", step=step)
    assert len([one for one in caplog.records if "cannot be written" in one.message]) == 1


def test_the_record_and_the_rules_of_secrets_need_no_mlflow():
    code = (
        "import sys\n"
        "from lstm_lab.tracking import events, lease, record, redaction, run, store, sync, ui\n"
        "assert not {'mlflow', 'torch', 'pandas'} & set(sys.modules), 'heavy'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
