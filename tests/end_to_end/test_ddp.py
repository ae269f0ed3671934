"""Two processes do the work of one: the same curve, the same numbers, one record, and no process left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest

from lstm_lab.errors import UserError
from lstm_lab.training import ranks
from lstm_lab.training.trainer import check_precision

pytestmark = pytest.mark.xdist_group("processes")  # one after the other: each needs two processors
# Without noise, whose random numbers each process draws for itself, the curves can be compared. Batches of 16 out of
# 49 windows leave one of a single window, which only the first process gets.
WORDS = [
    "data=airline", "model.hidden_size=4", "ensemble=1", "refit=true", "data.batch_size=16", "fit.max_steps=40",
    "fit.validate_every=10", "fit.save_every=0", "task.noise.level=0", "task.noise.difference=0",
]  # fmt: skip
LONG = [*WORDS, "fit.max_steps=1000000", "early_stopping.patience=0", "tracking=off"]
# Sums over two shards differ from sums over one batch in their last bits, and training carries that on.
TOLERANCE = 1e-4


def command(*words, torchrun=()):
    head = ["-m", "torch.distributed.run", *torchrun] if torchrun else []
    return [sys.executable, *head, "-m", "lstm_lab.train", *words]


def finish(*words, code=0, torchrun=()):
    done = subprocess.run(command(*words, torchrun=torchrun), capture_output=True, text=True, timeout=300)
    assert done.returncode == code, done.stderr
    return done


def left(outputs):
    return sorted(path.parent for path in (outputs / "runs").glob("2*/config.yaml"))


def assert_close(one, other):
    curves = [pd.read_csv(run / "history.csv") for run in (one, other)]
    assert list(curves[0]["step"]) == list(curves[1]["step"])
    np.testing.assert_allclose(curves[0], curves[1], rtol=TOLERANCE)
    tested = [json.loads((run / "metrics.json").read_text())["metrics"] for run in (one, other)]
    assert tested[0].keys() == tested[1].keys()
    for name, value in tested[0].items():
        assert value == pytest.approx(tested[1][name], rel=TOLERANCE), name
    tables = [pd.read_csv(run / "predictions.csv") for run in (one, other)]
    assert list(tables[0]["time"]) == list(tables[1]["time"])


def test_a_batch_that_cannot_be_shared_is_refused():
    group = ranks.Group(world=2, local=2)
    ranks.check_shares(16, group)
    with pytest.raises(UserError, match=r"data\.batch_size=15 .* by 2 processes\. As in data\.batch_size=14"):
        ranks.check_shares(15, group)


def test_precision_is_tried_before_it_is_used():
    for word in ("32-true", 32, "bf16-mixed"):
        check_precision(word, "cpu")
    with pytest.raises(UserError, match="needs a GPU"):
        check_precision("16-mixed", "cpu")
    with pytest.raises(UserError, match="swallow the small steps"):
        check_precision("bf16-true", "cpu")
    with pytest.raises(UserError, match="Allowed: 32-true"):
        check_precision("17", "cpu")


def test_who_started_this_process(monkeypatch):
    trainer = {"strategy": "ddp", "devices": 2, "accelerator": "cpu"}
    assert ranks.find_group(trainer) == ranks.Group(0, 2, 2, "us")
    assert ranks.find_group({**trainer, "devices": -1}).world == 1
    with pytest.raises(UserError, match="Allowed: auto, ddp"):
        ranks.find_group({**trainer, "strategy": "fsdp"})
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_NTASKS", "8")
    monkeypatch.setenv("SLURM_NNODES", "2")
    monkeypatch.setenv("SLURM_PROCID", "5")
    assert ranks.find_group(trainer) == ranks.Group(5, 8, 4, "slurm")
    assert ranks.Group(5, 8, 4, "slurm").trainer({"devices": 1, "strategy": "auto"}) == {
        "devices": 4, "num_nodes": 2, "strategy": "ddp", "environment": "slurm",
    }  # fmt: skip
    monkeypatch.setenv("SLURM_JOB_NAME", "interactive")
    assert ranks.find_group(trainer).origin == "us"
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "x")
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "3")
    assert ranks.find_group(trainer) == ranks.Group(3, 4, 2, "torchrun")


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    """The same training by one process, which the others are compared with."""
    folder = tmp_path_factory.mktemp("single")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LSTM_LAB_OUTPUTS", str(folder))
        finish(*WORDS, "tracking=off")
    return left(folder)[0]


@pytest.mark.ddp
def test_two_processes_equal_one(single, outputs, tracked_runs):
    done = finish(*WORDS, "trainer=ddp_cpu")
    one, [other] = single, left(outputs)
    assert_close(one, other)
    assert done.stdout.count("airline: 144 rows") == 1
    assert json.loads((other / "status.json").read_text())["status"] == "FINISHED"

    assert [run.info.status for run in tracked_runs()] == ["FINISHED"]


@pytest.mark.ddp
def test_three_in_a_row_leave_with_0(outputs):
    for _ in range(3):
        finish(*WORDS, "trainer=ddp_cpu", "tracking=off", "fit.max_steps=10")
    assert len(left(outputs)) == 3
    tables = [(run / "predictions.csv").read_text() for run in left(outputs)]
    assert len(set(tables)) == 1


@pytest.mark.ddp
def test_under_torchrun(single, outputs):
    finish(*WORDS, "tracking=off", "trainer=cpu", torchrun=["--standalone", "--nproc-per-node", "2"])
    assert_close(single, left(outputs)[0])


@pytest.mark.ddp
def test_two_machines(single, outputs):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    agents = [
        subprocess.Popen(
            command(
                *WORDS, "tracking=off", "trainer=cpu",
                torchrun=[
                    "--nnodes=2", f"--node-rank={node}", "--nproc-per-node=1", "--rdzv-backend=c10d",
                    f"--rdzv-endpoint=127.0.0.1:{port}", "--rdzv-id=test",
                ],
            ),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for node in range(2)
    ]  # fmt: skip
    for agent in agents:
        _, told = agent.communicate(timeout=300)
        assert agent.returncode == 0, told
    assert_close(single, left(outputs)[0])


@pytest.mark.ddp
def test_a_sweep_by_hydra_gives_each_run_processes_of_its_own(outputs):
    finish("-m", *WORDS, "tracking=off", "trainer=ddp_cpu", "fit.max_steps=10", "seed=1,2")
    runs = [path.parent for path in outputs.rglob("config.yaml") if (path.parent / "status.json").is_file()]
    assert len({run.resolve() for run in runs}) == 2
    for run in runs:
        assert json.loads((run / "status.json").read_text())["status"] == "FINISHED"


def start(outputs, *words, torchrun=()):
    process = subprocess.Popen(
        command(*words, torchrun=torchrun), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait(lambda: list((outputs / "runs").glob("2*/checkpoints/last.ckpt")), process)
    return process, left(outputs)[0]


def wait(condition, process):
    until = time.monotonic() + 300  # against hanging
    while not condition():
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


def followers(process):
    found = psutil.Process(process.pid).children(recursive=True)
    return [one for one in found if "lstm_lab.follower" in " ".join(one.cmdline())]


@pytest.mark.ddp
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_told_to_stop(number, code, outputs):
    process, run = start(outputs, *LONG, "trainer=ddp_cpu", "fit.save_every=0.5")
    [follower] = followers(process)
    os.kill(process.pid, number)  # the first process alone: the other hears of it in an exchange
    _, told = process.communicate(timeout=300)
    assert process.returncode == code, told
    assert "Traceback" not in told
    assert json.loads((run / "status.json").read_text())["status"] == "KILLED"
    psutil.wait_procs([follower], timeout=60)
    assert not follower.is_running()


INTERRUPTED = """
import os, signal, sys
from lstm_lab.train import main
from lstm_lab.training.saver import Saver

