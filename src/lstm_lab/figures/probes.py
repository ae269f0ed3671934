"""What the instruments saw: gradients and memory by lag, gates and states over an input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import AutoLocator

from lstm_lab.figures.lags import COLOURS
from lstm_lab.figures.page import HAIR, INK, OTHER, OURS, QUIET, dress, legend, save, sheet

_SHARES = LinearSegmentedColormap.from_list("shares", ["#ffffff", OURS])
_SIGNED = LinearSegmentedColormap.from_list("signed", [OTHER, "#ffffff", OURS])
# Marks below 32 bits: what is smaller has vanished in every sense.
_FLOOR = 1e-20
_STYLES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))
_NAMED, _UNITS = 60, 96  # more steps than this are numbered, more units are not all drawn
_BARS = 25  # inputs that are drawn, those that count most


def draw_gradients(path: Path, tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draws gradients by lag, relative to that at lag 1; of several models a panel for the input and one for ``h``.

    Args:
        path: where the PNG goes.
        tables: by the name of a model or of a moment, what `lstm_lab.probing.gradients.measure` gave.
        title: one line above the picture.
    """
    figure = sheet(title)
    whats = list(dict.fromkeys(what for table in tables.values() for what in table["what"]))
    shown = whats if len(tables) == 1 else [what for what in whats if what[0] in "xh"][:2]
    panels = figure.subplots(1, 1 if len(tables) == 1 else len(shown), sharey=True, squeeze=False)[0]
    for place, what in enumerate(shown):
        axes = panels[min(place, len(panels) - 1)]
        for number, (name, table) in enumerate(tables.items()):
            rows = table[table["what"] == what]
            label, colour = (f"∂L/∂{what}", place) if len(tables) == 1 else (name, number)
            values = rows["relative"].where(rows["norm"] > 0)  # what has no gradient at all has no logarithm
            values = values.clip(lower=_FLOOR)
            axes.plot(rows["lag"], values, color=_shade(colour, len(tables)), linewidth=2.0, label=label)
        if len(tables) > 1:
            axes.text(0.98, 0.97, f"‖∂L/∂{what}‖", transform=axes.transAxes, ha="right", va="top", color=INK)
    for axes in panels:
        dress(axes, next(iter(tables.values()))["lag"])
        axes.set_yscale("log")
        axes.set_xlabel("lag: steps before the end", color=INK)
    panels[0].set_ylabel("norm, relative to that at lag 1")
    legend(panels[0])
    return save(figure, path)


