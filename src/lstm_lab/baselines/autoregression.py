"""Autoregression by least squares, its order chosen by AIC."""

from __future__ import annotations

import numpy as np

# Share of the sum of squares that is rounding, not error: a noiseless sine must not buy lags to fit it.
_ROUNDING = 1e-20


def _lags(values: np.ndarray, order: int) -> np.ndarray:
    """Design matrix (N - p, 1 + p) of a constant and the p values before each row, nearest first."""
    columns = [values[order - lag : len(values) - lag] for lag in range(1, order + 1)]
    return np.stack([np.ones(len(values) - order), *columns], axis=1)


def choose_order(values: np.ndarray, highest: int) -> int:
    """Returns the order p in 0..`highest` with the smallest AIC = n log(RSS/n) + 2 (p + 1).

    All orders are fitted to the same n rows, else their sums of squares could not be compared. The designs
    are nested, so one QR decomposition gives the residual of each of them.
    """
    target = values[highest:]
    q, _ = np.linalg.qr(_lags(values, highest))  # (n, 1 + highest)
    total = float(np.sum(target**2))
    residual = total - np.cumsum((q.T @ target) ** 2)  # residual[p] is the RSS of order p
    residual = np.maximum(residual, max(_ROUNDING * total, np.finfo(float).tiny))
    n, orders = len(target), np.arange(highest + 1)
    return int(np.argmin(n * np.log(residual / n) + 2 * (orders + 1)))


def fit_autoregression(values: np.ndarray, order: int) -> np.ndarray:
    """Returns the constant and the weights (1 + p,) of the last p values, nearest first, by least squares."""
    weights, *_ = np.linalg.lstsq(_lags(values, order), values[order:], rcond=None)
    return weights


def forecast_autoregression(values: np.ndarray, order: int, horizon: int) -> np.ndarray:
    """Fits AR(`order`) with a constant to all rows and feeds its own forecasts back, `horizon` times."""
    weights = fit_autoregression(values, order)
    path = list(values)
    for _ in range(horizon):
        recent = path[: -order - 1 : -1]  # nearest first
        path.append(float(weights[0] + weights[1:] @ recent) if order else float(weights[0]))
    return np.array(path[len(values) :])
