"""Run directories: named apart, written whole, found again."""

import json
import math
import os

import numpy as np
import pytest

from lstm_lab.errors import UserError
from lstm_lab.paths import find_run
from lstm_lab.rundir import RunDirectory, new_path, read_metrics
from lstm_lab.tracking.tables import name_of


def test_names_do_not_collide_and_say_what_they_are(outputs):
    paths = {new_path("lstm", "airline") for _ in range(200)}
    assert len(paths) == 200
    assert all(path.parent == outputs / "runs" for path in paths)
    assert all("-lstm-airline-" in path.name for path in paths)
    assert not outputs.exists()  # a name makes nothing


def test_latest_is_the_one_that_closed_last(outputs):
    one, two = (RunDirectory(new_path("lstm", "airline")) for _ in range(2))
    for run in (one, two, one):
        run.close()
        assert (outputs / "runs" / "latest").resolve() == run.path
    assert not [name for name in os.listdir(outputs / "runs") if name.startswith(".")]


def test_numbers_are_strict_json_to_the_last_digit(tmp_path):
    run = RunDirectory(tmp_path / "run")
    exact = 22.364712421327695
    numbers = {"a": exact, "nan": math.nan, "many": [math.inf, 1, "x", None, True], "deep": {"b": (1.5,)}}
    path = run.write_json("metrics.json", {**numbers, "numpy": np.float64(0.1)})

    def refuse(word):
        raise AssertionError(word)

    back = json.loads(path.read_text(), parse_constant=refuse)
    assert back["a"] == exact
    assert back["nan"] is None
    assert back["many"] == [None, 1, "x", None, True]
    assert back["deep"] == {"b": [1.5]}
    assert back["numpy"] == 0.1
    assert read_metrics(run.path) == back


def test_a_file_is_replaced_whole(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.write_text("a.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        run.write_text("a.txt", "new \ud800")
    assert (run.path / "a.txt").read_text() == "old"


def test_a_run_that_did_not_finish_has_no_metrics(tmp_path):
    with pytest.raises(UserError, match="did not finish"):
        read_metrics(RunDirectory(tmp_path / "run").path)


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        RunDirectory(tmp_path / "file" / "run")


def test_runs_are_found_by_what_people_type(outputs, monkeypatch):
    with pytest.raises(UserError, match="Train one first"):
        find_run("latest")
    made = []
    for name in ("20260101-000000-lstm-airline-aaa111", "20260101-000001-gru-sine-bbb111"):
        run = RunDirectory(outputs / "runs" / name)
        run.write_text("config.yaml", "")
        run.close()
        made.append(run.path)
    assert find_run("latest") == made[1]
    assert find_run("aaa111") == made[0]
    assert find_run(made[0].name) == made[0]
    assert find_run(str(made[0])) == made[0]
    monkeypatch.chdir(made[0].parent)
    assert find_run(made[1].name) == made[1]
    with pytest.raises(UserError, match="fits 2 runs"):
        find_run("111")
    with pytest.raises(UserError, match="Did you mean '20260101-000001-gru-sine-bbb111'"):
        find_run("20260101-000001-gru-sine-bbb112")


def test_trials_and_folds_are_found_by_the_names_that_the_table_of_runs_shows(outputs):
    places = (
        "runs/20260101-000000-lstm-airline-aaa114",
        "studies/lstm_airline/4",
        "folds/x-lstm-splice-ccc333/folds/4",
    )
    trained, trial, fold = (outputs / place for place in places)
    for path in (trained, trial, fold):
        path.mkdir(parents=True)
        (path / "config.yaml").write_text("")
    assert find_run("lstm_airline/4") == trial
    assert find_run("ccc333/4") == fold
    assert [name_of(path) for path in (trained, trial, fold)] == ["aaa114", "lstm_airline/4", "ccc333/4"]
    with pytest.raises(UserError, match="no such run"):  # not the run whose id happens to end in 4
        find_run("4")
