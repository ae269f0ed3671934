"""What numbers of a few seeds can say: an interval, and whether two models differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

DRAWS = 10_000
COVERED = {2: 52, 3: 74, 4: 81, 5: 82, 6: 86, 7: 88, 8: 88, 10: 89, 15: 92, 20: 93}
"""In how many of 100 samples of so many normal numbers the interval of 95 % held their mean: 4,000 samples each."""

_EXACT = 1 << 16  # sign patterns that are all tried; beyond, as many are drawn


def interval(values: Sequence[float], share: float = 0.95) -> tuple[float, float]:
    """Returns the bootstrap interval of the mean: seeds drawn again with replacement, percentiles of their means.

    Efron (1979). It never leaves the range of what was seen, so with few seeds it is too short; see `COVERED`.
    """
    data = np.asarray(values, dtype=float)
    rows = np.random.default_rng(0).integers(len(data), size=(DRAWS, len(data)))
    low, high = np.quantile(data[rows].mean(1), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def paired_t(one: Sequence[float], other: Sequence[float]) -> float:
    """Returns p of the paired t test, two-sided, which takes the differences for normal; NaN if all are equal."""
    differences = np.asarray(one, dtype=float) - np.asarray(other, dtype=float)
    if np.ptp(differences) <= 1e-12 * np.abs(differences).max(initial=0):
        return float("nan")
    return float(stats.ttest_1samp(differences, 0.0).pvalue)


def sign_flips(one: Sequence[float], other: Sequence[float]) -> float:
    """Returns p of the exact paired permutation test, two-sided: every difference may as well have the other sign.

    Fisher (1935). It assumes nothing of their distribution; with n seeds it cannot fall below ``2 / 2^n``.
    """

    def mean(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
        return np.asarray(np.mean(x - y, axis=axis))

    data = (np.asarray(one, dtype=float), np.asarray(other, dtype=float))
    found = stats.permutation_test(
        data,
        mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=_EXACT,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue)


def smallest_p(seeds: int) -> float:
    """Returns what `sign_flips` can at best give."""
    return 2 / 2**seeds


def holm(values: Sequence[float]) -> list[float]:
    """Returns p values corrected for their number (Holm 1979); NaN stays and is not counted."""
    known = [place for place, p in enumerate(values) if not np.isnan(p)]
    corrected, largest = list(values), 0.0
    for rank, place in enumerate(sorted(known, key=lambda one: values[one])):
        largest = max(largest, min(1.0, (len(known) - rank) * values[place]))
        corrected[place] = largest
    return corrected
