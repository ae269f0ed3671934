"""A run that was interrupted and resumed ends like one that was not, to the last bit."""

import json
import os
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import torch

from lstm_lab import experiment, resuming
from lstm_lab.doors import compose_config
from lstm_lab.errors import UserError
from lstm_lab.predictor import load
from lstm_lab.training.checkpoint import previous
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Interrupted

# Every source of chance is on: two members, noise, dropout, several batches a pass, a schedule, a ragged chunk.
WORDS = [
    "tracking=off", "data=sine", "data.points=80", "data.horizon=1", "data.lookback=8", "data.batch_size=16",
    "model.hidden_size=4", "model.num_layers=2", "model.dropout=0.3", "optim.schedule=cosine", "ensemble=2",
    "refit=true", "fit.max_steps=21", "fit.validate_every=8", "fit.steps_per_execution=3",
]  # fmt: skip
ONE_BY_ONE = [*WORDS[:-1], "fit.steps_per_execution=1"]
ACCUMULATED = [*ONE_BY_ONE, "trainer.accumulate=2", "early_stopping.patience=0"]
IN_ROUNDS = [*WORDS[:-2], "fit.validate_every=4", "fit.steps_per_execution=12", "data.batch_size=999"]


def run(words):
    return experiment.run(compose_config(words), words)


def left_by(directory):
    checkpoint = torch.load(directory / "checkpoints" / "best.ckpt", weights_only=True)
    return checkpoint["state_dict"], (directory / "predictions.csv").read_text()


def assert_same(one, other):
    assert one.metrics == other.metrics
    assert one.objective == other.objective
    assert (one.directory / "history.csv").read_text() == (other.directory / "history.csv").read_text()
    (weights, predictions), (others, others_predictions) = left_by(one.directory), left_by(other.directory)
    assert predictions == others_predictions
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, others[name]), name


@pytest.fixture
def cut(monkeypatch):
    """Sends this process SIGTERM when a stage reaches a step; returns what the run went through."""
    agree = Saver._agree

    def at(stage, step):
        seen = []

        def interrupted(self, trainer):
            seen.append((self.stage, trainer.global_step))
            if seen[-1] == (stage, step):
                os.kill(os.getpid(), signal.SIGTERM)
            return agree(self, trainer)

        monkeypatch.setattr(Saver, "_agree", interrupted)
        return seen

    return at


def interrupt(words, cut, stage, step):
    cut(stage, step)
    with pytest.raises(Interrupted) as end:
        run(words)
    assert end.value.code == 143
    cut("none", 0)
    return resuming._runs()[-1]


@pytest.mark.parametrize(("stage", "step"), [("fit", 11), ("refit", 8)])
def test_resume_is_exact(stage, step, outputs, cut, capsys):
    whole = run(WORDS)
    halted = interrupt(WORDS, cut, stage, step)
    status = json.loads((halted / "status.json").read_text())
    assert status["status"] == "KILLED"
    assert "SIGTERM" in status["reason"]
    told = capsys.readouterr().err
    assert f"resume={halted.name.rsplit('-', 1)[-1]}" in told
    if stage == "refit":  # it has weights already, and says whose they are
        load(halted)
        assert f"{halted.name} is KILLED: these are its best weights until then." in capsys.readouterr().err
    seen = cut("none", 0)
    resumed = run(["resume=latest"])
    assert resumed.directory == halted
    first = seen[0]
    assert first[0] == stage
    assert first[1] > step  # nothing was trained twice
    assert_same(whole, resumed)
    assert json.loads((halted / "status.json").read_text())["status"] == "FINISHED"


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [WORDS, ONE_BY_ONE, ACCUMULATED, IN_ROUNDS],
    ids=["chunks", "one by one", "accumulated", "rounds"],
)
def test_resume_is_exact_at_every_border(words, outputs, cut):
    seen = cut("none", 0)
    whole = run(words)
    # All borders where there are a dozen, else the first and last of both stages and some between.
    borders = list(seen)
    ends = {
        0,
        len(borders) - 1,
        *(at for at, (stage, _) in enumerate(borders) if stage != borders[at - 1][0]),
    }
    few = len(borders) < 20
    for stage, step in [one for at, one in enumerate(borders) if few or at % 6 == 0 or at in ends]:
        interrupt(words, cut, stage, step)
        assert_same(whole, run(["resume=latest"]))


@pytest.mark.slow
def test_resume_twice_is_exact(outputs, cut):
    whole = run(WORDS)
    halted = interrupt(WORDS, cut, "fit", 6)
    assert interrupt([f"resume={halted.name}"], cut, "refit", 11) == halted
    assert_same(whole, run([f"resume={halted}"]))


