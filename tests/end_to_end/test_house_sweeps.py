"""Sweeps of our own application, through the real command."""

import json
import shlex
import subprocess
import sys

import pandas as pd
import pytest
import yaml

SMALL = ["ensemble=1", "fit.max_steps=6", "fit.validate_every=2", "refit=false"]


def sweep(*words, cwd):
    command = [sys.executable, "-m", "lstm_lab.train", "-m", *words, *SMALL]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_a_grid_runs_each_point_once_under_one_parent(outputs):
    done = sweep("model=lstm,rnn", "seed=1,2", cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    study = next((outputs / "studies").iterdir())
    table = pd.read_csv(study / "trials.csv")
    assert len(table) == 4
    best = yaml.safe_load((study / "optimization_results.yaml").read_text())
    assert set(best["best_params"]) == {"model", "seed"}
    for number in range(4):
        found = json.loads((study / str(number) / "metrics.json").read_text())
        assert found["metrics"] == {}, "a trial has seen the test set"
        assert found["validation"]["val/mae"] > 0
        assert not (study / str(number) / "predictions.csv").exists()
    assert not (outputs / "runs").exists()

    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{outputs}/mlflow.db")
    runs = client.search_runs([one.experiment_id for one in client.search_experiments()])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = [run for run in runs if "mlflow.parentRunId" in run.data.tags]
    assert len(parents) == 1
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    assert [run.info.status for run in [*parents, *children]] == ["FINISHED"] * 5
    assert {"mlflow.user", "mlflow.source.name", "versions"} <= set(parents[0].data.tags)

    again = sweep("model=lstm,rnn", "seed=1,2", cwd=outputs.parent)
    assert again.returncode == 0
    assert len(pd.read_csv(study / "trials.csv")) == 4


OWN = """
# @package _global_
hydra:
  sweeper:
    n_trials: 2
    replicates: 2
    params:
      model: lstm,rnn
      "model.forget_bias | model=lstm": interval(0,2)
    enqueue:
      - {model: lstm, model.forget_bias: 1.0}
      - {model: rnn}
"""


@pytest.mark.slow
def test_conditions_and_replicates_from_a_file_of_ones_own(outputs, tmp_path):
    (tmp_path / "my" / "search").mkdir(parents=True)
    (tmp_path / "my" / "search" / "own.yaml").write_text(OWN.lstrip())
    words = ["--config-dir", str(tmp_path / "my"), "search=own", "data=sine", "tracking=off"]
    done = sweep(*words, cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    table = pd.read_csv(outputs / "studies" / "own" / "trials.csv")
    assert list(table["model"]) == ["lstm", "rnn"]
    assert table["model.forget_bias"].isna().tolist() == [False, True]
    assert (table["interval"] > 0).all()
    # The line that retrains the best is complete.
    [line] = [one.strip() for one in done.stdout.splitlines() if one.strip().startswith("python -m lstm_lab")]
    again = subprocess.run(
        [sys.executable, *shlex.split(line)[1:], "dry_run=true"], capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_bad_trial_is_pruned_and_the_best_is_retrained(outputs):
    words = ["optim.lr=choice(0.01,5.0)", "hydra/sweeper/pruner=threshold", "sweep.pruner.upper=300"]
    words += ["hydra/sweeper/sampler=grid", "sweep.retrain_best=true", "tracking=off"]
    done = sweep(*words, cwd=outputs.parent)
    assert done.returncode == 0, done.stderr
    study = next((outputs / "studies").iterdir())
    states = dict(pd.read_csv(study / "trials.csv")[["optim.lr", "state"]].astype(str).to_numpy())
    assert states == {"0.01": "COMPLETE", "5.0": "PRUNED"}
    runs = [path for path in (outputs / "runs").iterdir() if not path.is_symlink()]
    assert len(runs) == 1
    assert "test/rmse" in json.loads((runs[0] / "metrics.json").read_text())["metrics"]
