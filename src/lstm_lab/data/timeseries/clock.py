"""Clocks of a table: which text is a time stamp, and whether the rows follow each other evenly."""

from __future__ import annotations

import re
import warnings
from bisect import bisect
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.errors import UserError

# Seasons that people mean when they say nothing: steps in a year for calendar data, in a day for hours.
_SEASONS = {"M": 12, "Q": 4, "W": 52, "D": 7, "h": 24, "Y": 0}


def stamps_of(column: pd.Series) -> pd.DatetimeIndex | None:
    """Time stamps of a text column, or None if it holds none."""
    text = column[column != ""]
    if text.empty:
        return None
    stamps = _parse(text)
    return None if stamps is None else pd.DatetimeIndex(pd.Series(stamps, text.index).reindex(column.index))


def _parse(text: pd.Series) -> pd.DatetimeIndex | None:
    if text.str.fullmatch(r"\d{1,3}-\d{2}").all():  # "1-01": month 1 of year 1, counted from 1901
        parts = text.str.split("-", expand=True).astype(int)
        return pd.DatetimeIndex(pd.to_datetime({"year": 1900 + parts[0], "month": parts[1], "day": 1}))
    quarter = re.compile(r"(\d{4})[- ]?Q([1-4])", re.IGNORECASE)
    if text.str.fullmatch(quarter).all():
        parts = text.str.extract(quarter).astype(int)
        return pd.DatetimeIndex(pd.to_datetime({"year": parts[0], "month": 3 * parts[1] - 2, "day": 1}))
    if not text.str.contains(r"\d").all():
        return None  # pandas takes "March" for a date of the year 1
    readings = []
    # All of one form. "2/1/1981" is the 1st of February or the 2nd of January: the reading that ticks evenly.
    for options in ({"format": "ISO8601"}, {}, {"dayfirst": True}):
        try:
            with warnings.catch_warnings(action="ignore"):
                readings.append(pd.DatetimeIndex(pd.to_datetime(text, **options)))  # type: ignore[call-overload]
        except (ValueError, TypeError):
            continue
    return next((one for one in readings if _ticks(one)), readings[0] if readings else None)


def _ticks(stamps: pd.DatetimeIndex) -> bool:
    steps = stamps.sort_values()
    return len(steps) > 2 and not steps.has_duplicates and pd.infer_freq(steps) is not None


def looks_like_clock(column: pd.Series) -> bool:
    """Whether most cells are time stamps, so that one that is not is a mistake to be told."""
    if stamps_of(column) is not None:
        return True
    single = [stamps_of(column.iloc[[place]]) is not None for place in range(len(column))]
    return sum(single) > len(single) / 2


def parse_clock(path: Path, column: pd.Series, name: str) -> pd.DatetimeIndex:
    """Reads a column of time stamps.

    Args:
        path: the file, for messages.
        column: cells as text; its index is the row of the file.
        name: of the column, for messages.

    Raises:
        UserError: naming the first cell that is none.
    """
    stamps = stamps_of(column)
    missing = column == "" if stamps is None else pd.Series(stamps.isna(), column.index)
    if missing.any():
        line = column.index[missing][0]
        raise UserError(f"{path}, row {line}, column '{name}': nothing stands where a time stamp should.")
    if stamps is None:
        place = bisect(range(len(column)), False, key=lambda end: stamps_of(column.iloc[: end + 1]) is None)
        raise UserError(
            f"{path}, row {column.index[place]}, column '{name}': '{column.iloc[place]}' is no time stamp"
            f"{' like those above it' if place else ''}."
        )
    return stamps


def regular(path: Path, index: pd.DatetimeIndex, clock: str | None, lines: pd.Index) -> pd.Index:
    """Returns a clock in order with its frequency.

    Args:
        path: the file, for messages.
        index: time stamps in order.
        clock: name of their column, for messages.
        lines: row of the file in which each stands.

    Raises:
        UserError: naming the first time stamp that stands twice or comes too late.
    """
    if index.has_duplicates:
        place = int(np.flatnonzero(index.duplicated())[0])
        raise UserError(
            f"{path}, row {lines[place]}, column '{clock}': the time stamp {index[place]} stands twice."
        )
    if len(index) < 3:
        return index
    freq = pd.infer_freq(index)
    if freq is None:
        steps = np.diff(index.to_numpy())
        usual = pd.Series(steps).mode()[0]
        gap = int(np.argmax(steps > usual * 1.5))
        raise UserError(
            f"{path}, row {lines[gap + 1]}, column '{clock}': the clock is not regular: after {index[gap]} "
            f"comes {index[gap + 1]}."
        )
    return pd.DatetimeIndex(index, freq=freq)


def usual_season(index: pd.Index) -> int:
    """Steps in the season that people mean who say nothing: 12 for months, 24 for hours, 0 for no clock."""
    if not isinstance(index, pd.DatetimeIndex) or index.freq is None:
        return 0
    name = str(index.freqstr)
    if re.match(r"\d", name):
        return 0
    return _SEASONS.get(
        re.split(r"[-E S]", name.replace("MS", "M").replace("QS", "Q").replace("YS", "Y"))[0], 0
    )
