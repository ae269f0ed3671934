"""Folds: every sample tested once, one table, and data without folds told so."""

import json

import pandas as pd
import pytest

from lstm_lab.folds import main

TINY = [
    "data=keywords",
    "tracking=off",
    "fit.max_steps=12",
    "model.hidden_size=4",
    "fit.steps_per_execution=12",
]


def test_every_sample_is_tested_once(outputs, capsys):
    assert main([*TINY, "data.folds=2"]) == 0
    shown = capsys.readouterr().out
    assert "fold 2 of 2" in shown
    assert "naive Bayes" in shown
    (home,) = (outputs / "folds").iterdir()
    predictions = pd.read_csv(home / "predictions.csv")
    assert sorted(predictions["sample"]) == list(range(600))
    table = json.loads((home / "metrics.json").read_text())["table"]
    right = (predictions["truth"] == predictions["label"]).mean()
    assert abs(table["LSTM"]["accuracy"] - 100 * right) < 1e-9
    each = [json.loads((home / "folds" / str(fold) / "metrics.json").read_text()) for fold in range(2)]
    assert len({one["protocol"] for one in each}) == 2
    assert not (outputs / "runs").exists()


def test_mistakes_are_one_line(outputs, capsys):
    for words, message in (
        ([], "data=keywords has no folds as it is. Set data.folds=10"),
        (["data.fold=1"], "it goes through all folds"),
    ):
        assert main([*TINY, *words]) == 2
        assert message in capsys.readouterr().err
    assert main(["data=parity", "tracking=off"]) == 2
    assert "data=parity has no folds: how it is made" in capsys.readouterr().err
    assert not outputs.exists()


@pytest.mark.parametrize(
    "data",
    [pytest.param(one, marks=pytest.mark.slow) for one in ("echo", "airline", "digits_rows", "mirrors")],
)
def test_every_kind_goes_through_its_folds(outputs, capsys, data):
    words = [f"data={data}", "tracking=off", "fit.max_steps=2", "fit.validate_every=2", "model.hidden_size=4"]
    assert main([*words, "ensemble=1", "data.folds=2"]) == 0
    shown = capsys.readouterr().out
    assert "fold 2 of 2" in shown
    assert "of 2 folds, ± deviation between folds" in shown
    assert "LSTM" in shown
