"""Scores of quantiles and intervals, and the significance of a difference; numpy in, numbers out.

NaN anywhere in a truth leaves that target out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def pinball(*, quantiles: np.ndarray, truth: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """The loss whose minimum is the quantile (Koenker & Bassett 1978), one number a target and level.

    Args:
        quantiles: (…, Q).
        truth: (…).
        levels: Q numbers between 0 and 1.
    """
    missed = truth[..., None] - quantiles
    share = np.asarray(levels)
    return np.maximum(share * missed, (share - 1) * missed)


def crps(*, quantiles: np.ndarray, truth: np.ndarray, levels: Sequence[float]) -> float:
    """Mean continuous ranked probability score, as twice the mean pinball loss over evenly spread levels.

    In the units of the series; of a single median it is the mean absolute error (Gneiting & Raftery 2007).
    """
    return float(np.nanmean(2 * pinball(quantiles=quantiles, truth=truth, levels=levels).mean(axis=-1)))


def coverage(*, lower: np.ndarray, upper: np.ndarray, truth: np.ndarray) -> float:
    """Share of targets inside their interval."""
    known = ~np.isnan(truth) & ~np.isnan(lower)
    inside = (lower <= truth) & (truth <= upper)
    return float(inside[known].mean()) if known.any() else float("nan")


def winkler(*, lower: np.ndarray, upper: np.ndarray, truth: np.ndarray, share: float) -> float:
    """Mean width of the interval plus 2/(1 - share) of what a target lies outside (Winkler 1972)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return float(np.nanmean(upper - lower + 2 / (1 - share) * outside))


def by_step(*, forecast: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    """RMSE and MAE of each step ahead.

    Args:
        forecast: (W, S, …).
        truth: as `forecast`.
    """
    error = np.moveaxis(forecast - truth, 1, 0).reshape(forecast.shape[1], -1)
    return {"rmse": np.sqrt(np.nanmean(error**2, axis=1)), "mae": np.nanmean(np.abs(error), axis=1)}


def diebold_mariano(
    *, forecast: np.ndarray, other: np.ndarray, truth: np.ndarray, steps: int = 1
) -> tuple[float, float]:
    """Whether two forecasts differ in squared error (Diebold & Mariano 1995, as corrected by Harvey et al. 1997).

    Args:
        forecast: (N,), in time order.
        other: (N,), the forecast to beat.
        truth: (N,).
        steps: how many steps ahead both are.

    Returns:
        The statistic, negative where `forecast` is the better one, and its two-sided p; (nan, nan) where there is no
        difference at all.
    """
    from scipy import stats

    known = ~np.isnan(truth)
    loss = (forecast[known] - truth[known]) ** 2 - (other[known] - truth[known]) ** 2
    count, mean = len(loss), float(loss.mean())
    centred = loss - mean
    spread = sum(
        (1 if lag == 0 else 2) * float(centred[lag:] @ centred[: count - lag]) / count for lag in range(steps)
    )
    if spread <= 0 or count <= steps:
        return float("nan"), float("nan")
    correction = (count + 1 - 2 * steps + steps * (steps - 1) / count) / count
    statistic = mean / np.sqrt(spread / count) * np.sqrt(correction)
    return float(statistic), float(2 * stats.t.sf(abs(statistic), count - 1))


def direction(*, forecast: np.ndarray, truth: np.ndarray, last: np.ndarray) -> dict[str, float]:
    """How often the sign of a move is right, with its 95 % binomial interval (Wilson 1927).

    Args:
        forecast: (N,).
        truth: (N,); moves of zero are left out.
        last: (N,), the value before each.

    Returns:
        ``share`` of right signs, ``lower`` and ``upper`` of its interval, and ``up``, the share of upward moves: what
        always saying "up" reaches.
    """
    moved = (truth != last) & ~np.isnan(truth)
    right = np.sign(forecast - last)[moved] == np.sign(truth - last)[moved]
    count = int(moved.sum())
    if count == 0:
        return dict.fromkeys(("share", "lower", "upper", "up"), float("nan"))
    share, z = float(right.mean()), 1.959963984540054
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    up = float((truth > last)[moved].mean())
    return {"share": share, "lower": float(centre - half), "upper": float(centre + half), "up": up}