def test_what_cannot_go_on_is_refused_with_the_reason(outputs, cut):
    with pytest.raises(UserError, match="there is no run in"):
        run([*WORDS, "resume=latest"])
    halted = interrupt(WORDS, cut, "fit", 6)
    with pytest.raises(UserError, match=r"model\.hidden_size was 4 in that run"):
        run(["resume=latest", "model.hidden_size=5"])
    with pytest.raises(UserError, match="data was sine in that run"):
        run([f"resume={halted.name}", "data=airline"])
    with pytest.raises(UserError, match=r"resume=nowhere: no such run"):
        run(["resume=nowhere"])
    # The words that made the run may be said again; where it runs may change.
    orders = resuming.choose(
        compose(["resume=latest", *WORDS, "threads=2"]), ["resume=latest", *WORDS, "threads=2"]
    )
    assert orders["directory"] == str(halted)
    assert orders["settings"]["threads"] == 2
    (halted / "lease.json").write_text("{}")
    holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        from lstm_lab.tracking import lease

        (halted / "lease.json").write_text(json.dumps(lease._identity(holder.pid)))
        with pytest.raises(UserError, match="is still running"):
            run(["resume=latest"])
    finally:
        holder.kill()
        holder.wait()
    (halted / "status.json").write_text('{"status": "FINISHED"}')
    with pytest.raises(UserError, match="is finished, there is nothing to go on with"):
        run(["resume=latest"])
    (halted / "status.json").write_text('{"status": "FAILED"}')
    for path in (halted / "checkpoints").glob("last*"):
        path.unlink()
    with pytest.raises(UserError, match="ended before its state was saved"):
        run(["resume=latest"])


def compose(words):
    from omegaconf import OmegaConf

    return OmegaConf.to_container(compose_config(words), resolve=True)


def test_auto_finds_the_one_unfinished_run_of_these_settings(outputs, cut):
    settings = {**compose(WORDS), "resume": "auto"}
    assert not resuming.choose(settings, [])["resumes"]
    halted = interrupt(WORDS, cut, "fit", 6)
    found = resuming.choose(settings, [])
    assert found["directory"] == str(halted)
    assert found["resumes"]
    other = {**settings, "seed": 5}
    assert not resuming.choose(other, [])["resumes"]
    twin = halted.with_name(f"{halted.name}-twin")
    subprocess.run(["cp", "-r", halted, twin], check=True)
    with pytest.raises(UserError, match="2 runs with these settings are not finished"):
        resuming.choose(settings, [])


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["flipped", "empty", "gone"])
def test_a_damaged_state_falls_back_to_the_one_before(damage, outputs, cut, capsys):
    whole = run(WORDS)
    halted = interrupt(WORDS, cut, "refit", 8)  # the one before it is the end of fit
    last = halted / "checkpoints" / "last.ckpt"
    assert previous(last).is_file()
    content = bytearray(last.read_bytes())
    with zipfile.ZipFile(last) as archive:  # a bit of the longest tensor
        longest = max(archive.infolist(), key=lambda one: one.file_size)
    content[content.index(longest.filename.encode()) + 500] ^= 1
    last.unlink() if damage == "gone" else last.write_bytes(content if damage == "flipped" else b"")
    capsys.readouterr()
    assert_same(whole, run(["resume=latest"]))
    told = [line for line in capsys.readouterr().err.splitlines() if "last.ckpt" in line]
    assert len(told) == 1
    assert "The one before it is used" in told[0]


# Saves at every Trainer step, and is killed once there are two generations.
KILLED = """
import os, signal, sys
from lstm_lab.train import main
from lstm_lab.training.checkpoint import previous
from lstm_lab.training.saver import Saver

def agree(self, trainer):
    self._join()
    if previous(self.path).is_file():
        os.kill(os.getpid(), signal.SIGKILL)
    return 0, True

Saver._agree = agree
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_as_the_same_mlflow_run(outputs, tracked_runs):
    words = [word for word in WORDS if word != "tracking=off"]
    whole = run([*words, "tracking=off"])
    ended = subprocess.run([sys.executable, "-c", KILLED, *words], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    halted = resuming._runs()[-1]
    assert not (halted / "status.json").exists()
    done = subprocess.run(
        [sys.executable, "-m", "lstm_lab.train", "resume=latest"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert left_by(halted)[1] == left_by(whole.directory)[1]

    import mlflow

    [found] = tracked_runs()
    assert found.info.status == "FINISHED"
    client = mlflow.MlflowClient(f"sqlite:///{outputs / 'mlflow.db'}")
    steps = [point.step for point in client.get_metric_history(found.info.run_id, "train/loss")]
    assert steps == sorted(set(steps))
    assert steps[-1] == 21
    assert Path(found.info.artifact_uri.removeprefix("file://")).is_dir()
