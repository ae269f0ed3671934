"""The picture of a leaderboard: means with their intervals, every seed as a dot, baselines as hollow marks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lstm_lab.figures.page import HAIR, INK, OTHER, OURS, QUIET, save, sheet


def draw_leaderboard(path: Path, table: pd.DataFrame, runs: pd.DataFrame, metric: str, title: str) -> Figure:
    """Draws one line a row of the table, the best on top.

    Args:
        path: of the picture.
        table: of `lstm_lab.ranking.table.build_table`.
        runs: of `lstm_lab.ranking.table.seed_table`.
        metric: the number that is compared.
        title: what it was measured on.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    places = range(len(table), 0, -1)
    left, right = _window(runs[metric])
    axes.set_xlim(left, right)
    for place, (name, row) in zip(places, table.iterrows(), strict=True):
        if row["kind"] == "baseline":
            _baseline(axes, row["mean"], place, left, right)
            continue
        seeds = runs.loc[(runs["model"] == name) & (runs["failed"] == ""), metric]
        axes.plot(seeds, [place] * len(seeds), "o", color=OURS, alpha=0.35, markersize=6, markeredgewidth=0)
        if row["failed"]:
            axes.text(
                0.99, place, "a seed failed: no mean", color=OTHER, ha="right", va="center",
                transform=axes.get_yaxis_transform(),
            )  # fmt: skip
            continue
        axes.plot([row["low"], row["high"]], [place, place], color=OURS, linewidth=2.4, solid_capstyle="butt")
        axes.plot(row["mean"], place, "o", color=OURS, markersize=9)
    axes.set_yticks(list(places), [str(name) for name in table.index])
    axes.set_ylim(0.4, len(table) + 0.6)
    axes.set_xlabel(
        f"{metric}: mean and 95 % interval over seeds, each seed pale, baselines hollow", color=INK
    )
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(QUIET)
    axes.grid(axis="x", color=HAIR, linewidth=0.9)
    axes.set_axisbelow(True)
    axes.tick_params(which="both", length=0, labelcolor=INK, labelsize=10, pad=5)
    axes.tick_params(axis="y", pad=12)  # an arrow at the edge stands there
    return save(figure, path)


def _window(values: pd.Series) -> tuple[float, float]:
    """From where to where the picture goes: around the models, so that far baselines do not press them together."""
    low, high = float(values.min()), float(values.max())
    margin = max(high - low, 0.02 * max(abs(low), abs(high)), 1e-12)
    return low - margin, high + margin


def _baseline(axes: Axes, value: float, place: int, left: float, right: float) -> None:
    """A hollow mark, or at the edge an arrow with the number that lies beyond."""
    if left <= value <= right:
        axes.plot(value, place, "D", markerfacecolor="white", color=QUIET, markersize=7)
        return
    beyond = value > right
    x, offset, side = (right, -8, "right") if beyond else (left, 8, "left")
    axes.plot(x, place, ">" if beyond else "<", color=QUIET, markersize=8, clip_on=False)
    axes.annotate(
        f"{value:.4g}", (x, place), (offset, 0), textcoords="offset points", ha=side, va="center", color=QUIET
    )