agree = Saver._agree

def interrupted(self, trainer):
    if trainer.global_step == 20:
        os.kill(os.getpid(), signal.SIGTERM)
    return agree(self, trainer)

Saver._agree = interrupted
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.ddp
def test_resumed_with_two_processes(outputs):
    words = [*WORDS, "tracking=off", "trainer=ddp_cpu", "early_stopping.patience=0"]
    words += ["task.noise.level=0.3"]  # each process has random numbers of its own
    finish(*words)
    ended = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *words], capture_output=True, text=True, timeout=300
    )
    assert ended.returncode == 143, ended.stderr
    whole, halted = left(outputs)
    finish(f"resume={halted}")
    for name in ("history.csv", "predictions.csv"):
        assert (whole / name).read_text() == (halted / name).read_text()


@pytest.mark.ddp
def test_when_one_process_is_killed_the_run_has_failed(outputs):
    process, run = start(outputs, *LONG, "trainer=ddp_cpu", "fit.save_every=0.5")
    [follower] = followers(process)
    follower.kill()
    _, told = process.communicate(timeout=300)
    assert process.returncode == 1
    status = json.loads((run / "status.json").read_text())
    assert status["status"] == "FAILED"
    assert "process 1 of the run was ended by SIGKILL" in status["reason"]
    assert "process 1 of the run was ended by SIGKILL" in told
    assert "Traceback" not in told


@pytest.mark.ddp
def test_when_the_first_process_is_killed_none_is_left(outputs):
    process, _ = start(outputs, *LONG, "trainer=ddp_cpu", "fit.save_every=0.5")
    [follower] = followers(process)
    process.kill()
    process.communicate()
    psutil.wait_procs([follower], timeout=60)
    assert not follower.is_running()
