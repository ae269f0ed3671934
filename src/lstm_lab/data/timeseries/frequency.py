"""How a clock ticks: its frequency with tolerance for gaps, trading days, and the stamps that follow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.errors import UserError

# Seasons that people mean when they say nothing: steps in a year for calendar data, in a day for hours.
_SEASONS = {"M": 12, "Q": 4, "W": 52, "D": 7, "h": 24, "Y": 0, "B": 5}
# A grid that would be emptier than this is not the clock of the file.
_FULL = 0.5
# Days of trading: so many rows at least, and at most this share of them at weekends.
_WEEKS, _WEEKEND = 15, 0.01

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


@dataclass(frozen=True)
class Ticks:
    """A clock in order.

    Attributes:
        index: the stamps of the series, with those of missing rows; a trading clock keeps its own.
        freq: pandas' name of the frequency; empty where there are too few rows to tell.
        trading: whether rows are trading days: steps count rows, and holidays are no missing values.
    """

    index: pd.DatetimeIndex
    freq: str
    trading: bool = False


def tick(path: Path, stamps: pd.DatetimeIndex, clock: str, lines: pd.Index) -> Ticks:
    """Finds the frequency of stamps in order, and the stamps that are missing.

    Args:
        path: the file, for messages.
        stamps: time stamps in order, each once.
        clock: name of their column, for messages.
        lines: row of the file in which each stands.

    Raises:
        UserError: naming the first stamp that does not fit the clock of the others.
    """
    if len(stamps) < 3:
        return Ticks(stamps, "")
    freq = pd.infer_freq(stamps)
    if freq == "B" or (freq is None and _is_trading(stamps)):
        return Ticks(stamps, "B", trading=True)
    if freq is None:
        freq = _likely(stamps)
    grid = pd.date_range(stamps[0], stamps[-1], freq=freq) if freq else stamps[:0]
    if len(stamps) >= _FULL * len(grid) and stamps.isin(grid).all():
        return Ticks(grid, str(grid.freqstr))
    place = _odd(stamps, grid)
    raise UserError(
        f"{path}, row {lines[place]}, column '{clock}': the clock is not regular: after {stamps[place - 1]} "
        f"comes {stamps[place]}. data.time=none takes rows as steps."
    )


def _odd(stamps: pd.DatetimeIndex, grid: pd.DatetimeIndex) -> int:
    """The first stamp that is not like most others: another day of the month, off the grid, or after the widest gap."""
    others = np.asarray(stamps.day != pd.Series(stamps.day).mode()[0])
    if others.mean() < 0.5 and others[1:].any():
        return int(np.argmax(others[1:])) + 1
    inside = stamps.isin(grid) if len(grid) else np.zeros(len(stamps), bool)
    return int(np.argmin(inside[1:])) + 1 if not inside[1:].all() else _widest(stamps)


def _widest(stamps: pd.DatetimeIndex) -> int:
    return int(np.argmax(np.diff(stamps.asi8))) + 1


def _is_trading(stamps: pd.DatetimeIndex) -> bool:
    days = stamps.normalize()
    if len(stamps) < _WEEKS or not (days == stamps).all():
        return False
    usual = pd.Series(np.diff(days.to_numpy())).mode()[0]
    return bool(usual == pd.Timedelta(days=1) and (days.dayofweek > 4).mean() <= _WEEKEND)


def _likely(stamps: pd.DatetimeIndex) -> str | None:
    """The frequency that most steps have: months where the day stays, else a fixed step."""
    months = np.diff(stamps.year * 12 + stamps.month)
    same_day, ends = (stamps.day == stamps.day[0]).all(), stamps.is_month_end.all()
    midnight = (stamps.normalize() == stamps).all()
    if midnight and (same_day or ends) and months.min() >= 1:
        step = int(pd.Series(months).mode()[0])
        if stamps.day[0] == 1 or (ends and not same_day):
            kind = "MS" if stamps.day[0] == 1 else "ME"
            if step in (1, 2, 6):
                return kind if step == 1 else f"{step}{kind}"
            if step == 3:
                return f"Q{kind[1]}-{_MONTHS[stamps.month[0] - 1]}"
            if step == 12:
                return f"Y{kind[1]}-{_MONTHS[stamps.month[0] - 1]}"
    size = pd.Series(np.diff(stamps.to_numpy())).mode()[0]
    days, rest = divmod(size, pd.Timedelta(days=1))
    if days and not rest:
        return f"W-{_WEEKDAYS[stamps.dayofweek[0]]}" if days == 7 else "D" if days == 1 else f"{days}D"
    return None if size <= pd.Timedelta(0) else pd.tseries.frequencies.to_offset(size).freqstr


def extend(index: pd.Index, steps: int, freq: str = "") -> pd.Index:
    """Returns the `steps` time stamps that follow an index; business days after a trading clock."""
    if isinstance(index, pd.DatetimeIndex):
        freq = freq or index.freq or pd.infer_freq(index)  # type: ignore[assignment]
        if not freq:
            freq = index[-1] - index[-2] if len(index) > 1 else "D"  # type: ignore[assignment]
        return (
            pd.date_range(index[-1], periods=steps + 1, freq=freq)[1:] if freq != "B" else _days(index, steps)
        )
    return pd.RangeIndex(int(index[-1]) + 1, int(index[-1]) + 1 + steps)


def _days(index: pd.DatetimeIndex, steps: int) -> pd.DatetimeIndex:
    return pd.bdate_range(index[-1] + pd.Timedelta(days=1), periods=steps)


def usual_season(freq: str) -> int:
    """Steps in the season that people mean who say nothing: 12 for months, 24 for hours, 0 for no clock."""
    if not freq or re.match(r"\d", freq):
        return {"15min": 96, "30min": 48, "10min": 144, "5min": 288}.get(freq, 0)
    short = re.split(r"[-E S]", freq.replace("MS", "M").replace("QS", "Q").replace("YS", "Y"))[0]
    return _SEASONS.get(short, 0)
