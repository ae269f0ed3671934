"""A SLURM job that is told to go away saves, asks to be requeued, and goes on where it was: the same directory."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from lstm_lab.training import ranks

JOB = {"SLURM_JOB_ID": "4711", "SLURM_NTASKS": "1", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "train"}
WORDS = [
    "tracking=off", "data=sine", "model.hidden_size=4", "ensemble=1", "early_stopping.patience=0",
    "fit.save_every=0.5", "fit.validate_every=10",
]  # fmt: skip


@pytest.fixture
def scontrol(tmp_path, monkeypatch):
    """A stub that writes down how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    path = folder / "scontrol"
    path.write_text(
        f'#!/bin/sh\necho "$@" >> {folder}/called\n[ "$2" != 13 ] || (echo no such job >&2; exit 1)\n'
    )
    path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name, value in JOB.items():
        monkeypatch.setenv(name, value)
    return folder / "called"


def test_requeue_names_the_job(scontrol, monkeypatch):
    assert ranks.requeue() == "SLURM job 4711 was requeued and will go on from here"
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    assert ranks.requeue() == "SLURM job 13 was not requeued: no such job"
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "9")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    ranks.requeue()
    assert scontrol.read_text().splitlines() == ["requeue 4711", "requeue 13", "requeue 9_3"]
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "9; rm")
    assert "not requeued" in ranks.requeue()


@pytest.mark.slow
def test_a_requeued_job_goes_on_in_the_same_directory(scontrol, outputs):
    command = [sys.executable, "-m", "lstm_lab.train", *WORDS]
    long = [*command, "fit.max_steps=3000"]
    process = subprocess.Popen(long, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 300
    while not (found := list((outputs / "runs").glob("slurm-*/checkpoints/last.ckpt"))):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGUSR1)
    said, told = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGUSR1, told
    assert "SLURM job 4711 was requeued" in said
    assert scontrol.read_text() == "requeue 4711\n"
    run = found[0].parents[1]
    assert json.loads((run / "status.json").read_text())["reason"] == "requeued by SIGUSR1"
    done = subprocess.run(long, capture_output=True, text=True, timeout=600)  # the same words again
    assert done.returncode == 0, done.stderr
    assert [one.name for one in (outputs / "runs").glob("slurm*")] == [run.name]
    assert json.loads((run / "status.json").read_text())["status"] == "FINISHED"
    # Once finished, the same job starts a run of its own.
    done = subprocess.run([*command, "fit.max_steps=3000"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert len(list((outputs / "runs").glob("2*/config.yaml"))) == 1
