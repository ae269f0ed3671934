"""A study in pictures: how it went, what mattered, where the good points lie."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lstm_lab.figures.page import HAIR, INK, OTHER, OURS, QUIET

# From the best (blue) to the worst (pale), readable in print and in every kind of colour vision.
_RANK = LinearSegmentedColormap.from_list("rank", [OURS, "#9dc3dc", "#d9dde3"])
_MOST_PANELS = 8
_WIDE = 30

Table = Mapping[str, Any]


def draw_study(tables: Table, folder: Path) -> list[Path]:
    """Draws every picture that the study has something for.

    Args:
        tables: plain data as from `lstm_lab.sweeps.results.tables`.
        folder: where the PNG files go; it is made if need be.

    Returns:
        the files: ``history.png``, ``importance.png``, ``slice.png``, ``parallel.png``, ``reports.png`` and,
        for several objectives, ``pareto.png``. A study without a complete trial has none.
    """
    if not _complete(tables):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    drawings = {
        "history": draw_history,
        "importance": draw_importance,
        "slice": draw_slice,
        "parallel": draw_parallel,
        "reports": draw_reports,
        "pareto": draw_pareto,
    }
    written = []
    for name, draw in drawings.items():
        figure = draw(tables)
        if figure is not None:
            path = folder / f"{name}.png"
            aside = path.with_name(f".{path.name}")  # a reader never sees half a picture
            figure.savefig(aside, format="png")
            aside.replace(path)
            written.append(path)
    return written


def draw_history(tables: Table) -> Figure:
    """Draws the value of each trial, the best so far, and which trials were pruned or failed."""
    directions, complete = tables["directions"], _complete(tables)
    figure, panels = _sheet(f"{tables['study']}: history", len(directions), 1, (10, 2 + 3 * len(directions)))
    for objective, axes in enumerate(panels):
        numbers = [one["number"] for one in complete]
        values = [one["values"][objective] for one in complete]
        axes.plot(numbers, values, "o", color=QUIET, markersize=5, label="complete")
        pruned = [one for one in tables["trials"] if one["state"] == "PRUNED" and one["values"]]
        if pruned and len(directions) == 1:
            axes.plot(
                [one["number"] for one in pruned],
                [one["values"][0] for one in pruned],
                "x",
                color=OTHER,
                markersize=6,
                label="pruned",
            )
        better = min if directions[objective] == "minimize" else max
        best = [better(values[: place + 1]) for place in range(len(values))]
        axes.step(numbers, best, where="post", color=OURS, linewidth=2, label="best so far")
        failed = [one["number"] for one in tables["trials"] if one["state"] == "FAIL"]
        if failed:
            # On the frame: a failed trial has a time, and no value.
            axes.plot(
                failed,
                [0] * len(failed),
                "|",
                color=OTHER,
                markersize=12,
                clip_on=False,
                transform=axes.get_xaxis_transform(),
                label="failed",
            )
        _wide(axes, values)
        axes.set_ylabel(_value_name(directions, objective))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        _legend(axes)
    panels[-1].set_xlabel("trial")
    return figure


def draw_importance(tables: Table) -> Figure | None:
    """Draws each parameter's share in the variation of the value, None while too little is known."""
    shares = [one for one in tables["importance"] if one]
    if not shares:
        return None
    keys = sorted(shares[0], key=lambda key: shares[0][key])
    figure, (axes,) = _sheet(f"{tables['study']}: what matters", 1, 1, (10, 1.6 + 0.45 * len(keys)))
    height = 0.7 / len(shares)
    for index, importance in enumerate(shares):
        places = [row - height * (index - (len(shares) - 1) / 2) for row in range(len(keys))]
        bars = axes.barh(
            places,
            [importance.get(key, 0.0) for key in keys],
            height,
            color=(OURS, OTHER, QUIET)[index % 3],
            label=_value_name(tables["directions"], index),
        )
        axes.bar_label(bars, fmt="%.2f", padding=4, color=INK, fontsize=9)
    axes.set_yticks(range(len(keys)), keys)
    axes.set_xlabel("share of the variation that the parameter explains (PED-ANOVA)")
    axes.set_xlim(0, 1.08 * max(max(one.values()) for one in shares))
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", color=HAIR)
    if len(shares) > 1:
        _legend(axes)
    return figure


