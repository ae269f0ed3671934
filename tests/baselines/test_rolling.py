"""Forecasts from many origins: equal to those from one, blind to what comes later, and the published airline figure."""

from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from lstm_lab.baselines.forecast import forecast_baselines
from lstm_lab.baselines.rolling import one_step_sarima, rolling_baselines


def airline() -> np.ndarray:
    with (files("lstm_lab") / "data" / "timeseries" / "series" / "airline.csv").open() as file:
        return pd.read_csv(file)["Passengers"].to_numpy(float)


def test_from_the_first_origin_they_are_those_of_one_origin():
    values = airline()
    single = forecast_baselines(values[:108], 36, 12).forecasts
    found = dict(rolling_baselines(values[:, None], np.array([108]), 36, 12, fitted=108, lookback=24))
    for name in ("naive", "seasonal naive", "drift", "seasonal naive + drift", "mean", "AR(13)"):
        assert found[name][0, :, 0] == pytest.approx(single[name]), name
    assert found["linear direct"].shape == (1, 36, 1)


def test_nothing_behind_an_origin_is_read():
    values = np.random.default_rng(0).normal(size=(120, 3)).cumsum(axis=0)
    other = values.copy()
    other[100:] = 1e6
    origins = np.arange(80, 101)
    ours, theirs = (dict(rolling_baselines(one, origins, 5, 7, 80, 14)) for one in (values, other))
    assert ours.keys() == theirs.keys() >= {"naive", "seasonal naive", "drift", "mean", "linear direct"}
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]), name


def test_a_linear_world_is_forecast_exactly():
    rows = np.arange(200.0)
    values = np.stack([np.sin(rows * 0.3), 5 + 3 * np.cos(rows * 0.3)], axis=1)
    origins = np.arange(150, 190)
    found = dict(rolling_baselines(values, origins, 8, 0, 150, 12))["linear direct"]
    assert found == pytest.approx(values[origins[:, None] + np.arange(8)], abs=1e-3)


def test_one_step_sarima_reaches_its_published_figure():
    values = airline()
    logs = np.exp(one_step_sarima(np.log(values), 108, (0, 1, 1), (0, 1, 1), 12))
    rmse = float(np.sqrt(np.mean((logs - values[108:]) ** 2)))
    assert rmse == pytest.approx(15.2, abs=0.05)
