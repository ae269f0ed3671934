"""Numbers that were predicted, over those that came true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lstm_lab.figures.page import INK, OURS, QUIET, dress, save, sheet


def draw_answers(path: Path, truth: np.ndarray, found: np.ndarray, title: str) -> Figure:
    """Draws a dot a test sample and the line on which all would lie.

    Args:
        path: where the PNG goes.
        truth: (N, C).
        found: (N, C).
        title: of the data.
    """
    figure = sheet(f"{title}: what was predicted, over what is true")
    axes = figure.add_subplot()
    dress(axes, pd.Index([0.5]))
    ends = [float(truth.min()), float(truth.max())]
    axes.plot(ends, ends, color=QUIET, linewidth=0.9, linestyle=(0, (2, 3)))
    axes.plot(truth.ravel(), found.ravel(), ".", color=OURS, markersize=3, alpha=0.5)
    axes.set_xlabel("true", color=INK)
    axes.set_ylabel("predicted")
    return save(figure, path)
