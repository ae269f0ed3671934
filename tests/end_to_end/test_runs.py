"""Every option through the real door: what a run leaves behind, and how it ends when it goes wrong."""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

ROOT = Path(__file__).parents[2]
# Models of frames and of sentences are tested with their data.
ELSEWHERE = {"convlstm", "predrnn", "seq2seq"}
MODELS = sorted({path.stem for path in (ROOT / "conf" / "model").glob("*.yaml")} - ELSEWHERE)
LEFT = {
    "config.yaml", "overrides.yaml", "metrics.json", "predictions.csv", "history.csv", "status.json",
    "events.jsonl", "figures/forecast.png", "figures/learning_curve.png", "checkpoints/best.ckpt",
}  # fmt: skip


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def status_of_checkout():
    done = subprocess.run(["git", "status", "--short", "--ignored"], cwd=ROOT, capture_output=True, text=True)
    # What other work in the checkout leaves at the same time is none of a run's.
    names = ("lightning_logs", "multirun", "mlruns", "mlflow.db", ".hydra", "hydra", "checkpoints")
    return {line for line in done.stdout.splitlines() if any(name in line[3:].split("/") for name in names)}


# Monthly series wait a second for their SARIMA each time: one model stands for all, the others are slow tests.
SERIES = [
    pytest.param(model, data, marks=[] if data == "sine" or model == "lstm" else [pytest.mark.slow])
    for model, data in product(MODELS, ["airline", "sine", "csv"])
]


@pytest.mark.parametrize(("model", "data"), SERIES)
def test_every_model_on_every_series(model, data, train, monthly, tmp_path, outputs):
    words = [f"data.path={monthly()}", "data.horizon=3"] if data == "csv" else []
    before = status_of_checkout()
    ran = train(f"model={model}", f"data={data}", *words)
    assert ran.status == {"status": "FINISHED", "reason": None, "version": ran.status["version"]}
    assert files(ran.path) >= LEFT
    assert all(np.isfinite(value) for value in ran.metrics["metrics"].values())
    assert ran.metrics["protocol"]
    assert ran.config["model"]["cell"] == ran.checkpoint["hyper_parameters"]["cell"]
    # Nothing beside the outputs: neither where the command was given nor in the checkout.
    assert {path.name for path in tmp_path.iterdir()} <= {"outputs", "sales.csv"}
    assert {path.name for path in outputs.iterdir()} == {"runs"}
    assert status_of_checkout() == before


OPTIONS = {
    "both ways": ["model.bidirectional=true", "model.num_layers=2", "model.dropout=0.2", "optim=adam"],
    "unequal layers": ["model.hidden_size=[6,3]", "model.num_layers=2", "model.init=gaussian", "optim=sgd"],
    "relu": ["model.activation=relu", "model.recurrent_dropout=0.3", "model.init=torch", "optim=rmsprop"],
    "penalties": ["model.l1=0.01", "model.l2=0.01", "model.forget_bias=0", "fit.clip=0", "optim.schedule=linear"],
    "written-out, both ways": ["model=lstm_peephole", "model.bidirectional=true", "optim.schedule=cosine"],
    "relu gru": ["model=gru", "model.activation=relu", "optim.schedule=constant", "optim.warmup=2"],
    "one at a time": ["fit.steps_per_execution=1", "threads=1", "trainer=cpu", "refit=false"],
    "one cycle, timer": ["optim.schedule=onecycle", "callbacks=timer", "callbacks.timer.duration=00:00:10:00"],
    "huber": ["task.loss=huber", "task.scales=[raw]", "task.views=[level]", "ensemble=2"],
}  # fmt: skip


@pytest.mark.parametrize("words", OPTIONS.values(), ids=list(OPTIONS))
def test_every_option_trains(words, train, monthly):
    plain = ("data=csv", f"data.path={monthly()}", "data.season=0", "data.horizon=1")
    ran = train(*plain, "fit.max_steps=6", *words)
    assert ran.status["status"] == "FINISHED"
    assert np.isfinite(ran.metrics["metrics"]["test/rmse"])
    weights = ran.checkpoint["state_dict"].values()
    assert all(torch.isfinite(tensor).all() for tensor in weights)