def draw_slice(tables: Table) -> Figure | None:
    """Draws the value over each parameter, one panel a parameter; later trials are darker."""
    complete, keys = _complete(tables), _keys(tables)[:_MOST_PANELS]
    if not keys:
        return None
    columns = min(4, len(keys))
    rows = math.ceil(len(keys) / columns)
    figure, panels = _sheet(
        f"{tables['study']}: value by parameter (later trials darker, the best ringed)",
        rows,
        columns,
        (max(5, 3.1 * columns), 0.9 + 2.9 * rows),
    )
    last = max(one["number"] for one in complete) or 1
    for axes, key in zip(panels, keys, strict=False):
        shown = [one for one in complete if key in one["params"]]
        places, ticks = _places([one["params"][key] for one in shown])
        values = [one["values"][0] for one in shown]
        axes.scatter(
            places,
            values,
            c=[1 - one["number"] / last for one in shown],
            cmap=_RANK,
            vmin=0,
            vmax=1,
            s=24,
            edgecolors=QUIET,
            linewidths=0.4,
        )
        best = [index for index, one in enumerate(shown) if one["number"] in tables["best"]]
        axes.plot(
            [places[i] for i in best], [values[i] for i in best], "o", mfc="none", mec=OTHER, ms=10, mew=1.8
        )
        if ticks is not None:
            axes.set_xticks(range(len(ticks)), ticks)
            axes.set_xlim(-0.5, len(ticks) - 0.5)
        elif key in tables["log"]:
            axes.set_xscale("log")
            if min(places) > 0:  # labels of the decades and their parts run into each other in a narrow panel
                ends = (min(places), math.sqrt(min(places) * max(places)), max(places))
                axes.set_xticks(sorted(set(ends)), [f"{one:.2g}" for one in sorted(set(ends))])
                axes.minorticks_off()
        _wide(axes, values)
        axes.set_xlabel(key)
    for axes in panels[len(keys) :]:
        axes.set_visible(False)
    panels[0].set_ylabel(_value_name(tables["directions"], 0))
    return figure


def draw_parallel(tables: Table) -> Figure | None:
    """Draws each complete trial as a line through its parameters, the better the darker and the higher up."""
    keys = _keys(tables)[:_MOST_PANELS]
    complete = [one for one in _complete(tables) if all(key in one["params"] for key in keys)]
    if len(keys) < 2 or len(complete) < 2:
        return None
    figure, (axes,) = _sheet(
        f"{tables['study']}: parameters together", 1, 1, (max(7, 2 + 1.6 * len(keys)), 5)
    )
    heights = [_scaled([one["params"][key] for one in complete], key in tables["log"]) for key in keys]
    sign = 1 if tables["directions"][0] == "minimize" else -1
    order = sorted(range(len(complete)), key=lambda place: sign * complete[place]["values"][0])
    ranks = [0.0] * len(complete)
    for rank, place in enumerate(order):
        ranks[place] = rank / (len(complete) - 1)
    lines = [[(x, column[place]) for x, (column, _) in enumerate(heights)] for place in reversed(order)]
    shades = [ranks[place] for place in reversed(order)]  # the best is drawn last, on top
    axes.add_collection(
        LineCollection(
            lines,
            array=shades,
            cmap=_RANK,
            norm=Normalize(0, 1),
            linewidths=[2.4 - 1.6 * one for one in shades],
        )
    )
    for x, (_, labels) in enumerate(heights):
        axes.axvline(x, color=QUIET, linewidth=0.9)
        for height, text in labels:
            # On a white ground, or the lines run through the numbers.
            ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.0}
            axes.text(x + 0.03, height, text, fontsize=8.5, color=INK, va="center", bbox=ground, zorder=5)
    axes.set_xticks(range(len(keys)), keys)
    axes.set_xlim(-0.25, len(keys) - 0.6)
    axes.set_ylim(-0.06, 1.06)
    axes.set_yticks([])
    bar = figure.colorbar(ScalarMappable(Normalize(0, 1), _RANK), ax=axes, ticks=[0, 1], shrink=0.7, pad=0.01)
    bar.ax.set_yticklabels(["best", "worst"])
    bar.ax.invert_yaxis()
    bar.outline.set_visible(False)  # type: ignore[operator]
    return figure


