"""A forecast beside its history, and the course of training; drawn without pyplot and its global state."""

from __future__ import annotations

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
# A loss that falls by more than this is drawn on a logarithmic axis.
_WIDE = 30


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
    figure = _sheet(title)
    axes = figure.add_subplot()
    _dress(axes, history.index)
    axes.set_ylabel(unit)
    axes.plot(history.index, history, color=QUIET, linewidth=1.6, label="history")
    axes.axvline(history.index[-1], color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    if {"lower", "upper"} <= set(forecast.columns):
        lower, upper = forecast["lower"], forecast["upper"]
        axes.fill_between(forecast.index, lower, upper, color=OURS, alpha=0.16, linewidth=0, label="interval")
    if truth is not None:
        # Joined to the history: it is one series, of which the model saw the first part.
        _line(axes, pd.concat([history.tail(1), truth]), color=INK, linewidth=1.6, label="truth")
    if baseline is not None:
        name, values = baseline
        _line(axes, values, color=OTHER, linewidth=1.6, linestyle=(0, (4, 2)), label=name)
    _line(axes, forecast["forecast"], color=OURS, linewidth=2.4, label="forecast")
    axes.margins(x=0.01)
    _legend(axes)
    return _save(figure, path)


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
    figure = _sheet("Learning curve")
    panels = figure.subplots(len(quantities), sharex=True, squeeze=False)[:, 0]
    for axes, quantity in zip(panels, quantities, strict=True):
        _dress(axes, table["step"])
        axes.set_ylabel(quantity)
        for name in shown:
            if name.rpartition("/")[2] == quantity:
                ours = name.startswith("val/")
                curve = table.set_index("step")[name].dropna().rename(None)
                _line(axes, curve, color=OURS if ours else QUIET, linewidth=2.0, label=name)
                if (curve > 0).all() and curve.max() > _WIDE * curve.min():
                    axes.set_yscale("log")
        if monitor in shown:
            _mark_best(axes, table, monitor, smaller, named=monitor.rpartition("/")[2] == quantity)
        _legend(axes)
    panels[-1].set_xlabel("optimiser step")
    return _save(figure, path)


def _mark_best(axes: Axes, table: pd.DataFrame, monitor: str, smaller: bool, named: bool) -> None:
    """A hairline at the best step, and on the panel of `monitor` (`named`) the point with its value."""
    curve = table.set_index("step")[monitor].dropna()
    place = int(curve.argmin() if smaller else curve.argmax())
    step, best = int(curve.index[place]), float(curve.iloc[place])
    axes.axvline(step, color=QUIET, linewidth=0.8, linestyle=(0, (2, 3)), zorder=1)
    if named:
        point = pd.Series([best], [step])
        _line(axes, point, color=OURS, linestyle="", label=f"best: {best:.4g} at step {step}")


def _line(axes: Axes, values: pd.Series, **style: object) -> None:
    # A line through a single point would not be seen.
    axes.plot(values.index, values, marker="o" if len(values) == 1 else "", markersize=7, **style)  # type: ignore[arg-type]


def _legend(axes: Axes) -> None:
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


def _sheet(title: str) -> Figure:
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.1)  # type: ignore[union-attr, call-arg]
    figure.suptitle(title, x=0.013, ha="left", fontsize=13, fontweight="bold", color=INK)
    return figure


def _dress(axes: Axes, index: pd.Index | pd.Series) -> None:
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


def _save(figure: Figure, path: Path) -> Figure:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    return figure
