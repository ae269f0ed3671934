"""One screen about a series: what was read, how it is cut, and what looks wrong, before anything is trained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.source import Series
from lstm_lab.data.timeseries.split import Split
from lstm_lab.data.timeseries.statistics import fill, is_seasonal
from lstm_lab.errors import UserError

# Series that are shown one by one.
_SHOWN = 8
# A value so many interquartile ranges away from the quartiles is looked at.
_FAR = 5.0
_CLOCKS = {"B": "trading days", "D": "days", "h": "hours", "MS": "months", "ME": "months", "min": "minutes"}


def report(series: Series, split: Split, season: int, horizon: int, lookback: int) -> str:
    """Writes the report; everything measured is measured on training rows.

    Args:
        series: all rows.
        split: its parts.
        season: steps in a season.
        horizon: steps that are forecast.
        lookback: rows that a forecast reads.
    """
    values = series.values[: split.train]
    lines = [
        f"{series.name}: {len(series)} rows × {len(series.names)} series, {shown(series.index[0])} to "
        f"{shown(series.index[-1])}, {_clock(series)}",
        *(f"  {note}" for note in series.notes),
        _season(values, season),
        *_parts(series, split),
        f"windows: {lookback} rows read, {horizon} forecast; "
        + ", ".join(f"{count} {name}" for name, count in _windows(split, lookback, horizon).items()),
        _beside(series),
        "",
        _table(series, values),
        *_warnings(series, values),
    ]
    return "\n".join(line for line in lines if line is not None)


def refuse(series: Series, train: int, where: str) -> None:
    """Tells what nothing can be learnt from.

    Args:
        series: all rows.
        train: of these, those of training.
        where: the file, for messages.

    Raises:
        UserError: for a series without a value in its training rows, and if not one of them ever changes in these.
    """
    values = series.values[:train]
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        raise UserError(
            f"{where}, column '{series.names[int(np.argmax(empty))]}': not one of the {train} training rows "
            f"holds a value, from {shown(series.index[0])} to {shown(series.index[train - 1])}."
        )
    if (np.nanmax(values, axis=0) == np.nanmin(values, axis=0)).all():
        raise UserError(
            f"{where}, column '{series.names[0]}': all {train} training rows hold {np.nanmax(values[:, 0]):g}; a "
            "constant teaches nothing."
        )


def shown(stamp: object) -> str:
    """A time stamp as short as it can be, or the number of a row."""
    if not isinstance(stamp, pd.Timestamp):
        return f"row {stamp}"
    return stamp.strftime("%Y-%m-%d" if stamp == stamp.normalize() else "%Y-%m-%d %H:%M")


def _clock(series: Series) -> str:
    if not isinstance(series.index, pd.DatetimeIndex):
        return "no clock: rows are steps"
    return f"one a step of {_CLOCKS.get(series.freq, series.freq or 'unknown length')}"


def _season(values: np.ndarray, season: int) -> str | None:
    if season < 2:
        return "season: none known; data.season=… names one"
    seen = is_seasonal(fill(values)[:, 0], season)
    return f"season: {season} steps, which the training rows {'show' if seen else 'do not show'}"


def _parts(series: Series, split: Split) -> list[str]:
    borders = {
        "training": (0, split.train),
        "validation": (split.first_validation, split.valid),
        "test": (split.first_test, split.rows),
    }
    return [
        f"{name + ':':<12}{end - start:>7} rows, {shown(series.index[start])} to {shown(series.index[end - 1])}"
        for name, (start, end) in borders.items()
    ]


def _windows(split: Split, lookback: int, horizon: int) -> dict[str, int]:
    return {
        "training": max(0, split.train - lookback - horizon + 1),
        "validation": max(1, split.valid - split.first_validation - horizon + 1),
        "test": max(0, split.rows - split.first_test - horizon + 1),
    }


def _beside(series: Series) -> str | None:
    told = [f"past {', '.join(series.past)}"] if series.past else []
    told += [f"future {', '.join(series.future)}"] if series.future else []
    told += [f"static {', '.join(map(str, series.static.columns))}"] if series.static is not None else []
    told += [f"of each series its own: {', '.join(series.own)}"] if series.own else []
    extra = len(series.covariates) - len(series)
    told += [f"{extra} rows ahead known"] if series.future and extra > 0 else []
    return f"beside: {'; '.join(told)}" if told else None


def _table(series: Series, values: np.ndarray) -> str:
    rows = []
    for number, name in enumerate(series.names[:_SHOWN]):
        column = values[:, number]
        known = column[~np.isnan(column)]
        if not len(known):
            rows.append([name, *"-----", str(len(column))])
            continue
        numbers = (known.min(), np.median(known), known.mean(), known.max(), known.std())
        rows.append([name, *(f"{value:.4g}" for value in numbers), str(len(column) - len(known))])
    titles = ["training rows of", "min", "median", "mean", "max", "sd", "missing"]
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(len(titles))]
    lines = [
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in [titles, *rows]
    ]
    if len(series.names) > _SHOWN:
        lines.append(f"… and {len(series.names) - _SHOWN} more")
    return "\n".join(lines)


def _warnings(series: Series, values: np.ndarray) -> list[str]:
    found = []
    for number, name in enumerate(series.names):
        column = values[:, number]
        known = column[~np.isnan(column)]
        if not len(known):
            found.append(f"'{name}' has no value in the training rows")
        elif np.ptp(known) == 0:
            found.append(f"'{name}' is constant in the training rows: nothing can be learnt from it")
        else:
            low, high = np.quantile(known, [0.25, 0.75])
            far = int(((known < low - _FAR * (high - low)) | (known > high + _FAR * (high - low))).sum())
            if far and high > low and far <= max(3, len(known) // 100):
                found.append(f"'{name}' has {far} value{'s' * (far > 1)} far from all others")
    lines = [f"warning: {line}" for line in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(f"warning: … and {len(found) - _SHOWN} more series like these")
    return lines
