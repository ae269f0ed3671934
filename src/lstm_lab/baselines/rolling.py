"""Classical forecasts from many origins at once: parameters fitted once on the history, all origins in one pass.

Shapes: N rows, C series, W origins, S steps ahead, p lags, L rows of a window.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_lab.baselines.autoregression import choose_order, fit_autoregression

# Lags of the autoregression at most, and rows that the linear map reads at most.
_LAGS, _WINDOW = 48, 336
# Windows to which the linear map is fitted at most; a share of its largest singular value is added to each.
_WINDOWS, _RIDGE = 20_000, 1e-6


def rolling_baselines(
    values: np.ndarray, origins: np.ndarray, horizon: int, season: int, fitted: int, lookback: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Yields forecasts from every origin, one baseline after the other, so that one at a time is in memory.

    Args:
        values: (N, C), filled; a forecast from origin o reads rows before o only.
        origins: (W,), the row of the first value to forecast.
        horizon: S.
        season: rows in a season; 0 or 1 for none.
        fitted: rows to which parameters may be fitted.
        lookback: rows that the linear map may read.

    Yields:
        Name and forecasts (W, S, C), simplest first.
    """
    origins = np.asarray(origins)
    steps = np.arange(1, horizon + 1)
    last = values[origins - 1][:, None]  # (W, 1, C)
    slope = (values[origins - 1] - values[0])[:, None] / np.maximum(origins - 1, 1)[:, None, None]
    yield "naive", np.broadcast_to(last, (len(origins), horizon, values.shape[1]))
    if season > 1 and origins.min() >= season:
        seasonal = values[(origins[:, None] - season) + (steps - 1) % season]  # (W, S, C)
        yield "seasonal naive", seasonal
    if horizon > 1:
        yield "drift", last + slope * steps[:, None]
        if season > 1 and origins.min() >= season:
            yield "seasonal naive + drift", seasonal + slope * steps[:, None]
    yield "mean", _running_mean(values, origins, horizon)
    name, found = _autoregression(values, origins, horizon, season, fitted)
    if found is not None:
        yield name, found
    found = _linear(values, origins, horizon, fitted, min(lookback, _WINDOW))
    if found is not None:
        yield "linear direct", found


def _running_mean(values: np.ndarray, origins: np.ndarray, horizon: int) -> np.ndarray:
    means = np.cumsum(values, axis=0)[origins - 1] / origins[:, None]
    return np.broadcast_to(means[:, None], (len(origins), horizon, values.shape[1]))


def _autoregression(
    values: np.ndarray, origins: np.ndarray, horizon: int, season: int, fitted: int
) -> tuple[str, np.ndarray | None]:
    """AR of each series, its order chosen once by AIC on the first of them."""
    wanted = season + 1 if season > 1 else int(10 * np.log10(fitted))
    highest = min(wanted, fitted // 3, _LAGS, int(origins.min()))
    order = choose_order(values[:fitted, 0], highest) if highest > 0 else 0
    if order == 0:
        return "AR", None
    weights = np.stack([fit_autoregression(column, order) for column in values[:fitted].T])  # (C, 1 + p)
    path = np.stack(
        [values[origins - order + lag] for lag in range(order)], axis=1
    )  # (W, p, C), oldest first
    written = np.empty((len(origins), horizon, values.shape[1]))
    for step in range(horizon):
        following = weights[:, 0] + np.einsum("wpc,cp->wc", path[:, ::-1], weights[:, 1:])
        written[:, step] = following
        path = np.concatenate([path[:, 1:], following[:, None]], axis=1)
    return f"AR({order})", written


def _linear(
    values: np.ndarray, origins: np.ndarray, horizon: int, fitted: int, lookback: int
) -> np.ndarray | None:
    """One linear map from a window less its last value to the horizon, for all series (NLinear, Zeng et al. 2023)."""
    lookback = min(lookback, int(origins.min()))
    count = fitted - lookback - horizon + 1
    if count * values.shape[1] < 2 * lookback:
        return None
    mean, spread = values[:fitted].mean(axis=0), values[:fitted].std(axis=0).clip(1e-12)
    scaled = (values - mean) / spread
    chosen = np.arange(lookback, lookback + count)[:: max(1, count * values.shape[1] // _WINDOWS)]
    inputs, last = _windows(scaled, chosen, lookback)  # (W·C, L)
    targets = scaled[chosen[:, None] + np.arange(horizon)].transpose(0, 2, 1).reshape(-1, horizon) - last
    square = inputs.T @ inputs
    ridge = _RIDGE * np.trace(square) / lookback + 1e-12
    weights = np.linalg.solve(square + ridge * np.eye(lookback), inputs.T @ targets)  # (L, S)
    inputs, last = _windows(scaled, origins, lookback)
    written = (inputs @ weights + last).reshape(len(origins), values.shape[1], horizon)
    return written.transpose(0, 2, 1) * spread + mean


def _windows(scaled: np.ndarray, origins: np.ndarray, lookback: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows less their last value, (W·C, L), and that value (W·C, 1)."""
    rows = scaled[origins[:, None] + np.arange(-lookback, 0)].transpose(0, 2, 1).reshape(-1, lookback)
    return rows - rows[:, -1:], rows[:, -1:]


def one_step_sarima(
    values: np.ndarray,
    start: int,
    order: tuple[int, int, int],
    seasonal: tuple[int, int, int],
    season: int,
) -> np.ndarray:
    """Forecasts each value from `start` on from those before it; parameters frozen at `start`.

    Args:
        values: (N,).
        start: row of the first value to forecast.
        order: (p, d, q).
        seasonal: (P, D, Q).
        season: rows in a season; 0 for none.
    """
    import warnings

    from statsmodels.tsa.statespace.sarimax import SARIMAX

    unit = max(float(values[:start].std()), 1e-12) / 30  # the optimiser's rules depend on the unit
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = SARIMAX(
            values[:start] / unit, order=order, seasonal_order=(*seasonal, season if season > 1 else 0)
        )
        fitted = model.fit(disp=0, maxiter=200)
        whole = fitted.append(values[start:] / unit, refit=False)
    return unit * np.asarray(whole.predict(start=start, end=len(values) - 1))