def draw_reports(tables: Table) -> Figure | None:
    """Draws what trials reported while they ran, pruned ones dashed; None if nothing was reported."""
    reported = [one for one in tables["trials"] if one["steps"]]
    if all(len(one["steps"]) < 2 for one in reported):
        return None
    figure, (axes,) = _sheet(f"{tables['study']}: while they ran", 1, 1, (10, 5))
    seen: set[str] = set()
    for one in sorted(reported, key=lambda one: one["number"] in tables["best"]):
        steps = sorted((int(step), value) for step, value in one["steps"].items())
        kind = "best" if one["number"] in tables["best"] else one["state"].lower()
        color, width = {"best": (OURS, 2.4), "pruned": (OTHER, 1.2)}.get(kind, (QUIET, 0.9))
        axes.plot(
            *zip(*steps, strict=True),
            color=color,
            linewidth=width,
            marker="x" if kind == "pruned" and len(steps) == 1 else "",
            linestyle=(0, (4, 2)) if kind == "pruned" else "-",
            label=None if kind in seen else kind,
        )
        seen.add(kind)
    _wide(axes, [value for one in reported for value in one["steps"].values()])
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_ylabel("reported value")
    _legend(axes)
    return figure


def draw_pareto(tables: Table) -> Figure | None:
    """Draws two objectives against each other with the trials that no other beats; None for one objective."""
    directions = tables["directions"]
    if len(directions) < 2:
        return None
    figure, (axes,) = _sheet(f"{tables['study']}: trade-off", 1, 1, (8, 6))
    complete = _complete(tables)
    front = sorted(tuple(one["values"][:2]) for one in complete if one["number"] in tables["best"])
    axes.plot(
        *zip(*[one["values"][:2] for one in complete], strict=True), "o", color=QUIET, ms=5, label="trials"
    )
    style = "-" if len(directions) == 2 else ""  # of three objectives two show no line
    axes.plot(*zip(*front, strict=True), f"o{style}", color=OURS, ms=7, label="not beaten (Pareto)")
    axes.set_xlabel(_value_name(directions, 0))
    axes.set_ylabel(_value_name(directions, 1))
    axes.grid(axis="x", color=HAIR)
    _legend(axes)
    return figure


def _complete(tables: Table) -> list[Table]:
    return [one for one in tables["trials"] if one["state"] == "COMPLETE" and one["values"]]


def _keys(tables: Table) -> list[str]:
    """Every swept key, the most important first."""
    keys = list(dict.fromkeys(key for one in _complete(tables) for key in one["params"]))
    shares: Mapping[str, float] = next((one for one in tables["importance"] if one), {})
    return sorted(keys, key=lambda key: -shares.get(key, 0.0))


def _value_name(directions: Sequence[str], objective: int) -> str:
    aim = "smaller is better" if directions[objective] == "minimize" else "larger is better"
    return f"value, {aim}" if len(directions) == 1 else f"value {objective}, {aim}"


def _places(values: Sequence[Any]) -> tuple[list[float], list[str] | None]:
    """Returns positions on an axis, and the words to write there if the values are no numbers."""
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in values):
        return [float(value) for value in values], None
    words = sorted({str(value) for value in values})
    return [float(words.index(str(value))) for value in values], words


def _scaled(values: Sequence[Any], log: bool) -> tuple[list[float], list[tuple[float, str]]]:
    """Returns heights between 0 and 1 and the labels of an axis in the parallel plot."""
    places, words = _places(values)
    if log and words is None and min(places) > 0:
        places = [math.log10(place) for place in places]
    low, high = min(places), max(places)
    width = (high - low) or 1.0
    heights = [(place - low) / width for place in places]
    if words is not None:
        return heights, [((index - low) / width, word) for index, word in enumerate(words)]
    shown = [10**one if log else one for one in (low, (low + high) / 2, high)]
    return heights, [(place, f"{one:.3g}") for place, one in zip((0, 0.5, 1), shown, strict=True)]


def _sheet(title: str, rows: int, columns: int, inches: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=inches, dpi=120, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(title, x=0.013, ha="left", fontsize=13, fontweight="bold", color=INK)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in panels:
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color(QUIET)
        axes.grid(axis="y", color=HAIR, linewidth=0.9)
        axes.set_axisbelow(True)
        axes.tick_params(which="both", length=0, labelcolor=INK, labelsize=9, pad=4)
    return figure, panels


def _wide(axes: Axes, values: Sequence[float]) -> None:
    """A few failures of the optimiser must not press all good trials into one line."""
    finite = [value for value in values if math.isfinite(value)]
    if finite and min(finite) > 0 and max(finite) > _WIDE * min(finite):
        axes.set_yscale("log")


def _legend(axes: Axes) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=5,
        frameon=False,
        labelcolor=INK,
        borderaxespad=0.2,
    )
