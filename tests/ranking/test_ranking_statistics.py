"""Intervals and paired tests of few seeds: by hand, and against scipy where it has the same."""

import itertools

import numpy as np
import pytest
from scipy import stats

from lstm_lab.ranking.statistics import holm, interval, paired_t, sign_flips, smallest_p

ONE, OTHER = [3.0, 5.0, 4.0, 6.0, 7.0], [2.0, 4.5, 4.0, 5.0, 4.0]


def test_the_interval_of_two_seeds_is_known():
    """Of four draws of two, one is both the first, one both the second: a quarter each, more than 2.5 %."""
    assert interval([1.0, 3.0]) == (1.0, 3.0)


def test_the_interval_equals_all_draws_counted():
    values = [1.0, 2.0, 4.0, 9.0]
    means = sorted(np.mean(draw) for draw in itertools.product(values, repeat=4))  # 256 equally likely
    low, high = interval(values)
    assert low == pytest.approx(np.quantile(means, 0.025), abs=0.26)  # a step between two means, and chance
    assert high == pytest.approx(np.quantile(means, 0.975), abs=0.76)
    assert interval([5.0, 5.0, 5.0]) == (5.0, 5.0)
    assert interval(values) == interval(values), "the same seeds give the same interval"


def test_t_is_scipys():
    assert paired_t(ONE, OTHER) == pytest.approx(stats.ttest_rel(ONE, OTHER).pvalue)
    by_hand = np.mean([1, 0.5, 0, 1, 3]) / (np.std([1, 0.5, 0, 1, 3], ddof=1) / np.sqrt(5))
    assert paired_t(ONE, OTHER) == pytest.approx(2 * stats.t.sf(by_hand, 4))


def test_t_says_nothing_where_all_differences_are_equal():
    assert np.isnan(paired_t([1.0, 2.0], [1.0, 2.0]))
    assert np.isnan(paired_t([1.1, 2.2], [0.1, 1.2]))


def test_sign_flips_are_counted():
    """Differences 1, 0.5, 0, 1, 3: of 32 sign patterns the 2 · 2 with all the same sign reach the mean (0 has two)."""
    assert sign_flips(ONE, OTHER) == pytest.approx(4 / 32)
    assert sign_flips([2.0, 3.0, 4.0, 5.0, 7.0], [1.0, 1.0, 1.0, 1.0, 1.0]) == smallest_p(5) == 0.0625


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    corrected = holm([float("nan"), 0.02])
    assert np.isnan(corrected[0])
    assert corrected[1] == 0.02
    assert holm([]) == []
