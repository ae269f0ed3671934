"""A long file whose series have prices of their own: trained, scored again, forecast and exported by the real doors."""

import json

import numpy as np
import pandas as pd
import pytest

import lstm_lab
from lstm_lab import backtest, evaluate, predict
from lstm_lab.exporting import export

ROWS, AHEAD = 66, 3


def written(path, rows=ROWS, ahead=AHEAD):
    """Two shops of which each sells less when its own price is high; prices are known ahead."""
    at, parts = np.arange(rows + ahead), []
    for place, shop in enumerate(("north", "south")):
        price = np.round((1 + 3 * place) * (2 + np.cos(at * (2 + place))), 3)
        part = pd.DataFrame({"shop": shop, "month": pd.date_range("2001-01", periods=len(at), freq="MS")})
        sales = 50 * (place + 1) + 5 * np.sin(at * np.pi / 6) - 4 * price
        parts.append(
            part.assign(sales=np.where(at < rows, sales.round(2), np.nan), price=price, visitors=at % 7)
        )
    pd.concat(parts).to_csv(path, index=False)
    return path


@pytest.fixture
def ran(train, tmp_path):
    path = written(tmp_path / "shops.csv")
    return train(
        "data=csv", f"data.path={path}", "data.target=sales", "data.future=[price]", "data.past=[visitors]",
        "data.horizon=3", "data.test=6", "data.lookback=12",
    )  # fmt: skip


def test_what_a_run_said_is_said_again(ran, tmp_path, capsys):
    """Also after the refit, which measures the prices of the validation rows as well."""
    capsys.readouterr()
    assert evaluate.main([f"run={ran.path}"]) == 0
    shown = capsys.readouterr().out
    assert f"{ran.metrics['metrics']['test/rmse']:.4g}" in shown
    out = tmp_path / "back"
    assert backtest.main([f"run={ran.path}", f"out={out}"]) == 0
    table = pd.read_csv(out / "backtest.csv")
    for column in ("forecast", "lower", "upper"):
        assert np.array_equal(table[column], ran.predictions[column]), column
    metrics = json.loads((out / "backtest.json").read_text())["metrics"]
    assert metrics["test/rmse"] == ran.metrics["metrics"]["test/rmse"]


def test_a_forecast_from_a_file_is_the_test_forecast(ran, tmp_path, capsys):
    early = written(tmp_path / "early.csv", ROWS - 3)
    assert predict.main([f"run={ran.path}", f"path={early}"]) == 0
    found = pd.read_csv(ran.path / "forecast.csv")
    last = ran.predictions.query("origin == origin.max()")
    for shop, rows in last.groupby("series"):
        np.testing.assert_allclose(found[f"forecast {shop}"], rows["forecast"], rtol=1e-5)
    assert (ran.path / "forecast.png").stat().st_size > 10_000
    capsys.readouterr()
    written(tmp_path / "late.csv", ROWS, 2)
    assert predict.main([f"run={ran.path}", f"path={tmp_path / 'late.csv'}"]) == 2
    error = capsys.readouterr().err
    assert "'price' of series 'north' is missing at 2006-09-01" in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.slow
def test_its_file_takes_any_batch(ran, tmp_path):
    pytest.importorskip("onnxruntime")
    made = export(lstm_lab.load(ran.path), tmp_path, "onnx")
    assert {batch for batch, _ in made.differences} == {1, 7}
    assert max(made.differences.values()) <= 1e-5
