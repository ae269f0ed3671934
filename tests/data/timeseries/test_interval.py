"""Conformal intervals: ranks by hand, growth where windows are few, and coverage where they are many."""

import numpy as np
import pytest

from lstm_lab.data.timeseries.interval import LEVELS, ends, margins, offsets, outside


def test_ranks_by_hand():
    errors = np.arange(1.0, 100.0)[:, None, None]  # 99 errors: 80 % of 100 values lie within the 80th
    assert margins(errors, 1, 0.8).item() == 80
    assert offsets(errors - 50, 1, [0.5]).item() == 0


def test_few_windows_share_a_quantile_that_grows_with_the_seasons():
    errors = np.full((20, 4, 1), np.nan)
    errors[:, 0, 0] = np.arange(1.0, 21.0)
    found = margins(errors, 2, 0.8)[:, 0]
    assert found == pytest.approx(found[0] * np.sqrt([1, 1, 2, 2]))


def test_many_windows_have_a_quantile_for_each_step_and_series():
    errors = np.random.default_rng(0).normal(size=(4000, 2, 2)) * [[[1, 5], [2, 7]]]
    found = margins(np.abs(errors), 1, 0.8)
    assert found == pytest.approx(1.2816 * np.array([[1, 5], [2, 7]]), rel=0.08)
    assert offsets(errors, 1).shape == (2, 2, len(LEVELS))


def test_quantiles_are_moved_by_what_they_missed():
    quantiles = np.array([[[[-1.0, 0.0, 1.0]]]])
    assert outside(quantiles, np.array([[[3.0]]]), [0.1, 0.5, 0.9], 0.8).item() == 2
    assert outside(quantiles, np.array([[[0.5]]]), [0.1, 0.5, 0.9], 0.8).item() == -0.5
    assert ends([0.05, 0.1, 0.5, 0.9, 0.95], 0.9) == (0, 4)


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_coverage_of_new_errors(share):
    draw = np.random.default_rng(1).standard_t(4, size=(2, 3000, 1, 1))
    half = margins(np.abs(draw[0]), 1, share)
    assert (np.abs(draw[1]) <= half).mean() == pytest.approx(share, abs=0.03)
