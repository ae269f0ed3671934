"""Which classes are taken for which, and how far a model's confidence can be trusted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from lstm_lab.figures.page import HAIR, INK, OURS, QUIET, dress, save, sheet

# More classes than this leave no room for numbers in the cells, or for their names.
_NUMBERS, _NAMES = 20, 40
_BINS = 10


def draw_confusion(path: Path, matrix: pd.DataFrame, title: str) -> Figure:
    """Draws a confusion matrix: a row a true class, shaded by the share of the row, with the counts.

    Args:
        path: where the PNG goes.
        matrix: counts, index the true classes, columns the predicted ones.
        title: one line above the picture.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    counts = matrix.to_numpy()
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    shades = LinearSegmentedColormap.from_list("ours", ["#ffffff", OURS])
    axes.imshow(shares, cmap=shades, vmin=0, vmax=1, aspect="equal" if len(matrix) > 2 else "auto")
    axes.set_xlabel("predicted", color=INK)
    axes.set_ylabel("true", color=INK)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=INK, labelsize=9)
    if len(matrix) <= _NAMES:
        long = max(map(len, map(str, matrix.columns))) > 4
        axes.set_xticks(range(len(matrix)), list(map(str, matrix.columns)), rotation=60 if long else 0)
        axes.set_yticks(range(len(matrix)), list(map(str, matrix.index)))
    if len(matrix) <= _NUMBERS:
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.55
                axes.text(
                    column, row, str(count), ha="center", va="center", fontsize=9, color="white" if dark else INK
                )  # fmt: skip
    return save(figure, path)


def draw_calibration(path: Path, table: pd.DataFrame, title: str) -> Figure:
    """Draws the share of right answers over the confidence, with how often each confidence occurs below.

    Args:
        path: where the PNG goes.
        table: a row a sample, ``confidence`` from 0 to 1 and ``right`` as a truth value.
        title: one line above the picture.
    """
    figure = sheet(f"{title}: how often the model is right when it says so")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    bins = np.minimum((table["confidence"] * _BINS).astype(int), _BINS - 1)
    found = table.groupby(bins).agg(confidence=("confidence", "mean"), right=("right", "mean"))
    dress(above, found.index)
    above.plot([0, 1], [0, 1], color=QUIET, linewidth=0.9, linestyle=(0, (2, 3)))
    above.plot(found["confidence"], found["right"], color=OURS, linewidth=2.0, marker="o")
    above.set_ylabel("share right")
    above.set_ylim(0, 1.03)
    dress(below, found.index)
    below.hist(table["confidence"], bins=np.linspace(0, 1, 31), color=OURS, edgecolor=HAIR)
    below.set_ylabel("samples")
    below.set_xlabel("confidence", color=INK)
    ticks = np.linspace(0, 1, 6)
    below.set_xticks(ticks, [f"{tick:.1f}" for tick in ticks])
    return save(figure, path)
