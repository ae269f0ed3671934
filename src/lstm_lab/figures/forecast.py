"""A forecast beside its history."""

from __future__ import annotations

from pathlib import Path

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
