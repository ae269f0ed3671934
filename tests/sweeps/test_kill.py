"""kill -9 of whatever there is to kill, and the same command again."""

import contextlib
import os
import random
import signal
import subprocess
import time

import psutil
import pytest

from lstm_lab.sweeps.lease import read_lease

WORDS = ["x=interval(-3,3)", "hydra.sweeper.sampler.seed=1", "hydra.sweeper.max_retries=50"]


def wait_for(condition):
    until = time.monotonic() + 300  # against hanging: machines may be slow
    while not (found := condition()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
    return found


def leases(app):
    found = [read_lease(path) for path in app.study_directory.glob("*/.trial/lease.json")]
    return [one for one in found if one is not None]


def running(app):
    return [lease for lease in leases(app) if lease.is_alive()]


def test_a_killed_supervisor_leaves_no_trial_and_the_next_one_goes_on(app):
    hold = app.hold()
    words = ["x=0,1,2", "sleep=hold", "hydra.sweeper.n_jobs=2", "hydra.sweeper.max_retries=3"]
    process = app.start(*words)
    wait_for(lambda: len(running(app)) == 2)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    wait_for(lambda: not running(app))  # left alone, they would wait for ever
    assert "RUNNING" in app.states()

    hold.unlink()
    said = app.sweep(*words).out
    assert "goes on after 2 trials: 0 complete, 0 pruned, 0 fail, 2 running" in said
    states = app.states()
    assert states.count("COMPLETE") == 3
    assert set(states) == {"COMPLETE", "FAIL"}
    repeated = app.table().dropna(subset="retry_of")
    assert sorted(repeated.retry_of) == [0, 1]
    assert sorted({trial.params["x"] for trial in app.study().trials if trial.state.name == "COMPLETE"}) == [
        0,
        1,
        2,
    ]


def test_an_interrupted_sweep_stops_its_trials_and_goes_on(app):
    hold = app.hold()
    words = ["x=0,1", "sleep=hold", "hydra.sweeper.max_retries=0"]
    process = app.start(*words)
    wait_for(lambda: running(app))
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 130
    assert len(err.strip().splitlines()) <= 2
    assert not running(app)
    assert "RUNNING" not in app.states()
    hold.unlink()
    app.sweep(*words)
    assert app.states().count("COMPLETE") == 2  # an interruption is not held against a trial


def test_two_sweeps_at_once_share_one_study(app):
    words = ["x=range(0,6)", "sleep=0.2"]
    processes = [app.start(*words) for _ in range(2)]
    for process in processes:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    assert app.states() == ["COMPLETE"] * 6
    assert sorted(trial.params["x"] for trial in app.study().trials) == list(range(6))
    owners = {trial.user_attrs["lstm_lab:owner"] for trial in app.study().trials}
    assert len(owners) == 2


def _kill_something(app, process, what):
    tree = psutil.Process(process.pid).children(recursive=True)
    if what == "trial":
        victims = [lease.pid for lease in running(app)][:1]
    elif what == "nursery":
        victims = [child.pid for child in psutil.Process(process.pid).children()]
    elif what == "tree":
        victims = [process.pid, *(child.pid for child in tree)]
    else:
        victims = [process.pid]
    for pid in victims:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_killing_at_random_until_done(app, seed):
    dice = random.Random(seed)
    total, finished = 12, {}
    words = [*WORDS, "sleep=0.3", f"hydra.sweeper.n_trials={total}", "hydra.sweeper.n_jobs=2"]
    for _ in range(60):
        process = app.start(*words)
        what = dice.choice(["trial", "nursery", "supervisor", "tree"])
        wait_for(lambda process=process: process.poll() is not None or running(app))
        try:
            process.wait(timeout=0.8 * dice.random())
        except subprocess.TimeoutExpired:
            _kill_something(app, process, what)
            if what in ("trial", "nursery"):
                try:
                    process.wait(timeout=3 * dice.random())
                except subprocess.TimeoutExpired:
                    os.kill(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        assert process.returncode in (0, -9), out + err
        wait_for(lambda: not running(app))
        for number, stamp in finished.items():  # what is over is never touched again
            assert (app.study_directory / str(number) / "trial.log").stat().st_mtime_ns == stamp
        for trial in app.study().trials:
            log = app.study_directory / str(trial.number) / "trial.log"
            if trial.state.is_finished() and log.exists():
                finished[trial.number] = log.stat().st_mtime_ns
        if process.returncode == 0:
            break
    trials = app.study().trials
    assert [trial.number for trial in trials] == list(range(len(trials)))
    assert {trial.state.name for trial in trials} <= {"COMPLETE", "FAIL"}
    assert sum(trial.state.name == "COMPLETE" for trial in trials) == total
    assert len(app.table()) == len(trials)


@pytest.mark.slow
def test_two_hundred_short_trials_need_no_more_memory_than_twenty(app):
    process = app.start("x=interval(-3,3)", "hydra.sweeper.n_trials=200", "hydra/sweeper/sampler=random")
    supervisor = psutil.Process(process.pid)

    def memory():
        nursery = supervisor.children()
        return supervisor.memory_info().rss + sum(child.memory_info().rss for child in nursery)

    def trials():
        return len(list(app.study_directory.glob("*/.trial/result.json")))

    wait_for(lambda: trials() >= 20)
    early = memory()
    wait_for(lambda: trials() >= 190)
    late = memory()
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert len(app.states()) == 200
    assert late - early < 40 * 2**20
