"""Baselines against published and hand-computed numbers."""

import subprocess
import sys
import time
import warnings
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from lstm_lab.baselines.autoregression import choose_order, forecast_autoregression
from lstm_lab.baselines.forecast import forecast_baselines

# MAPE in % and RMSE in thousands of passengers: 1958-60 from the end of 1957.
AIRLINE = {
    "naive": (19.89, 121.1),
    "seasonal naive": (13.19, 73.6),
    "drift": (12.99, 87.7),
    "seasonal naive + drift": (5.66, 33.2),
    "mean": (44.41, 212.5),
    "AR(13)": (8.54, 40.8),
    "SARIMA(2,1,1)(0,1,0)12": (4.12, 22.4),
    "SARIMA(0,1,1)(0,1,1)12": (4.18, 22.6),
    "Holt-Winters add/add": (5.11, 26.4),
    "Theta": (8.32, 50.6),
}


def airline() -> np.ndarray:
    with (files("lstm_lab") / "data" / "timeseries" / "series" / "airline.csv").open() as file:
        return pd.read_csv(file)["Passengers"].to_numpy(float)


def errors(forecast: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    return 100 * float(np.mean(np.abs(forecast / truth - 1))), float(
        np.sqrt(np.mean((forecast - truth) ** 2))
    )


@pytest.fixture(scope="module")
def found():
    return forecast_baselines(airline()[:108], 36, 12)


def test_the_series_is_the_one_that_everybody_uses():
    values = airline()
    assert len(values) == 144
    assert values.sum() == 40363
    assert list(values[[0, 107, 108, 143]]) == [112, 336, 340, 432]


def test_airline_has_all_baselines(found):
    assert list(found.forecasts) == list(AIRLINE)
    assert found.left_out == {}


@pytest.mark.parametrize("name", AIRLINE)
def test_airline_scores_are_the_known_ones(found, name):
    mape, rmse = errors(found.forecasts[name], airline()[108:])
    assert mape == pytest.approx(AIRLINE[name][0], abs=0.006)
    assert rmse == pytest.approx(AIRLINE[name][1], abs=0.06)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
def test_the_unit_of_the_series_changes_nothing(found, unit):
    scaled = forecast_baselines(airline()[:108] * unit, 36, 12)
    assert list(scaled.forecasts) == list(found.forecasts)
    for name, forecast in found.forecasts.items():
        np.testing.assert_allclose(scaled.forecasts[name] / unit, forecast, rtol=1e-4, err_msg=name)


def test_without_a_season_arima_and_holt_take_over():
    found = forecast_baselines(airline()[:108], 36, 0)
    assert list(found.forecasts) == ["naive", "drift", "mean", "AR(16)", "ARIMA(2,1,2)", "Holt", "Theta"]
    assert errors(found.forecasts["ARIMA(2,1,2)"], airline()[108:]) == pytest.approx((16.16, 103.8), rel=1e-3)
    one = forecast_baselines(airline()[:108], 36, 1)
    assert list(one.forecasts) == list(found.forecasts)


def test_simple_forecasts_by_hand():
    found = forecast_baselines(np.array([1.0, 5.0, 3.0, 2.0, 7.0]), 4, 2).forecasts
    assert found["naive"].tolist() == [7, 7, 7, 7]
    assert found["seasonal naive"].tolist() == [2, 7, 2, 7]
    assert found["drift"].tolist() == [8.5, 10, 11.5, 13]
    assert found["seasonal naive + drift"].tolist() == [3.5, 10, 6.5, 13]
    assert found["mean"].tolist() == [3.6] * 4


@pytest.mark.parametrize("season", [0, 12])
def test_a_constant_series_is_forecast_by_its_value(season):
    found = forecast_baselines(np.full(60, 5.0), 3, season)
    assert {"naive", "drift", "mean"} <= set(found.forecasts)
    for forecast in found.forecasts.values():
        assert forecast.tolist() == [5, 5, 5]
    assert all("constant" in reason or "order 0" in reason for reason in found.left_out.values())
    assert len(found.left_out) == (5 if season else 4)


@pytest.mark.parametrize("season", [0, 12])
@pytest.mark.parametrize("rows", [1, 2, 3, 9, 12, 13, 24, 36])
def test_short_series_lose_baselines_with_a_reason(rows, season):
    history = np.random.default_rng(rows).normal(size=rows) + 10
    found = forecast_baselines(history, 5, season)
    assert {"naive", "mean"} <= set(found.forecasts)
    assert all(
        forecast.shape == (5,) and np.isfinite(forecast).all() for forecast in found.forecasts.values()
    )
    assert not set(found.forecasts) & set(found.left_out)
    assert len(found.forecasts) + len(found.left_out) == (10 if season else 7)
    assert all(reason and "\n" not in reason for reason in found.left_out.values())
    assert ("seasonal naive" in found.forecasts) == (season == 12 and rows >= 12)
    if rows < 12 and season:
        assert found.left_out["seasonal naive"] == f"needs 12 rows (one season), the history has {rows}"


def test_what_would_take_minutes_is_left_out_with_a_reason():
    found = forecast_baselines(np.random.default_rng(0).normal(size=3650), 30, 365)
    assert "too long" in found.left_out["SARIMA(0,1,1)(0,1,1)365"]
    assert "too long" in found.left_out["Holt-Winters add/add"]


def test_a_long_history_is_bounded_in_time():
    rows = np.arange(5000)
    history = 10 + np.sin(rows * np.pi / 12) + 0.1 * np.random.default_rng(0).normal(size=5000)
    started = time.perf_counter()
    found = forecast_baselines(history, 24, 24)
    assert "SARIMA(0,1,1)(0,1,1)24" in found.forecasts
    assert time.perf_counter() - started < 60


def test_what_does_not_converge_is_left_out_with_a_reason(monkeypatch):
    monkeypatch.setattr("lstm_lab.baselines.forecast._ITERATIONS", 2)  # whatever the processor rounds
    found = forecast_baselines(np.sin(np.arange(-10, 4, 0.1)), 60, 0)
    assert found.left_out == {"ARIMA(2,1,2)": "did not converge in 2 iterations"}


@pytest.mark.parametrize("history", [[], [[1.0, 2.0]], [1.0, np.nan, 2.0], [np.inf, 1.0]])
def test_a_history_that_is_no_series_is_refused(history):
    with pytest.raises(ValueError, match="history"):
        forecast_baselines(np.array(history), 2, 0)


def test_nothing_is_printed_and_nothing_warns(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        forecast_baselines(airline()[:40], 6, 12)
    assert capfd.readouterr() == ("", "")


def test_statsmodels_is_not_paid_for_by_an_import():
    code = "import sys, lstm_lab.baselines.forecast; sys.exit('statsmodels' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_autoregression_continues_a_noiseless_sine():
    wave = np.sin(0.1 * np.arange(200))
    order = choose_order(wave[:100], 20)
    assert order == 2  # x_t = 2 cos(0.1) x_{t-1} - x_{t-2}; more lags would only fit the rounding
    np.testing.assert_allclose(forecast_autoregression(wave[:100], order, 100), wave[100:], atol=1e-9)


def test_autoregression_recovers_its_coefficients():
    values = [0.0]
    for _ in range(30):
        values.append(2 + 0.5 * values[-1])
    forecast = forecast_autoregression(np.array(values[:10]), 1, 3)
    np.testing.assert_allclose(forecast, values[10:13], rtol=1e-9)


def test_order_of_the_smallest_aic_is_that_of_one_fit_at_a_time():
    values, highest = airline()[:108], 16
    aic = []
    for order in range(highest + 1):
        lags = [values[highest - lag : len(values) - lag] for lag in range(1, order + 1)]
        design, target = np.stack([np.ones(108 - highest), *lags], 1), values[highest:]
        rss = np.sum((target - design @ np.linalg.lstsq(design, target)[0]) ** 2)
        aic.append(len(target) * np.log(rss / len(target)) + 2 * (order + 1))
    assert choose_order(values, highest) == int(np.argmin(aic))
