"""Clocks of a table: which text is a time stamp, in which columns it stands, and how it ticks."""

from __future__ import annotations

import re
import warnings
from bisect import bisect
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.errors import UserError

# Columns that hold parts of one time stamp, from the longest.
_PARTS = {
    "year": ("year", "yr", "yyyy", "jahr"),
    "month": ("month", "mon", "mo", "monat"),
    "day": ("day", "dd", "tag", "mday"),
    "hour": ("hour", "hr", "hh", "stunde"),
    "minute": ("minute", "min"),
}
# Names under which a number is a time stamp.
_NAMES = {"date", "time", "timestamp", "datetime", "ds", "stamp", "unix", "epoch", "when", "day"}
_YEARS = {"year", "yr", "jahr"}


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
        return _dates({"year": 1900 + parts[0], "month": parts[1], "day": 1})
    quarter = re.compile(r"(\d{4})[- ]?Q([1-4])", re.IGNORECASE)
    if text.str.fullmatch(quarter).all():
        parts = text.str.extract(quarter).astype(int)
        return _dates({"year": parts[0], "month": 3 * parts[1] - 2, "day": 1})
    if not text.str.contains(r"\d").all():
        return None  # pandas takes "March" for a date of the year 1
    readings = []
    zoned = bool(text.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$").all() and text.str.contains(":").all())
    # All of one form. "2/1/1981" is the 1st of February or the 2nd of January: the reading that ticks evenly.
    for options in ({"format": "ISO8601"}, {}, {"dayfirst": True}):
        try:
            with warnings.catch_warnings(action="ignore"):
                found = pd.DatetimeIndex(pd.to_datetime(text, utc=zoned, **options))  # type: ignore[call-overload]
        except (ValueError, TypeError, OverflowError):
            continue
        readings.append(found.tz_localize(None) if found.tz is not None else found)
        if "format" in options:
            break  # ISO has one reading
    return max(readings, key=evenness, default=None)


def _dates(parts: dict[str, object]) -> pd.DatetimeIndex | None:
    try:
        return pd.DatetimeIndex(pd.to_datetime(parts))  # type: ignore[call-overload]
    except (ValueError, TypeError):
        return None


def evenness(stamps: pd.DatetimeIndex) -> float:
    """The share of steps that are the most common one, in time or in months."""
    steps = stamps.sort_values()
    if len(steps) < 3:
        return 1.0
    months = steps.year * 12 + steps.month
    shares = [pd.Series(np.diff(steps.asi8)).value_counts(normalize=True).iloc[0]]
    if (steps.day == steps.day[0]).all() or steps.is_month_end.all():
        shares.append(pd.Series(np.diff(months)).value_counts(normalize=True).iloc[0])
    return float(max(shares))


def _looks_like_clock(column: pd.Series) -> bool:
    """Whether most cells are time stamps, so that one that is not is a mistake to be told."""
    if stamps_of(column) is not None:
        return True
    single = [stamps_of(column.iloc[[place]]) is not None for place in range(len(column))]
    return sum(single) > len(single) / 2


def _numbered_clock(name: str, column: pd.Series) -> pd.Series | None:
    """A column of numbers that are time stamps: years, 20010131, or seconds since 1970, as ISO text; else None."""
    text = column[column != ""]
    plain = name.strip().lower()
    if text.empty or not text.str.fullmatch(r"\d+(\.0+)?").all():
        return None
    values = pd.to_numeric(column).astype("Float64")
    least, most = float(values.min()), float(values.max())
    if plain in _YEARS and 1000 < least <= most < 3000:
        return text.str.slice(0, 4).add("-01-01").reindex(column.index, fill_value="")
    if plain in _NAMES and least >= 10_000_101 and most <= 30_001_231:
        return text.str.replace(r"^(\d{4})(\d{2})(\d{2}).*", r"\1-\2-\3", regex=True).reindex(
            column.index, fill_value=""
        )
    for unit, factor in (("s", 1), ("ms", 1000)):
        if plain in _NAMES and 1e8 * factor < least <= most < 5e9 * factor:
            stamps = pd.to_datetime(values.astype("float64"), unit=unit)  # type: ignore[call-overload]
            return stamps.dt.strftime("%Y-%m-%dT%H:%M:%S").fillna("")
    return None


def find_clock(table: pd.DataFrame, numbers: set[str]) -> tuple[list[str], pd.Series | None]:
    """Returns the columns of the clock and their cells as text in one column, or no column and None.

    Args:
        table: cells as text, indexed by the row of the file.
        numbers: columns that hold numbers.
    """
    for name in map(str, table.columns):
        if name not in numbers and _looks_like_clock(table[name].head(20)):
            return [name], table[name]
    found = _split_clock(table)
    if found[0]:
        return found
    for name in map(str, table.columns):
        if name in numbers and (cells := _numbered_clock(name, table[name])) is not None:
            return [name], cells
    return [], None


def _split_clock(table: pd.DataFrame) -> tuple[list[str], pd.Series | None]:
    """A clock spread over columns for year, month, day, hour, minute."""
    plain = {str(name).strip().lower(): str(name) for name in table.columns}
    columns = []
    for names in _PARTS.values():
        own = next((plain[name] for name in names if name in plain), None)
        if own is None:
            break
        columns.append(own)
    if len(columns) < 2:
        return [], None
    cells = [table[name].str.replace(r"\.0+$", "", regex=True) for name in columns]
    texts = [cells[0], *(cell.str.zfill(2) for cell in cells[1:])]
    joined = texts[0]
    for mark, text in zip("--T:", texts[1:], strict=False):
        joined = joined + mark + text
    if len(columns) == 4:
        joined = joined + ":00"
    return columns, joined.mask(pd.concat([cell == "" for cell in cells], axis=1).any(axis=1), "")


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


def clock_named(table: pd.DataFrame, name: str) -> pd.Series:
    """The cells of a column that the user calls the clock."""
    found = _numbered_clock("time", table[name]) if table[name].str.fullmatch(r"\d+(\.0+)?").all() else None
    years = _numbered_clock("year", table[name]) if found is None else found
    return table[name] if years is None else years


def parts_named(table: pd.DataFrame, names: Sequence[str]) -> pd.Series | None:
    """The cells of a clock in several columns that the user names, or None if they are no parts of one."""
    columns, cells = _split_clock(table[list(names)])
    return cells if set(columns) == set(names) else None
