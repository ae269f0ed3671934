"""The table by step ahead, by hand."""

import numpy as np
import pytest

from lstm_lab.evaluation.forecast_views import Forecasts, step_table


def test_errors_and_intervals_by_step():
    truth = np.array([[[1.0], [4.0]], [[3.0], [np.nan]]])
    forecast = np.array([[[2.0], [1.0]], [[6.0], [9.0]]])
    found = Forecasts(np.array([5, 6]), truth, forecast, forecast - 2, forecast + 2, 0.0)
    table = step_table(found, {"naive": np.zeros_like(truth)}, 0.8)
    assert table["step"].tolist() == [1, 2]
    assert table["mae"].tolist() == [2, 3]
    assert table["rmse"].tolist() == pytest.approx([5**0.5, 3])
    assert table["coverage"].tolist() == [0.5, 0]
    # Four wide, and ten times what lies outside: 1 of 3 below 4 in the first step, 1 in the second.
    assert table["winkler"].tolist() == pytest.approx([4 + 10 * 1 / 2, 4 + 10 * 1])
    assert table["mae of naive"].tolist() == [2, 4]
