"""A forecast beside its history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lstm_lab.figures.page import INK, OTHER, OURS, QUIET, dress, legend, line, save, sheet


def draw_forecast(
    path: Path,
    history: pd.Series,
    truth: pd.Series | None,
    forecast: pd.DataFrame,
    baseline: tuple[str, pd.Series] | None,
    title: str,
    unit: str,
) -> Figure:
    """Draws what was known, what was forecast with its interval, what came true, and the best baseline.

    Args:
        path: where the PNG of 1200 × 600 pixels goes; its folder is made if need be.
        history: the rows before the origin; like all tables here indexed by time stamps or by integers.
        truth: what came true, if it is known.
        forecast: column ``forecast``, and ``lower`` and ``upper`` if there is an interval.
        baseline: name and forecast of the baseline to beat, if there is one.
        title: one line above the picture.
        unit: of the values, may be empty.

    Returns:
        The figure, for those who want to look into it or go on drawing.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    dress(axes, history.index)
    axes.set_ylabel(unit)
    axes.plot(history.index, history, color=QUIET, linewidth=1.6, label="history")
    axes.axvline(history.index[-1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    if {"lower", "upper"} <= set(forecast.columns):
        lower, upper = forecast["lower"], forecast["upper"]
        axes.fill_between(forecast.index, lower, upper, color=OURS, alpha=0.16, linewidth=0, label="interval")
    if truth is not None:
        # Joined to the history: it is one series, of which the model saw the first part.
        line(axes, pd.concat([history.tail(1), truth]), color=INK, linewidth=1.6, label="truth")
    if baseline is not None:
        name, values = baseline
        line(axes, values, color=OTHER, linewidth=1.6, linestyle=(0, (4, 2)), label=name)
    line(axes, forecast["forecast"], color=OURS, linewidth=2.4, label="forecast")
    axes.margins(x=0.01)
    legend(axes)
    return save(figure, path)


def draw_overlay(path: Path, truth: pd.Series, forecasts: list[pd.Series], title: str, unit: str) -> Figure:
    """Draws forecasts from several origins over what came true.

    Args:
        path: where the PNG goes.
        truth: indexed by time stamps or integers.
        forecasts: one for each origin.
        title: one line above the picture.
        unit: of the values, may be empty.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    dress(axes, truth.index)
    axes.set_ylabel(unit)
    line(axes, truth, color=INK, linewidth=1.4, label="truth")
    for number, forecast in enumerate(forecasts):
        line(axes, forecast, color=OURS, linewidth=2.0, alpha=0.9, label="forecast" if not number else "_")
        axes.axvline(forecast.index[0], color=QUIET, linewidth=0.6, linestyle=(0, (2, 3)), zorder=1)
    axes.margins(x=0.01)
    legend(axes)
    return save(figure, path)


def draw_steps(path: Path, errors: dict[str, np.ndarray], unit: str) -> Figure:
    """Draws the mean absolute error of each step ahead.

    Args:
        path: where the PNG goes.
        errors: by name, (S,); the first is ours.
        unit: of the errors, may be empty.
    """
    figure = sheet("Mean absolute error by step ahead")
    axes = figure.add_subplot()
    steps = pd.RangeIndex(1, len(next(iter(errors.values()))) + 1)
    dress(axes, steps)
    axes.set_xlabel("steps ahead")
    axes.set_ylabel(unit)
    for number, (name, curve) in enumerate(errors.items()):
        style = (
            {"color": OTHER, "linewidth": 1.6, "linestyle": (0, (4, 2))}
            if number
            else {"color": OURS, "linewidth": 2.4}
        )
        line(axes, pd.Series(curve, index=steps), label=name, **style)
    axes.set_ylim(bottom=0)
    legend(axes)
    return save(figure, path)


def draw_residuals(path: Path, residuals: np.ndarray) -> Figure:
    """Draws the autocorrelation of first-step errors with the limits of white noise.

    Args:
        path: where the PNG goes.
        residuals: (W,) in time order.
    """
    centred = residuals - residuals.mean()
    lags = min(48, len(centred) // 3)
    power = float(centred @ centred) or 1.0
    values = [float(centred[lag:] @ centred[: len(centred) - lag]) / power for lag in range(1, lags + 1)]
    figure = sheet("Autocorrelation of one-step errors")
    axes = figure.add_subplot()
    index = pd.RangeIndex(1, lags + 1)
    dress(axes, index)
    axes.set_xlabel("lag")
    limit = 1.96 / np.sqrt(len(centred))
    axes.axhspan(-limit, limit, color=QUIET, alpha=0.18, linewidth=0, label="white noise, 95 %")
    axes.bar(index, values, width=0.5, color=OURS, label="autocorrelation")
    axes.axhline(0, color=QUIET, linewidth=0.8)
    legend(axes)
    return save(figure, path)


def draw_intervals(path: Path, covered: np.ndarray, share: float) -> Figure:
    """Draws the share of targets inside the interval, by step ahead, or over time where there is one step.

    Args:
        path: where the PNG goes.
        covered: (S,) shares; or (W,) of 0, 1 and NaN in time order, which are averaged over a moving tenth.
        share: that the interval should hold.
    """
    figure = sheet("Share of targets inside the interval")
    axes = figure.add_subplot()
    curve = pd.Series(covered, index=pd.RangeIndex(1, len(covered) + 1))
    single = bool(np.isin(covered[~np.isnan(covered)], (0, 1)).all()) and len(covered) > 20
    if single:
        curve = curve.rolling(max(10, len(curve) // 10), min_periods=5).mean()
    dress(axes, curve.index)
    axes.set_xlabel("test forecast, moving mean" if single else "steps ahead")
    axes.axhline(share, color=OTHER, linewidth=1.6, linestyle=(0, (4, 2)), label="asked")
    line(axes, curve, color=OURS, linewidth=2.4, label="covered")
    axes.set_ylim(0, 1.02)
    legend(axes)
    return save(figure, path)
