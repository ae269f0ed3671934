"""Pictures of translators: where they looked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from lstm_lab.figures.page import INK, save

_MOST = 40  # symbols of a side that can still be read


class Look(NamedTuple):
    """The attention of one translation.

    Attributes:
        source: S symbols.
        target: L symbols.
        weights: (L, S).
    """

    source: list[str]
    target: list[str]
    weights: np.ndarray


def draw_attention(path: Path, looks: Sequence[Look]) -> None:
    """Draws heat maps, two a row: what was written from top to bottom, what was read from left to right."""
    rows = -(-len(looks) // 2)
    figure = Figure(figsize=(12, 5.2 * rows), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(
        "attention: each row is a written symbol, dark where it looked",
        x=0.013, ha="left", fontsize=13, fontweight="bold", color=INK,
    )  # fmt: skip
    for place, one in enumerate(looks):
        axes = figure.add_subplot(rows, 2, place + 1)
        source, target = one.source[:_MOST], one.target[:_MOST]
        axes.imshow(one.weights[:_MOST, :_MOST], cmap="Blues", vmin=0, vmax=1, aspect="auto")
        axes.set_xticks(range(len(source)), [_shown(symbol) for symbol in source], rotation=90, fontsize=8)
        axes.set_yticks(range(len(target)), [_shown(symbol) for symbol in target], fontsize=8)
        axes.tick_params(length=0, labelcolor=INK)
        axes.spines[:].set_visible(False)
    save(figure, path)


def _shown(symbol: str) -> str:
    """A symbol as a label: blanks are made visible, and a dollar sign begins no formula."""
    return symbol.replace(" ", "␣").replace("\n", "¶").replace("\t", "→").replace("$", r"\$")
