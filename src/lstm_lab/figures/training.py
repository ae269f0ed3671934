"""The course of training."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lstm_lab.figures.page import OURS, QUIET, dress, legend, line, save, sheet

# A loss that falls by more than this is drawn on a logarithmic axis.
_WIDE = 30


def draw_learning_curve(
    path: Path, table: pd.DataFrame, monitor: str | None = None, smaller: bool = True
) -> Figure:
    """Draws training and validation by optimiser step, one panel a quantity, the best step marked.

    Args:
        path: where the PNG of 1200 × 600 pixels goes; its folder is made if need be.
        table: column ``step``, ``train/loss`` and any of ``val/…``; what shares its last word shares a panel.
        monitor: the column that decides, the first ``val/…`` if not given.
        smaller: whether smaller is better in `monitor`.

    Returns:
        The figure, for those who want to look into it or go on drawing.

    Raises:
        ValueError: no column holds anything to draw.
    """
    named = [str(name) for name in table.columns if str(name) == "train/loss" or str(name).startswith("val/")]
    shown = [name for name in named if table[name].notna().any()]
    if not shown:
        raise ValueError(
            f"nothing to draw: the table has neither train/loss nor val/…, but {list(table.columns)}"
        )
    validated = [name for name in shown if name.startswith("val/")]
    monitor = monitor or (validated[0] if validated else None)
    quantities = list(dict.fromkeys(name.rpartition("/")[2] for name in shown))
    figure = sheet("Learning curve")
    panels = figure.subplots(len(quantities), sharex=True, squeeze=False)[:, 0]
    for axes, quantity in zip(panels, quantities, strict=True):
        dress(axes, table["step"])
        axes.set_ylabel(quantity)
        for name in shown:
            if name.rpartition("/")[2] == quantity:
                ours = name.startswith("val/")
                curve = table.set_index("step")[name].dropna().rename(None)
                line(axes, curve, color=OURS if ours else QUIET, linewidth=2.0, label=name)
                if (curve > 0).all() and curve.max() > _WIDE * curve.min():
                    axes.set_yscale("log")
        if monitor in shown:
            _mark_best(axes, table, monitor, smaller, named=monitor.rpartition("/")[2] == quantity)
        legend(axes)
    panels[-1].set_xlabel("optimiser step")
    return save(figure, path)


def _mark_best(axes: Axes, table: pd.DataFrame, monitor: str, smaller: bool, named: bool) -> None:
    """A hairline at the best step, and on the panel of `monitor` (`named`) the point with its value."""
    curve = table.set_index("step")[monitor].dropna()
    best = float(curve.min() if smaller else curve.max())
    step = int(curve.index[curve == best][-1])  # of equal ones the last, as `KeepBest` has it
    axes.axvline(step, color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    if named:
        point = pd.Series([best], [step])
        line(axes, point, color=OURS, linestyle="", label=f"best: {best:.4g} at step {step}")
