"""What is measured on the training rows of a series, and on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

# Weight of a year in the seasonal profile against the one after it.
_RECENCY = 0.8


def fit_statistics(values: np.ndarray, season: int) -> dict[str, Any]:
    """Measures what the forecaster and its scores need, as plain data.

    Args:
        values: (N, C) training rows.
        season: steps in a season as the clock says, 0 where it says nothing.

    Returns:
        ``block``, the steps that are forecast at a time: a season, or 1; ``seasonal``, whether the first
        series shows the season; ``mase``, the mean absolute (seasonal) difference of each series, the unit of
        MASE (Hyndman & Koehler 2006); ``floor``, the smallest value of each series; and ``scales``: for raw
        values, and logarithms where all are positive, the ``spread`` of each view and the ``profile`` of the
        level view.
    """
    block = season if 1 < season < len(values) // 2 else 1
    seasonal = is_seasonal(values[:, 0], block)
    lag = block if seasonal else 1
    scales = {"raw": _views(values, block, seasonal)}
    if (values > 0).all():
        scales["log"] = _views(np.log(values), block, seasonal)
    return {
        "block": block,
        "seasonal": seasonal,
        "mase": np.abs(values[lag:] - values[:-lag]).mean(axis=0).clip(1e-12).tolist(),
        "floor": values.min(axis=0).tolist(),
        "scales": scales,
    }


def _views(u: np.ndarray, block: int, seasonal: bool) -> dict[str, Any]:
    profile = np.zeros((u.shape[1], block))
    if seasonal:
        profile = np.stack([seasonal_profile(column, block) for column in u.T])
    level = u - profile[:, np.arange(len(u)) % block].T
    views: dict[str, Any] = {"level": {"spread": _spread(level, block), "profile": profile.tolist()}}
    mean = np.repeat(u.mean(axis=0)[:, None], block, axis=1)
    views["value"] = {"spread": u.std(axis=0).clip(1e-9).tolist(), "profile": mean.tolist()}
    if seasonal:
        views["smooth"] = views["level"]
        views["difference"] = {"spread": _spread(u, block)}
    return views


def _spread(u: np.ndarray, block: int) -> list[float]:
    """Root mean square of the differences at the distance of a block."""
    return np.sqrt(np.mean((u[block:] - u[:-block]) ** 2, axis=0)).clip(1e-9).tolist()


def seasonal_profile(u: np.ndarray, season: int) -> np.ndarray:
    """Mean deviation of each phase from a centred moving average, recent years weighing more; sums to zero.

    The classical decomposition (Hyndman & Athanasopoulos 2021, section 3.4), with weights that fall by a
    constant factor a year.
    """
    weights = np.full(season, 1 / season)
    if season % 2 == 0:  # a 2×m average is centred on a row
        weights = np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(u, weights, "valid")
    rows = (len(u) - len(trend)) // 2 + np.arange(len(trend))
    deviation = u[rows] - trend
    recent = _RECENCY ** ((rows[-1] - rows) // season)
    phase = rows % season
    total = np.bincount(phase, recent * deviation, season)
    count = np.bincount(phase, recent, season)
    profile = total / np.where(count > 0, count, 1)
    return profile - profile.mean()


def is_seasonal(values: np.ndarray, season: int) -> bool:
    """Whether rows show the season: its autocorrelation lies above the 90 % limit.

    The test by which the M4 competition decided on seasonal adjustment (Makridakis et al. 2020), on first
    differences so that a trend does not pass for a season.
    """
    if season < 2 or len(values) < 3 * season:
        return False
    change = np.diff(np.log(values) if values.min() > 0 else values)
    change = change - change.mean()
    power = float(np.sum(change**2))
    if power == 0:
        return False
    correlation = [float(np.sum(change[lag:] * change[:-lag])) / power for lag in range(1, season + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(np.square(correlation[:-1]))) / len(change))
    return bool(correlation[-1] > limit)
