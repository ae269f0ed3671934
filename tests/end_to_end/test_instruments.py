"""Instruments and long lags through the real doors: tables, pictures, MLflow, and mistakes in one line."""

import json

import pandas as pd
import pytest
import torch

from lstm_lab.probe import main as probe

SMALL = (
    "data=agreement",
    "data.sequences=120",
    "data.tests=6",
    "data.longest=12",
    "data.lags=[5,20]",
    "threads=1",
)


def ran(capsys, *words, code=0):
    assert probe(list(words)) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_a_training_leaves_scores_by_lag(train):
    run = train(*SMALL)
    table = pd.read_csv(run.path / "by_lag.csv")
    assert table["lag"].tolist() == [5, 20]
    assert table["samples"].tolist() == [6, 6]
    assert run.metrics["metrics"]["test/accuracy_at_20"] == pytest.approx(table["accuracy %"][1])
    assert (run.path / "figures" / "by_lag.png").stat().st_size > 10_000
    for row in run.metrics["baselines"].values():  # as many sentences of either distance
        assert row["accuracy"] == pytest.approx((row["accuracy_at_5"] + row["accuracy_at_20"]) / 2)
    predictions = run.predictions.assign(right=lambda one: one["truth"] == one["label"])
    assert 100 * predictions["right"].tail(6).mean() == pytest.approx(table["accuracy %"][1])


@pytest.mark.parametrize(
    "name",
    [
        "gradients",
        pytest.param("gates", marks=pytest.mark.slow),
        pytest.param("memory", marks=pytest.mark.slow),
    ],
)
def test_a_probe_watches_and_changes_nothing(train, name):
    words = (*SMALL, "fit.max_steps=6", "fit.validate_every=2", "model=lstm")
    plain, watched = train(*words), train(*words, f"probe={name}")
    assert plain.metrics["metrics"] == watched.metrics["metrics"]
    weights = [one.checkpoint["state_dict"] for one in (plain, watched)]
    assert all(torch.equal(weights[1][key], tensor) for key, tensor in weights[0].items())
    course = pd.read_csv(watched.path / f"probe_{name}_course.csv")
    assert sorted(course["training_step"].unique()) == [0, 2, 4, 6]
    assert len(pd.read_csv(watched.path / f"probe_{name}.csv"))
    assert (watched.path / "figures" / f"probe_{name}.png").stat().st_size > 10_000
    assert not list(plain.path.glob("probe_*"))


def test_what_inputs_are_worth_while_training_and_afterwards(train, capsys):
    words = ("data=adding", "data.sequences=120", "data.tests=6", "data.longest=24", "data.lags=[30]")
    run = train(*words, "probe=importance", "probe.repeats=3")
    told = pd.read_csv(run.path / "probe_importance.csv")
    assert set(told["input"]) == set(run_inputs(run))
    assert told["part"].unique() == ["validation"]
    assert not list(run.path.glob("probe_*_course*"))
    line = ran(capsys, "run=latest", "probe=importance", "sequences=6", "repeats=4")
    assert "MSE" in line
    assert "on 6 sequences of the test part" in line
    assert (run.path / "figures" / "probe_importance.png").stat().st_size > 10_000
    train(*SMALL)
    assert "exchanges columns of numbers" in ran(capsys, "run=latest", "probe=importance", code=2)


def run_inputs(run):
    return run.checkpoint["hyper_parameters"]["spec"]["inputs"]["names"]


@pytest.mark.slow
def test_a_finished_run_and_its_run_in_mlflow(train, tracked_runs, capsys):
    import mlflow

    run = train(*SMALL, "tracking=mlflow", "tracking.uri=null")
    told = ran(capsys, "run=latest", "probe=gates", "text=near the house the cats which the dog saw")
    assert "forget gate keeps at 1 and forgets at 0" in told
    table = pd.read_csv(run.path / "probe_gates.csv")
    forget = table[table["gate"] == "forget"]
    assert " ".join(forget.groupby("step")["name"].first()) == "near the house the cats which the dog saw"
    assert forget["value"].between(0, 1).all()
    (tracked,) = tracked_runs()
    assert tracked.info.status == "FINISHED"
    client = mlflow.MlflowClient(f"sqlite:///{run.path.parents[1] / 'mlflow.db'}")
    sent = {one.path for one in client.list_artifacts(tracked.info.run_id)}
    assert {"probe_gates.csv", "probe_gates.png", "by_lag.csv", "by_lag.png"} <= sent
    assert json.loads((run.path / "status.json").read_text())["status"] == "FINISHED"


