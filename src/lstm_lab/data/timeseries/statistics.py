"""What is measured on the training rows of a series, and on nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np

# A series without spread is divided by this.
_LEAST = 1e-9
# Logarithms are tested for a season only where the smallest value is no exception: at least this share of the mean.
_CLEAR = 0.05
# Weight of a year in the seasonal profile against the one after it.
_RECENCY = 0.8


def fit_statistics(values: np.ndarray, season: int, first: int = 0) -> dict[str, Any]:
    """Measures what the forecaster and its scores need, as plain data.

    Args:
        values: (N, C) training rows, NaN where a value is missing.
        season: steps in a season as the clock says, 0 where it says nothing.
        first: the series that decides whether there is a season.

    Returns:
        ``block``, the steps that are forecast at a time: a season, or 1; ``seasonal``, whether the first
        series shows the season; ``mase`` and ``rmsse``, the mean absolute and the root mean square (seasonal)
        difference of each series, the units of MASE and RMSSE (Hyndman & Koehler 2006); ``floor``, the smallest
        value of each series; ``missing``, whether a value is; ``whole``, whether all are whole numbers; ``scales``:
        for raw values, and logarithms where all are positive, the ``spread`` of each view and the ``profile`` of the
        level view; and ``moments``, see `fit_moments`.
    """
    missing, told = bool(np.isnan(values).any()), values
    values = fill(values) if missing else values
    block = season if 1 < season < len(values) // 2 else 1
    seasonal = is_seasonal(values[:, first], block)
    lag = block if seasonal else 1
    change = told[lag:] - told[:-lag]
    scales = {"raw": _views(values, block, seasonal)}
    if (values > 0).all():
        scales["log"] = _views(np.log(values), block, seasonal)
    return {
        "block": block,
        "seasonal": seasonal,
        "mase": _mean(np.abs(change)).clip(1e-12).tolist(),
        "rmsse": np.sqrt(_mean(change**2)).clip(1e-12).tolist(),
        "floor": values.min(axis=0).tolist(),
        "missing": missing,
        "whole": bool((values == np.round(values)).all()),
        "scales": scales,
        "moments": fit_moments(values),
    }


def fill(values: np.ndarray) -> np.ndarray:
    """Fills each missing value with the last one before it, and with 0 where there is none.

    What comes later never changes what was filled earlier.
    """
    known = ~np.isnan(values)
    last = np.maximum.accumulate(np.where(known, np.arange(len(values))[:, None], -1), axis=0)
    found = np.take_along_axis(values, last.clip(0), axis=0)
    return np.where(last >= 0, found, 0.0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean of each column over what is not missing; 0 where everything is."""
    known = ~np.isnan(values)
    if known.all():
        return values.mean(axis=0)
    return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0).clip(1)


def fit_moments(values: np.ndarray) -> dict[str, dict[str, list[float]]]:
    """Measures what `lstm_lab.features.transforms.Transform` needs.

    Args:
        values: (N, C) training rows, filled.

    Returns:
        For ``raw`` values, and for ``log``, ``log1p`` and ``boxcox`` where the values allow it: ``mean``, ``std``,
        ``min``, ``range``, ``median`` and ``iqr`` of each series; for ``boxcox`` also its ``power``, the most
        likely one within [-1, 2] (Box & Cox 1964).
    """
    found = {"raw": _moments(values)}
    if values.min() > -1:
        found["log1p"] = _moments(np.log1p(values))
    if values.min() > 0:
        found["log"] = _moments(np.log(values))
        power = np.array([_likeliest_power(column) for column in values.T])
        flat = np.abs(power) < 1e-6
        curved = np.expm1(np.where(flat, 1, power) * np.log(values)) / np.where(flat, 1, power)
        found["boxcox"] = {**_moments(np.where(flat, np.log(values), curved)), "power": power.tolist()}
    return found


def _moments(u: np.ndarray) -> dict[str, list[float]]:
    low, middle, high = np.quantile(u, [0.25, 0.5, 0.75], axis=0)
    return {
        "mean": u.mean(axis=0).tolist(),
        "std": u.std(axis=0).clip(_LEAST).tolist(),
        "min": u.min(axis=0).tolist(),
        "range": np.ptp(u, axis=0).clip(_LEAST).tolist(),
        "median": middle.tolist(),
        "iqr": (high - low).clip(_LEAST).tolist(),
    }


def _likeliest_power(column: np.ndarray) -> float:
    """The power of the Box-Cox likelihood, from a grid: it need not be exact, it has to be the same every time."""
    logs = np.log(column)
    best, found = -np.inf, 1.0
    for power in np.linspace(-1, 2, 61):
        u = logs if abs(power) < 1e-6 else np.expm1(power * logs) / power
        spread = u.var()
        likelihood = -0.5 * len(u) * np.log(max(spread, 1e-300)) + (power - 1) * logs.sum()
        if likelihood > best:
            best, found = likelihood, float(power)
    return found


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
    change = np.diff(np.log(values) if values.min() > _CLEAR * np.abs(values).mean() else values)
    change = change - change.mean()
    power = float(np.sum(change**2))
    if power == 0:
        return False
    correlation = [float(np.sum(change[lag:] * change[:-lag])) / power for lag in range(1, season + 1)]
    limit = 1.645 * np.sqrt((1 + 2 * np.sum(np.square(correlation[:-1]))) / len(change))
    return bool(correlation[-1] > limit)
