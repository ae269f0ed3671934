"""Told to stop, a run saves, says how to go on, and leaves with the right status and exit code."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from lstm_lab.training.checkpoint import read_newest
from lstm_lab.training.signals import Interrupted, listen

TINY = [
    "tracking=off",
    "data=sine",
    "model.hidden_size=4",
    "ensemble=1",
    "early_stopping.patience=0",
    "refit=true",
]


def test_a_signal_waits_while_something_is_being_saved():
    with pytest.raises(Interrupted) as end, listen() as stop, stop.held():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.pending == signal.SIGTERM  # and nothing was raised
    assert end.value.code == 143
    assert str(end.value) == "ended by SIGTERM"


def test_a_second_signal_does_not_wait():
    with pytest.raises(Interrupted) as end, listen() as stop, stop.held():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
    assert end.value.code == 130


def test_outside_of_training_a_signal_ends_at_once_and_handlers_come_back():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(Interrupted), listen():  # noqa: PT012
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the signal was not raised")
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_drops_is_not_lost():
    class Dropping:
        def __del__(self):
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as end, listen() as stop:  # noqa: PT012
        Dropping()  # what its end raises goes nowhere
        assert stop.pending == signal.SIGINT
    assert end.value.code == 130


def test_threads_leave_signals_alone():
    before, heard = signal.getsignal(signal.SIGTERM), []
    with_listen = threading.Thread(target=lambda: heard.append(listen().__enter__()))
    with_listen.start()
    with_listen.join()
    assert heard
    assert signal.getsignal(signal.SIGTERM) is before


def start(outputs, *words):
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_lab.train", *TINY, *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 300
    while not list((outputs / "runs").glob("*/events.jsonl")):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    [run] = (outputs / "runs").glob("*[!t]/")
    return process, run


def wait_until(condition):
    until = time.monotonic() + 300  # against hanging
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


def stage(run):
    last = run / "checkpoints" / "last.ckpt"
    return read_newest(last, ["stage"])["stage"] if last.is_file() else None


def end(process, run, number, code):
    os.kill(process.pid, number)
    _, told = process.communicate(timeout=300)
    assert_ended(process.returncode, told, run, code)
    return told


def assert_ended(returned, told, run, code):
    assert returned == code, told
    assert "Traceback" not in told
    status = json.loads((run / "status.json").read_text())
    assert status["status"] == "KILLED"
    assert not (run / "lease.json").exists()


def test_ctrl_c_in_fit(outputs):
    process, run = start(outputs, "fit.max_steps=1000000", "fit.validate_every=2", "fit.save_every=0.5")
    wait_until((run / "checkpoints" / "last.ckpt").is_file)
    told = end(process, run, signal.SIGINT, 130)
    assert "python -m lstm_lab.train resume=" in told
    assert (run / "checkpoints" / "last.ckpt").is_file()
    assert (run / "checkpoints" / "best.ckpt").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_in_refit(number, code, outputs):
    process, run = start(outputs, "fit.max_steps=2000", "fit.validate_every=1000", "fit.save_every=0.2")
    wait_until(lambda: stage(run) == "refit")
    end(process, run, number, code)
    assert stage(run) == "refit"


IN_THE_TEST = """
import os, sys
from lstm_lab import evaluation
from lstm_lab.train import main

number, *words = sys.argv[1:]
test = evaluation.test

def interrupted(*given):
    os.kill(os.getpid(), int(number))
    return test(*given)

evaluation.test = interrupted
sys.exit(main(words))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_in_the_test(number, code, outputs):
    ended = subprocess.run(
        [sys.executable, "-c", IN_THE_TEST, str(int(number)), *TINY, "fit.max_steps=20"],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    [run] = (outputs / "runs").glob("*[!t]/")
    assert_ended(ended.returncode, ended.stderr, run, code)
    done = subprocess.run(
        [sys.executable, "-m", "lstm_lab.train", "resume=latest"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "status.json").read_text())["status"] == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.2, 1.0, 2.0, 3.0, 4.0])
def test_at_any_time_from_the_start(after, outputs):
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_lab.train", *TINY, "fit.max_steps=1000000"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    time.sleep(after)
    os.kill(process.pid, signal.SIGTERM)
    process.communicate(timeout=300)
    assert process.returncode in (143, -signal.SIGTERM)  # the second before Python code of ours runs
