"""Recipes for a csv of one's own, through the real door: counts of a disease, and prices with their bars."""

import numpy as np
import pandas as pd
import pytest

from lstm_lab.train import main


def written(path, **columns):
    stamps = pd.date_range("2019-01-07", periods=len(next(iter(columns.values()))), freq="W-MON")
    pd.DataFrame({"week": stamps.strftime("%Y-%m-%d"), **columns}).to_csv(path, index=False)
    return path


@pytest.fixture
def cases(tmp_path):
    weeks = np.arange(220)
    mean = 20 + 15 * np.cos(2 * np.pi * weeks / 52)
    return written(tmp_path / "mine.csv", cases=np.random.default_rng(0).poisson(mean))


def test_counts_of_ones_own(train, cases):
    run = train("experiment=incidence", f"data.path={cases}", "data.target=cases", "data.horizon=2")
    found = run.metrics
    assert 0 <= found["metrics"]["test/coverage"] <= 1
    assert found["metrics"]["test/crps"] > 0
    assert {"naive", "seasonal naive", "linear with covariates"} <= set(found["baselines"])
    assert (run.predictions["forecast"] >= 0).all()
    assert run.checkpoint["hyper_parameters"]["task"]["output"] == "negative_binomial"


def test_what_is_no_count(outputs, tmp_path, capsys):
    path = written(tmp_path / "cold.csv", cases=np.linspace(-5, 20, 220))
    words = ["experiment=incidence", f"data.path={path}", "data.target=cases", "tracking=off"]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert "negative_binomial needs counts; the data go down to -5" in told
    assert told.count("\n") == 1


def test_prices_without_their_bars(outputs, tmp_path, capsys):
    path = written(tmp_path / "prices.csv", Close=np.linspace(10, 20, 220), Volume=np.ones(220))
    assert main(["experiment=stock_ohlcv", f"data.path={path}", "tracking=off"]) == 2
    told = capsys.readouterr().err
    assert "there is no column 'Open'" in told
    assert told.count("\n") == 1


def test_prices_with_their_bars(train, tmp_path):
    close = 100 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.02, 220)))
    bars = {
        "Open": close * 1.01,
        "High": close * 1.02,
        "Low": close * 0.97,
        "Close": close,
        "Volume": close * 10,
    }
    run = train("experiment=stock_ohlcv", f"data.path={written(tmp_path / 'prices.csv', **bars)}")
    names = run.checkpoint["hyper_parameters"]["spec"]["inputs"]["names"]
    assert list(names)[:-1] == ["Close", *(f"{name} return" for name in bars)]
    assert "linear with covariates" in run.metrics["baselines"]