OPTIMS = sorted(path.stem for path in (ROOT / "conf" / "optim").glob("*.yaml"))


@pytest.mark.parametrize("optim", OPTIMS)
@pytest.mark.parametrize("data", [pytest.param("airline", marks=pytest.mark.slow), "sine"])
def test_every_optimiser_goes_with_every_shipped_series(data, optim, outputs):
    from lstm_lab.train import main

    assert main([f"data={data}", f"optim={optim}", "ensemble=1", "dry_run=true"]) == 0


@pytest.mark.parametrize("debug", ["one_batch", "overfit", "profile"])
def test_debug_runs(debug, train, capsys):
    steps = [] if debug == "one_batch" else ["fit.max_steps=6", "fit.validate_every=3"]
    # The tiny settings of these tests come first, so that the debug config has to win over the defaults alone.
    ran = train("data=sine", f"debug={debug}", *steps)
    assert ran.config["refit"] is False
    assert ran.config["tracking"]["enabled"] is False
    assert ("FIT Profiler Report" in capsys.readouterr().out) == (debug == "profile")


def test_training_ends_when_the_goal_is_reached(train):
    ran = train("data=sine", "fit.max_steps=40", "fit.validate_every=2", "early_stopping.goal=1e6")
    assert ran.metrics["validation"]["ended"] == "goal 1e+06 reached at step 2"
    assert ran.metrics["validation"]["steps"] == 2
    assert ran.history["step"].tolist() == [2]


def test_training_ends_when_nothing_improves_and_the_best_weights_stay(train):
    words = (
        "data=airline",
        "fit.max_steps=60",
        "fit.validate_every=2",
        "early_stopping.patience=3",
        "refit=false",
    )
    ran = train(*words, "optim=sgd", "optim.lr=3", "fit.clip=0.5", "optim.schedule=constant")
    validation, history = ran.metrics["validation"], ran.history
    assert validation["steps"] == history["step"][history["val/mae"].idxmin()]
    assert validation["val/mae"] == pytest.approx(history["val/mae"].min(), rel=1e-6)
    assert history["step"].iloc[-1] == validation["steps"] + 6
    assert "no improvement in 3 validations" in validation["ended"]


