"""How a score falls with the distance that has to be remembered: one model, or several side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lstm_lab.figures.page import INK, OTHER, OURS, QUIET, dress, legend, save, sheet

# After our blue and vermilion, three more of Okabe and Ito's, told apart by their marks as well.
COLOURS = (OURS, OTHER, "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKS = ("o", "s", "^", "D", "v", "P")


def draw_by_lag(
    path: Path,
    curves: Mapping[str, pd.DataFrame],
    score: str,
    title: str,
    axis: str,
    chance: float | None = None,
    chance_name: str = "chance",
    trained_to: int | None = None,
) -> Figure:
    """Draws a score over the lag, with its interval where there is one.

    Args:
        path: where the PNG goes.
        curves: by the name of a model, a table with a row a lag: ``lag``, `score`, and ``low`` and ``high`` if known.
        score: the column that is drawn, and the name of its axis.
        title: one line above the picture.
        axis: what a lag counts.
        chance: what guessing reaches, a dashed line.
        chance_name: what that is.
        trained_to: the longest lag of training, a hairline.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    lags = pd.concat([table["lag"] for table in curves.values()])
    dress(axes, lags)
    for place, (name, table) in enumerate(curves.items()):
        colour, mark = COLOURS[place % len(COLOURS)], MARKS[place % len(MARKS)]
        axes.plot(table["lag"], table[score], color=colour, marker=mark, linewidth=2.0, label=name)
        if {"low", "high"} <= set(table):
            axes.fill_between(
                table["lag"], table["low"], table["high"], color=colour, alpha=0.15, linewidth=0
            )
    if chance is not None:
        axes.axhline(chance, color=QUIET, linewidth=1.4, linestyle=(0, (5, 3)), label=chance_name)
    if trained_to is not None and lags.min() <= trained_to < lags.max():
        axes.axvline(trained_to, color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)))
        axes.annotate(
            "trained up to here", (trained_to, 0.02), xycoords=("data", "axes fraction"), xytext=(4, 0),
            textcoords="offset points", color=QUIET, fontsize=9,
        )  # fmt: skip
    if score.endswith("%"):
        axes.set_ylim(0, 103)
    else:
        axes.set_ylim(bottom=0)
    axes.set_ylabel(score)
    axes.set_xlabel(axis, color=INK)
    legend(axes)
    return save(figure, path)
