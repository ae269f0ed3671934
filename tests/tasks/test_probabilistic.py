"""Scores by hand and by identities."""

import numpy as np
import pytest
from scipy import stats

from lstm_lab.tasks.probabilistic import (
    by_step,
    coverage,
    crps,
    diebold_mariano,
    direction,
    pinball,
    winkler,
)

NAN = float("nan")


def test_pinball_by_hand():
    losses = pinball(quantiles=np.array([[1.0, 4.0]]), truth=np.array([3.0]), levels=[0.1, 0.9])
    assert losses.tolist() == [[pytest.approx(0.2), pytest.approx(0.1)]]


def test_crps_of_a_median_is_the_absolute_error():
    found = crps(quantiles=np.array([[1.0], [5.0], [0.0]]), truth=np.array([3.0, 4.0, NAN]), levels=[0.5])
    assert found == pytest.approx(1.5)


def test_crps_of_a_normal_is_the_published_one():
    levels = (np.arange(2000) + 0.5) / 2000
    quantiles = np.broadcast_to(stats.norm.ppf(levels), (3, 2000))
    truth = np.array([0.0, 1.0, -2.0])
    exact = truth * (2 * stats.norm.cdf(truth) - 1) + 2 * stats.norm.pdf(truth) - 1 / np.sqrt(np.pi)
    assert crps(quantiles=quantiles, truth=truth, levels=levels) == pytest.approx(exact.mean(), abs=1e-3)


def test_coverage_and_winkler_by_hand():
    lower, upper = np.array([0.0, 0.0, 0.0]), np.array([2.0, 2.0, 2.0])
    truth = np.array([1.0, 3.0, NAN])
    assert coverage(lower=lower, upper=upper, truth=truth) == 0.5
    assert winkler(lower=lower, upper=upper, truth=truth, share=0.8) == pytest.approx((2 + 2 + 10) / 2)


def test_errors_by_step():
    forecast, truth = np.zeros((2, 2, 1)), np.array([[[3.0], [1.0]], [[4.0], [NAN]]])
    found = by_step(forecast=forecast, truth=truth)
    assert found["rmse"].tolist() == [pytest.approx(12.5**0.5), 1.0]
    assert found["mae"].tolist() == [3.5, 1.0]


def test_a_better_forecast_is_significant_and_an_equal_one_is_not():
    noise = np.random.default_rng(0).normal(size=(3, 400))
    truth = noise[0]
    better, p = diebold_mariano(forecast=truth + 0.5 * noise[1], other=truth + noise[2], truth=truth)
    assert better < -5
    assert p < 1e-6
    _, p = diebold_mariano(forecast=truth + noise[1], other=truth + noise[2], truth=truth)
    assert p > 0.05
    assert np.isnan(diebold_mariano(forecast=truth, other=truth, truth=truth)[0])


def test_one_step_diebold_mariano_is_a_paired_t_test():
    noise = np.random.default_rng(1).normal(size=(3, 50))
    loss = (noise[1] - noise[0]) ** 2 - (noise[2] - noise[0]) ** 2
    statistic, p = diebold_mariano(forecast=noise[1], other=noise[2], truth=noise[0])
    expected = stats.ttest_1samp(loss, 0)
    assert (statistic, p) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))


def test_direction_by_hand():
    last = np.zeros(5)
    found = direction(forecast=np.array([1.0, 1, -1, 1, 1]), truth=np.array([2.0, -1, -3, 0, 4]), last=last)
    assert found["share"] == 0.75
    assert found["up"] == 0.5
    assert found["lower"] < 0.75 < found["upper"]
    wilson = stats.binomtest(3, 4).proportion_ci(method="wilson")
    assert (found["lower"], found["upper"]) == (pytest.approx(wilson.low), pytest.approx(wilson.high))
