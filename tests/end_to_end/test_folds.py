"""Folds: every sample tested once, one table, and data without folds told so."""

import json

import pandas as pd
import pytest

from lstm_lab import evaluate
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
    assert main(["data=adding", "data.folds=3", "tracking=off"]) == 2
    assert "is tested on 20, 50, 100, 200, 400: they cannot take turns" in capsys.readouterr().err
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


@pytest.mark.slow
@pytest.mark.parametrize("head", ["recursive", "segment"])
def test_series_that_no_training_saw(outputs, capsys, tmp_path, head):
    rows = [
        f"{shop},{2001 + n // 12}-{n % 12 + 1:02},{20 * (place + 1) + n % 12 + n % 5}"
        for place, shop in enumerate(("north", "south", "east"))
        for n in range(60)
    ]
    (tmp_path / "shops.csv").write_text("shop,month,sales\n" + "\n".join(rows) + "\n")
    words = [
        "data=csv", f"data.path={tmp_path / 'shops.csv'}", "data.target=sales", "data.horizon=3", "data.test=6",
        "data.group=shop", "data.folds=all", f"task.head={head}", "tracking=off", "fit.max_steps=4", "ensemble=1",
        "model.hidden_size=4",
    ]  # fmt: skip
    assert main(words) == 0
    assert "fold 3 of 3" in capsys.readouterr().out
    (home,) = (outputs / "folds").iterdir()
    found = pd.read_csv(home / "predictions.csv")
    assert found.groupby("fold")["series"].unique().str.join("").tolist() == ["east", "north", "south"]
    assert found["forecast"].notna().all()
    assert found["lower"].notna().all()
    one = home / "folds" / "1"
    assert "'north', scaled by own earlier rows" in json.loads((one / "metrics.json").read_text())["protocol"]
    assert evaluate.main([f"run={one}"]) == 0
    score = json.loads((one / "metrics.json").read_text())["metrics"]["test/rmse"]
    assert f"{score:.4g}" in capsys.readouterr().out


@pytest.mark.slow
def test_authors_of_tags_are_left_out_one_at_a_time(outputs, capsys, tmp_path):
    rows = [f"a{n}\t{who}\tx\nb\t{who}\ty\n\n" for n, who in enumerate("abc" * 8)]
    (tmp_path / "my.txt").write_text("".join(rows))
    words = ["data=tagged", f"data.path={tmp_path / 'my.txt'}", "data.group=2", "data.folds=all"]
    assert main([*words, *[word for word in TINY if not word.startswith("data=")]]) == 0
    shown = capsys.readouterr().out
    assert "fold 3 of 3" in shown
    assert "mean over 48 tested samples of 3 folds" in shown