def test_a_dry_run_writes_nothing(train, capsys, outputs, tmp_path):
    from lstm_lab.train import main

    assert main(["data=sine", "dry_run=true"]) == 0
    assert "Nothing was recorded" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_printing_the_config_writes_nothing(tmp_path):
    command = [sys.executable, "-m", "lstm_lab.train", "--cfg", "job", "data=sine", "model=gru"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "name: sine" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_picture_and_a_table_are_what_a_person_gets(train, capsys):
    ran = train("data=airline")
    said = capsys.readouterr().out
    for word in (
        "RMSE",
        "MASE",
        "seasonal naive",
        "SARIMA",
        "LSTM",
        "protocol:",
        str(ran.path),
        "lstm_lab.ui",
    ):
        assert word in said, word
    assert ran.metrics["verdict"].replace("\n", " ") in said.replace("\n", " ")
    assert 36 == len(ran.predictions) == ran.predictions["step"].iloc[-1]
    assert ran.predictions["truth"].iloc[[0, -1]].tolist() == [340, 432]


# -- when it goes wrong ----------------------------------------------------------------------------------

CALLBACK = """
import lightning.pytorch as pl
import torch

class Poison(pl.Callback):
    def __init__(self, step):
        self.step = step

    def on_train_batch_end(self, trainer, module, *_):
        if trainer.global_step == self.step:
            torch.nn.init.constant_(next(module.parameters()), float("nan"))

class Crash(pl.Callback):
    def on_train_batch_end(self, trainer, module, *_):
        raise RuntimeError("boom")
"""


@pytest.fixture
def callbacks(tmp_path, monkeypatch):
    (tmp_path / "my_callbacks.py").write_text(CALLBACK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_callbacks", raising=False)

    def words(name, *settings):
        mine = [f"+callbacks.mine.{setting}" for setting in settings]
        return ["allow_targets=[my_callbacks]", f"+callbacks.mine._target_=my_callbacks.{name}", *mine]

    return words


STEPS = ("data=sine", "fit.max_steps=40", "fit.validate_every=4")


def test_a_loss_that_is_not_finite_fails_and_keeps_the_last_good_checkpoint(train, callbacks, capsys):
    ran = train(*STEPS, "fit.steps_per_execution=2", *callbacks("Poison", "step=10"), code=1)
    error = capsys.readouterr().err
    assert "step 11" in error
    assert "Traceback" not in error
    assert ran.status["status"] == "FAILED"
    assert "step 11" in ran.status["reason"]
    assert not (ran.path / "metrics.json").exists()
    assert all(torch.isfinite(tensor).all() for tensor in ran.checkpoint["state_dict"].values())
    from lstm_lab.predictor import load

    assert np.isfinite(load(ran.path).predict()["forecast"]).all()


def test_a_rate_beyond_reason_fails(train, capsys):
    ran = train("data=airline", "fit.max_steps=30", "optim.lr=1e30", code=1)
    assert ran.status["status"] == "FAILED"
    assert "training diverged" in ran.status["reason"]
    assert "diverged" in capsys.readouterr().err
    assert not ran.best.exists()  # there never was a good one


def test_a_crash_is_a_failure_with_its_traceback_kept(train, callbacks, outputs):
    from lstm_lab.train import main

    with pytest.raises(RuntimeError, match="boom"):
        main(["ensemble=1", "tracking=off", *STEPS, *callbacks("Crash")])
    (run,) = (path for path in (outputs / "runs").iterdir() if not path.is_symlink())
    assert '"FAILED"' in (run / "status.json").read_text()
    assert "boom" in (run / "error.txt").read_text()


def test_a_target_of_ones_own_needs_leave(callbacks, outputs, capsys):
    from lstm_lab.train import main

    words = callbacks("Crash")[1:]
    assert main(["data=sine", "tracking=off", *words]) == 2
    assert "allow_targets" in capsys.readouterr().err


def test_secrets_do_not_reach_the_record(train):
    ran = train("data=sine", "tracking.uri=postgresql://ann:hunter2@host/db")
    assert not [name for name in files(ran.path) if b"hunter2" in (ran.path / name).read_bytes()]


# -- the whole command ------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_command_itself_with_tracking(tmp_path):
    before = status_of_checkout()
    environment = {
        **os.environ,
        "LSTM_LAB_OUTPUTS": str(tmp_path / "out"),
        "MLFLOW_TRACKING_URI": "",
        "OMP_NUM_THREADS": "1",
    }
    (tmp_path / "here").mkdir()
    command = [sys.executable, "-m", "lstm_lab.train", "data=sine", "ensemble=1", "fit.max_steps=20"]
    done = subprocess.run(
        command, cwd=tmp_path / "here", env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert list((tmp_path / "here").iterdir()) == []
    assert status_of_checkout() == before
    import sqlite3

    with sqlite3.connect(tmp_path / "out" / "mlflow.db") as store:
        runs = store.execute("select run_uuid, status, end_time from runs").fetchall()
        metrics = dict(store.execute("select key, value from latest_metrics").fetchall())
    assert [status for _, status, _ in runs] == ["FINISHED"]
    run = (tmp_path / "out" / "runs" / "latest").resolve()
    said = pd.read_json(run / "metrics.json", typ="series")["metrics"]
    assert metrics["test/rmse"] == pytest.approx(said["test/rmse"])
    assert {"train/loss", "val/mae"} <= metrics.keys()
