"""Classical forecasts that every forecasting model is compared with.

All orders are fixed beforehand or chosen on the history alone; nothing here ever sees the values that are
forecast. SARIMA and Holt-Winters are statsmodels', imported when they are used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from lstm_lab.baselines.autoregression import choose_order, forecast_autoregression

# (p, d, q) and the seasonal (P, D, Q). SARIMA(2,1,1)(0,1,0)12 is the classical reference of the airline
# series; SARIMA(0,1,1)(0,1,1)12 is Box and Jenkins' model of it, and a good default for any monthly series.
SEASONAL = (((2, 1, 1), (0, 1, 0)), ((0, 1, 1), (0, 1, 1)))
_PLAIN = (((2, 1, 2), (0, 0, 0)),)
# rows × season² above which one seasonal fit takes more than a few seconds: SARIMA then reads the last rows only.
_DEAREST = 100_000
# Seasons that it needs at least, and rows that a fit without a season reads at most.
_SEASONS, _ROWS = 6, 5_000
_ITERATIONS = 200
# Twice the parameters of ARIMA(2,1,2), its variance among them.
_FEWEST = 10


class NotFitted(Exception):
    """Why a baseline has no forecast for this history."""


@dataclass
class Baselines:
    """Forecasts by name, and the reason for each one that is missing.

    Attributes:
        forecasts: name → (horizon,) in the units of the history.
        left_out: name → why there is no such forecast.
    """

    forecasts: dict[str, np.ndarray] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, fit: Callable[[], np.ndarray]) -> None:
        """Calls `fit` and keeps its forecast, or the reason why it has none."""
        try:
            forecast = fit()
        except (NotFitted, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            self.left_out[name] = " ".join(str(error).split()) or type(error).__name__
            return
        if np.isfinite(forecast).all():
            self.forecasts[name] = forecast
        else:
            self.left_out[name] = "its forecast is not finite"


def forecast_baselines(history: np.ndarray, horizon: int, season: int) -> Baselines:
    """Forecasts the `horizon` values that follow a history, from one origin, with every baseline.

    Args:
        history: (N,) the training rows, all finite, oldest first.
        horizon: number of values to forecast.
        season: rows in a season; 0 or 1 for none, then ARIMA and Holt's trend take the place of SARIMA
            and Holt-Winters.

    Returns:
        Forecasts such as ``'seasonal naive + drift'`` or ``'SARIMA(2,1,1)(0,1,0)12'``, simplest first. What
        cannot be fitted (too few rows, no convergence, too dear) stands in ``left_out``; ``'naive'`` and
        ``'mean'`` are always there.

    Raises:
        ValueError: the history is empty, not one-dimensional, or holds a value that is not finite.
    """
    history = _checked(history)
    steps, found = np.arange(1, horizon + 1), Baselines()
    found.add("naive", lambda: np.full(horizon, history[-1]))
    if season > 1:
        found.add("seasonal naive", lambda: _last_season(history, steps, season))
    found.add("drift", lambda: history[-1] + _slope(history) * steps)
    if season > 1:
        found.add(
            "seasonal naive + drift", lambda: _last_season(history, steps, season) + _slope(history) * steps
        )
    found.add("mean", lambda: np.full(horizon, history.mean()))
    _add_autoregression(found, history, horizon, season)
    for order, seasonal in SEASONAL if season > 1 else _PLAIN:
        name = f"ARIMA{order}".replace(" ", "")
        if season > 1:
            name = f"S{name}{seasonal}{season}".replace(" ", "")
        found.add(name, partial(_sarima, history, horizon, order, seasonal, season))
    name = "Holt-Winters add/add" if season > 1 else "Holt"
    found.add(name, lambda: _holt_winters(history, horizon, season))
    found.add("Theta", lambda: _theta(history, horizon, season))
    return found


def _checked(history: np.ndarray) -> np.ndarray:
    history = np.asarray(history, dtype=float)
    if history.ndim != 1 or len(history) == 0:
        raise ValueError(f"a history is one row of values, not an array of shape {history.shape}")
    missing = int((~np.isfinite(history)).sum())
    if missing:
        raise ValueError(f"{missing} of {len(history)} values of the history are not finite: fill them first")
    return history


def _slope(history: np.ndarray) -> float:
    """Mean change a row: the line through the first and the last value."""
    if len(history) < 2:
        raise NotFitted("needs 2 rows, the history has 1")
    return float(history[-1] - history[0]) / (len(history) - 1)


def _last_season(history: np.ndarray, steps: np.ndarray, season: int) -> np.ndarray:
    _need(history, season, "one season")
    return history[len(history) - season + (steps - 1) % season]


def _need(history: np.ndarray, rows: int, what: str) -> None:
    if len(history) < rows:
        raise NotFitted(f"needs {rows} rows ({what}), the history has {len(history)}")


def _add_autoregression(found: Baselines, history: np.ndarray, horizon: int, season: int) -> None:
    # The same row of last season and the one before it: what a multiplicative seasonal AR(1) reaches.
    wanted = season + 1 if season > 1 else int(10 * np.log10(len(history)))
    highest = min(wanted, len(history) // 3)
    if highest < 1:
        found.left_out["AR"] = f"needs 3 rows, the history has {len(history)}"
        return
    order = choose_order(history, highest)
    if order == 0:
        found.left_out["AR"] = "AIC chose order 0, which is the mean"
        return
    found.add(f"AR({order})", lambda: forecast_autoregression(history, order, horizon))


def _unit(history: np.ndarray) -> float:
    """Power of ten that brings the spread of a history to between 10 and 100.

    The stopping rules of statsmodels' optimizers depend on the unit of the series: passengers times 1e-9 made
    SARIMA(2,1,1)(0,1,0)12 miss by 340 % and say that it had converged.
    """
    spread = float(history.std())
    if spread <= 1e-12 * float(np.abs(history).max()):
        raise NotFitted("a constant history leaves nothing to fit")
    return float(10 ** (np.floor(np.log10(spread)) - 1))


def _check_rows(history: np.ndarray, season: int, seasons: int) -> None:
    """Raises `NotFitted` for too few rows."""
    if season <= 1:
        _need(history, _FEWEST, "twice its parameters")
    else:
        _need(history, seasons * season, f"{seasons} seasons")


def _recent(history: np.ndarray, season: int) -> np.ndarray:
    """The last rows of a history whose whole would take too long to fit."""
    if season <= 1:
        return history[-_ROWS:]
    if len(history) * season**2 <= _DEAREST:
        return history
    rows = _DEAREST // season**2
    if rows < _SEASONS * season:
        raise NotFitted(f"would take too long for {len(history)} rows and a season of {season}")
    return history[-rows:]


def _sarima(
    history: np.ndarray,
    horizon: int,
    order: tuple[int, int, int],
    seasonal: tuple[int, int, int],
    season: int,
) -> np.ndarray:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    _check_rows(history, season, seasons=3)
    history = _recent(history, season)
    unit = _unit(history)
    seasonal_order = (*seasonal, season if season > 1 else 0)
    with warnings.catch_warnings():
        # Starting values outside the admissible region are common and harmless; convergence is checked below.
        warnings.simplefilter("ignore")
        fitted = SARIMAX(history / unit, order=order, seasonal_order=seasonal_order).fit(
            disp=0, maxiter=_ITERATIONS
        )
    if not fitted.mle_retvals["converged"]:
        raise NotFitted(f"did not converge in {_ITERATIONS} iterations")
    return unit * np.asarray(fitted.forecast(horizon))


def _holt_winters(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    seasonal = season > 1
    _check_rows(history, season, seasons=2)
    history = _recent(history, season)
    unit = _unit(history)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ExponentialSmoothing(
            history / unit,
            trend="add",
            seasonal="add" if seasonal else None,
            seasonal_periods=season if seasonal else None,
            initialization_method="estimated",
        )
        fitted = model.fit()
    if not fitted.mle_retvals.success:
        raise NotFitted("did not converge")
    return unit * np.asarray(fitted.forecast(horizon))


def _theta(history: np.ndarray, horizon: int, season: int) -> np.ndarray:
    from statsmodels.tsa.forecasting.theta import ThetaModel

    _check_rows(history, season, seasons=2)
    unit = _unit(history)
    positive = history.min() > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = ThetaModel(
            history / unit,
            period=max(season, 1),
            deseasonalize=season > 1,
            method="multiplicative" if positive else "additive",
        )
        return unit * np.asarray(model.fit(disp=False).forecast(horizon))
