"""How far forecasts were off on rows that training did not see, and the interval that follows (conformal prediction).

Shapes: W windows, S steps ahead, D series, Q levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
T = TypeVar("T", bound=Any)

#: Levels at which the errors of point forecasts are kept, for whole distributions and their CRPS.
LEVELS = tuple(round(0.05 * number, 2) for number in range(1, 20))
# Windows from which on each step ahead has a quantile of its own.
_ENOUGH = 60
# What is divided by is at least this.
_TINY = 1e-12


def margins(errors: Array, block: int, share: float) -> Array:
    """What an interval needs on both sides to hold a share of the truth (split conformal, Vovk et al. 2005), (S, D).

    Args:
        errors: (W, S, D), how far the truth lay outside, or off the forecast; NaN where there is no truth.
        block: steps of a season. Where windows are few, all steps share one quantile: errors of a seasonal random walk
            grow with the square root of the seasons ahead (Hyndman & Athanasopoulos 2021, section 5.5).
        share: of future values that the interval should hold.
    """
    return _quantiles(errors, block, [share], upward=True)[..., 0]


def offsets(errors: Array, block: int, levels: Sequence[float] = LEVELS) -> Array:
    """Quantiles (S, D, Q) of truth minus forecast, which turn a point into a distribution with the point as median.

    They are those of the interval of every share: as far below the point as above it. Signed errors of a few dozen
    windows are mostly the trend of those rows, and would move the median off the forecast.

    Args:
        errors: (W, S, D), truth minus forecast, NaN where there is no truth.
        block: as in `margins`.
        levels: Q.
    """
    shares = [abs(2 * level - 1) for level in levels]
    signs = np.sign(np.asarray(levels) - 0.5)
    return signs * _quantiles(np.abs(errors), block, shares, upward=True)


def usual(errors: Array, block: int) -> Array:
    """How far forecasts are off on average at each step, (S, D); where windows are few, growing as in `margins`.

    Args:
        errors: (W, S, D), NaN where there is no truth.
        block: as in `margins`.
    """
    counts = (~np.isnan(errors)).sum(axis=0)  # (S, D)
    if counts.min() >= _ENOUGH:
        return np.nanmean(np.abs(errors), axis=0).clip(_TINY)
    growth, known = _growth(errors.shape[1], block), counts.sum(axis=0)  # (S, 1), (D,)
    total = np.nansum(np.abs(errors) / growth, axis=(0, 1))
    # Of a series without one value among these rows nothing is known.
    return growth * np.where(known > 0, (total / known.clip(1)).clip(_TINY), np.nan)


def scale(usual: T, scatter: T) -> T:
    """How far a forecast may be off: wider where the members of an ensemble disagree.

    Errors are divided by it before they are ranked (normalised conformal prediction, Papadopoulos et al. 2002). Half
    of the usual error gave the lowest Winkler score and CRPS among 3, 1, 1/2, 1/4 and 1/10 of it, on later rows of 10
    series forecast one and twelve steps ahead, see docs/timeseries.md.

    Args:
        usual: (S, D), of `usual`.
        scatter: (W, S, D), the standard deviation of the members; zero for a single one.
    """
    return ((usual / 2) ** 2 + scatter**2) ** 0.5


def outside(quantiles: Array, truth: Array, levels: Sequence[float], share: float) -> Array:
    """How far each truth lies outside its interval, negative inside (conformalised quantiles, Romano et al. 2019).

    Args:
        quantiles: (W, S, D, Q).
        truth: (W, S, D).
        levels: Q.
        share: the interval runs between the levels nearest to (1 ± share) / 2.
    """
    low, high = ends(levels, share)
    return np.maximum(quantiles[..., low] - truth, truth - quantiles[..., high])


def ends(levels: Sequence[float], share: float) -> tuple[int, int]:
    """Places of the two levels between which an interval of this share lies."""
    given = np.asarray(levels)
    return int(np.abs(given - (1 - share) / 2).argmin()), int(np.abs(given - (1 + share) / 2).argmin())


def _quantiles(errors: Array, block: int, levels: Sequence[float], upward: bool) -> Array:
    counts = (~np.isnan(errors)).sum(axis=0)  # (S, D)
    if counts.min() >= _ENOUGH:
        return _ranked(np.sort(errors, axis=0), counts, levels, upward)
    growth = _growth(errors.shape[1], block)
    pooled = np.sort((errors / growth).reshape(-1, errors.shape[2]), axis=0)  # (W·S, D), NaN last
    found = _ranked(pooled[:, None], (~np.isnan(pooled)).sum(axis=0)[None], levels, upward)  # (1, D, Q)
    return growth[..., None] * found


def _growth(steps: int, block: int) -> Array:
    """Of errors over the seasons ahead, (S, 1)."""
    return np.sqrt(np.arange(steps) // block + 1)[:, None]


def _ranked(ordered: Array, counts: NDArray[np.int64], levels: Sequence[float], upward: bool) -> Array:
    """Values at ranks of ordered columns (N, S, D), each with its own count (S, D)."""
    parts = []
    for level in levels:
        rank = np.ceil(level * (counts + 1)) - 1 if upward else np.round(level * (counts - 1))
        rank = np.clip(rank, 0, np.maximum(counts - 1, 0)).astype(int)
        parts.append(np.take_along_axis(ordered, rank[None], axis=0)[0])
    return np.stack(parts, axis=-1)