@pytest.mark.slow
def test_networks_as_they_begin_and_several_runs_side_by_side(train, outputs, capsys):
    told = ran(capsys, *SMALL, "model=rnn,lstm", "model.hidden_size=4", "probe=gradients", "lag=8")
    assert "rnn: gradient at lag 8 over lag 1" in told
    table = pd.read_csv(outputs / "probes" / "gradients-agreement" / "probe_gradients.csv")
    assert set(table["model"]) == {"rnn", "lstm"}
    assert table["lag"].max() == 8
    runs = [train(*SMALL, f"model={model}") for model in ("rnn", "gru")]
    names = ",".join(str(run.path) for run in runs)
    told = ran(capsys, f"run={names}", "probe=distance")
    assert "rnn: accuracy %" in told
    assert (outputs / "probes" / "distance-agreement" / "figures" / "probe_distance.png").is_file()
    ran(capsys, f"run={names}", "probe=memory", "sequences=6")
    assert (outputs / "probes" / "memory-agreement" / "probe_memory.csv").is_file()


@pytest.mark.slow
def test_what_is_missing_is_trained_once(train, outputs, capsys):
    words = (*SMALL, "fit.max_steps=4", "tracking=off", "model.hidden_size=4")
    told = ran(capsys, *words, "model=rnn,lstm", "probe=distance")
    assert told.count("accuracy %") >= 2
    count = len(list((outputs / "runs").glob("2*")))
    again = ran(capsys, *words, "model=rnn,lstm", "probe=distance")
    assert again.count("is there") == 2
    assert len(list((outputs / "runs").glob("2*"))) == count == 2


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("probe=gates", *SMALL, "model=rnn"), "rnn has no gates to look at. Cells with gates: gru, lstm"),
        (("probe=gradients", *SMALL, "model=rnn", "lag=500"), "lag=500: the longest of these sequences has"),
        (
            ("probe=importance", *SMALL, "model=lstm"),
            "probe=importance asks what was learned: name a finished run",
        ),
        (("probe=grads", "run=latest"), "probe=grads is not known. Did you mean 'gradients'?"),
        (("run=latest",), "which probe? Allowed: probe=gradients, probe=gates"),
        (
            ("probe=gates", *SMALL, "model=lstm", "sample=9999"),
            "sample=9999: the validation part has samples 0 to",
        ),
        (("probe=gates", *SMALL, "model=lstm,gru"), "probe=gates shows one model at a time"),
        (("probe=memory", "lag=0", "run=latest"), "lag=0 must be a whole number of at least 1"),
        (("probe=gradients", "run=latest", "part=train"), "run=latest: there is no finished run"),
        (("probe=gates", "run=latest", *SMALL), "run=… looks into finished runs; leave data="),
        (("probe=gates", "model=predrnn", "data=moving_digits"), "has no recurrent core of vectors"),
    ],
)
def test_mistakes_are_told_in_one_line(outputs, capsys, words, line):
    told = ran(capsys, *words, code=2)
    assert line in told
    assert told.count("\n") == 1
    assert not (outputs / "runs").exists()


def test_a_training_that_cannot_be_watched_writes_nothing(outputs, capsys):
    from lstm_lab.train import main

    assert main([*SMALL, "model=rnn", "probe=gates", "tracking=off"]) == 2
    assert "rnn has no gates" in capsys.readouterr().err
    assert not (outputs / "runs").exists()


@pytest.mark.slow
def test_a_probe_that_is_off_is_not_imported():
    import subprocess
    import sys

    code = (
        "import sys; from lstm_lab.doors import compose_config, plain_settings; from lstm_lab.planning import prepare;"
        "from lstm_lab.training import ranks; import lstm_lab.experiment;"
        "s = plain_settings(compose_config(['data=sine'])); p = prepare(s, [], ranks.find_group(s['trainer']));"
        "assert p.watch is None and not [m for m in sys.modules if m.startswith('lstm_lab.probing')], 'imported'"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
