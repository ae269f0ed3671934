"""Scores by lag, by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lstm_lab import evaluation
from lstm_lab.evaluation.lags import accuracy_by_lag, add_error_by_lag
from lstm_lab.evaluation.regress import score


def test_accuracy_by_lag():
    found = accuracy_by_lag(np.array([5, 1, 5, 1, 5, 5]), np.array([1, 1, 0, 1, 1, 1], dtype=bool))
    assert found["lag"].tolist() == [1, 5]
    assert found["samples"].tolist() == [2, 4]
    assert found["accuracy %"].tolist() == [100.0, 75.0]
    # Wilson's interval for 3 of 4.
    assert found["low"][1] == pytest.approx(30.06, abs=0.01)
    assert found["high"][1] == pytest.approx(95.44, abs=0.01)


def test_errors_of_numbers():
    truth = np.array([[1.0], [3.0]])
    assert score(truth, np.array([[1.0], [1.0]])) == {
        "mse": 2.0,
        "rmse": np.sqrt(2.0),
        "mae": 1.0,
        "r2": -1.0,
    }


def test_errors_by_lag_stand_beside_the_baselines():
    data = SimpleNamespace(lag_name="steps", trained_to=2, title="adding")
    table = pd.DataFrame({"mse": [0.5, 3.0]}, index=["mean", "zero"])
    tested = evaluation.Tested({"test/mse": 1.0}, table, {"mse": "MSE"}, "", pd.DataFrame())
    errors = {"this model": [0.0, 1.0, 2.0], "mean": [0.5, 0.5, 0.5], "zero": [2.0, 3.0, 4.0]}
    add_error_by_lag(tested, data, np.array([2, 9, 9]), {name: np.array(one) for name, one in errors.items()})
    assert tested.metrics == {"test/mse": 1.0, "test/mse_at_2": 0.0, "test/mse_at_9": 1.5}
    assert tested.baselines.to_dict("index") == {
        "mean": {"mse": 0.5, "mse_at_2": 0.5, "mse_at_9": 0.5},
        "zero": {"mse": 3.0, "mse_at_2": 2.0, "mse_at_9": 3.5},
    }
