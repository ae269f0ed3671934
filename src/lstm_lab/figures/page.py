"""The page that pictures share: size, colours, axes and legend; drawn without pyplot and its global state."""

from __future__ import annotations

import warnings
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

# Okabe and Ito's blue and vermilion keep apart in every kind of colour vision; the dashes say it once more.
INK, QUIET, HAIR, OURS, OTHER = "#222222", "#8a8f98", "#e4e6ea", "#0072B2", "#D55E00"
_INCHES, _DPI = (10, 5), 120  # 1200 × 600 pixels


def line(axes: Axes, values: pd.Series, **style: object) -> None:
    """A line through the values; a single point is drawn as a dot, or it would not be seen."""
    axes.plot(values.index, values, marker="o" if len(values) == 1 else "", markersize=7, **style)  # type: ignore[arg-type]


def legend(axes: Axes) -> None:
    """One row above the frame, where no curve passes; the baseline comes last."""
    handles, labels = axes.get_legend_handles_labels()
    order = ["history", "truth", "forecast", "interval"]
    rank = {name: place for place, name in enumerate(order)}
    ordered = sorted(zip(labels, handles, strict=True), key=lambda pair: rank.get(pair[0], len(order)))
    axes.legend(
        [handle for _, handle in ordered],
        [label for label, _ in ordered],
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=len(ordered),
        frameon=False,
        labelcolor=INK,
        handlelength=2.2,
        borderaxespad=0.2,
    )


def sheet(title: str) -> Figure:
    """An empty page of 1200 × 600 pixels with its title."""
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, x=0.013, ha="left", fontsize=13, fontweight="bold", color=INK)
    return figure


def dress(axes: Axes, index: pd.Index | pd.Series) -> None:
    """Frame, grid and ticks; dates get short labels, integers whole ones."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.grid(axis="y", color=HAIR, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelcolor=INK, labelsize=10, pad=5)
    axes.yaxis.label.set_color(INK)
    if isinstance(index, pd.DatetimeIndex):
        locator = AutoDateLocator(minticks=5, maxticks=12)
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def save(figure: Figure, path: Path) -> Figure:
    """Writes the picture; its folder is made if need be."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a box stands for what the font does not have
        figure.savefig(path)
    return figure