def draw_memory(path: Path, tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draws what is left of a difference between two states, by lag; a dashed line at one half.

    Args:
        path: where the PNG goes.
        tables: by the name of a model or of a moment, what `lstm_lab.probing.memory.measure` gave.
        title: one line above the picture.
    """
    figure = sheet(title)
    axes = figure.add_subplot()
    dress(axes, next(iter(tables.values()))["lag"])
    for number, (name, table) in enumerate(tables.items()):
        for place, (what, rows) in enumerate(table.groupby("what", sort=False)):
            style = _STYLES[place % len(_STYLES)]
            label = str(what) if len(tables) == 1 else f"{name}: {what}"
            colour = _shade(place if len(tables) == 1 else number, len(tables))
            axes.plot(rows["lag"], rows["left"], color=colour, linestyle=style, linewidth=2.0, label=label)
    axes.axhline(0.5, color=QUIET, linewidth=0.9, linestyle=(0, (5, 3)))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("steps with the same input since the states differed", color=INK)
    axes.set_ylabel("share of the difference that is left")
    legend(axes)
    return save(figure, path)


def draw_importance(path: Path, tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draws a bar an input, the one that counts most on top, with the standard deviation over the repeats.

    Args:
        path: where the PNG goes.
        tables: by the name of a model, what `lstm_lab.probing.importance.measure` gave.
        title: one line above the picture.
    """
    first = next(iter(tables.values()))
    order = list(first["input"].head(_BARS))
    figure = sheet(title)
    figure.set_size_inches(10, max(3.0, 1.3 + 0.36 * len(order) * max(1.0, 0.6 * len(tables))))
    axes = figure.add_subplot()
    dress(axes, first.index)
    axes.grid(visible=False, axis="y")
    axes.grid(axis="x", color=HAIR, linewidth=0.9)
    end = _end(
        pd.concat([table.set_index("input")["worse"] for table in tables.values()], axis=1).max(axis=1)
    )
    height = 0.7 / len(tables)
    for number, (name, table) in enumerate(tables.items()):
        rows = table.set_index("input").reindex(order)
        places = np.arange(len(order)) + (number - (len(tables) - 1) / 2) * height
        axes.barh(places, rows["worse"], height, color=_shade(number, len(tables)), label=name)
        axes.errorbar(
            rows["worse"], places, xerr=rows["sd"], fmt="none", ecolor=INK, elinewidth=1.2, capsize=2
        )
        for place, worse, sd in zip(places, rows["worse"], rows["sd"], strict=True):
            _say(axes, place, worse, sd, end)
    axes.set_xlim(right=end)
    axes.axvline(0, color=QUIET, linewidth=0.9)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.xaxis.set_major_locator(AutoLocator())
    row = first.iloc[0]
    lost = row["metric"] == "accuracy"
    unit = f", {row['unit']}" if row["unit"] else ""
    says = "accuracy lost" if lost else f"{row['metric']} gained over {row['before']:.3g}"
    axes.set_xlabel(
        f"{says} when the input belongs to another sequence{unit}; {row['part']} part, mean ± sd of {row['repeats']}",
        color=INK,
    )
    if len(tables) > 1:
        legend(axes)
    return save(figure, path)


def _end(worst: pd.Series) -> float:
    """Where the axis ends: one bar that dwarfs all others is cut, and says so."""
    largest = worst.sort_values(ascending=False).to_numpy()
    dwarfed = len(largest) > 2 and largest[0] > 5 * largest[1] > 0
    return 1.25 * float(max(largest[1] if dwarfed else largest[0], 1e-9))


def _say(axes: Axes, place: float, worse: float, sd: float, end: float) -> None:
    """A bar's number: behind its end, or inside a bar that is cut."""
    text, cut = f" {worse:.3g} ± {sd:.1g} ", worse > end
    where = {"x": end, "ha": "right", "color": "white"} if cut else {"x": max(worse + sd, 0), "color": INK}
    axes.text(y=place, s=f"{text}▸" if cut else text, va="center", fontsize=9, **where)  # type: ignore[arg-type]


def draw_gates(path: Path, maps: Mapping[str, np.ndarray], names: Sequence[str], title: str) -> Figure:
    """Draws a heat map for each gate and state: steps from left to right, a row a unit.

    Units stand in the same order in every map: those that hold the largest states on top.

    Args:
        path: where the PNG goes.
        maps: by name, (T, F).
        names: of the T steps.
        title: one line above the picture.
    """
    figure = sheet(title)
    rows = -(-len(maps) // 2)
    figure.set_size_inches(13, 1.2 + 2.2 * rows + 0.05 * max(map(len, names)))
    panels = figure.subplots(rows, 2, sharex=True, squeeze=False).T.ravel()
    state = next(
        (values for name, values in reversed([*maps.items()]) if "state c" in name), [*maps.values()][-1]
    )
    order = np.argsort(-np.abs(state).mean(0), kind="stable")[:_UNITS]
    for axes, (name, values) in zip(panels, maps.items(), strict=False):
        _heat(axes, name, values[:, order] if values.shape[1] == state.shape[1] else values)
    for axes in panels[len(maps) :]:
        axes.set_visible(False)
    last = [panels[rows - 1], panels[len(maps) - 1]]
    for axes in last:
        axes.tick_params(labelbottom=True)
        if len(names) <= _NAMED:
            axes.set_xticks(range(len(names)), names, rotation=90, fontsize=8)
        else:
            places = np.linspace(0, len(names) - 1, 12).astype(int)
            axes.set_xticks(places, [names[place] for place in places], rotation=45, ha="right", fontsize=8)
    return save(figure, path)


def _heat(axes: Axes, name: str, values: np.ndarray) -> None:
    signed = bool((values < 0).any()) or "state" in name or name.rpartition(" ")[2] in ("cell", "new")
    top = max(float(np.abs(values).max()), 1e-9) if signed else 1.0
    shade, low = (_SIGNED, -top) if signed else (_SHARES, 0.0)
    image = axes.imshow(values.T, aspect="auto", cmap=shade, vmin=low, vmax=top, interpolation="nearest")
    bar = axes.figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03)
    bar.outline.set_visible(False)  # type: ignore[operator]
    bar.ax.tick_params(length=0, labelsize=8, labelcolor=INK)
    says = {
        "forget": "forget gate: 1 keeps, 0 forgets",
        "input": "input gate: 1 writes",
        "update": "update gate",
    }
    says |= {"output": "output gate: 1 shows", "reset": "reset gate", "cell": "candidate", "new": "candidate"}
    head, _, last = name.rpartition(" ")
    text = name if last not in says or "state" in head else f"{head} {says[last]}".strip()
    axes.set_title(text, loc="left", fontsize=10, color=INK, pad=3)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelcolor=INK, labelsize=8)
    axes.set_yticks([])
    axes.set_ylabel(f"{values.shape[1]} units", fontsize=9, color=QUIET)


def _shade(place: int, curves: int) -> str | tuple[float, float, float, float]:
    """Models in colours of their own; many moments of one model from light to dark."""
    return (
        COLOURS[place % len(COLOURS)]
        if curves <= len(COLOURS)
        else _SHARES(0.25 + 0.75 * place / (curves - 1))
    )
