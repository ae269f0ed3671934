"""Folds: every sample tested once, one table, and data without folds told so."""

import json

import pandas as pd

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
        ([], "data=keywords has no folds"),
        (["data.fold=1"], "it goes through all folds"),
    ):
        assert main([*TINY, *words]) == 2
        assert message in capsys.readouterr().err
    assert not outputs.exists()
