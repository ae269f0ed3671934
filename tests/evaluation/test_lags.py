"""Scores by lag, by hand."""

import numpy as np
import pytest

from lstm_lab.evaluation.lags import accuracy_by_lag
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
