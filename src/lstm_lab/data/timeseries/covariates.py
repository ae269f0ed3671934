"""What stands beside a series: numbers, categories, calendar and holidays, coded as columns of numbers.

Fitted on training rows alone; plain data in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.own import Own
from lstm_lab.data.timeseries.statistics import fill
from lstm_lab.errors import UserError, check_choice

# Each cycle of the calendar: where a stamp stands in it, between 0 and 1.
_CYCLES = {
    "hour": lambda stamps: (stamps.hour + stamps.minute / 60) / 24,
    "weekday": lambda stamps: stamps.dayofweek / 7,
    "monthday": lambda stamps: (stamps.day - 1) / 31,
    "month": lambda stamps: (stamps.month - 1) / 12,
    "yearday": lambda stamps: (stamps.dayofyear - 1) / 366,
}
CALENDAR = (*_CYCLES, "auto", "none")
# A column whose spread is below this is taken for constant.
_LEAST = 1e-9


@dataclass
class Encoder:
    """Turns the columns beside a series into numbers.

    Attributes:
        past: columns known up to the present, one for all series.
        future: columns known ahead, one for all series.
        calendar: cycles of the calendar, each a sine and a cosine; known ahead.
        holidays: days as ISO text, a column of 0 and 1; known ahead.
        lags: how many rows back further values are read, each series its own; known up to the present.
        levels: categories of each column of words, as seen in training; others are all zeros.
        centres: mean and standard deviation of each column of numbers.
        own: covariates of which each series has its own.
    """

    past: list[str]
    future: list[str]
    calendar: list[str] = field(default_factory=list)
    holidays: list[str] = field(default_factory=list)
    lags: list[int] = field(default_factory=list)
    levels: dict[str, list[str]] = field(default_factory=dict)
    centres: dict[str, list[float]] = field(default_factory=dict)
    own: Own = field(default_factory=Own)

    def __post_init__(self) -> None:
        if isinstance(self.own, dict):  # its plain form
            self.own = Own(**self.own)

    def to_plain(self) -> dict[str, Any]:
        """Plain data for the checkpoint."""
        return asdict(self)

    def fit(self, covariates: pd.DataFrame, rows: int, seen: Sequence[str] | None = None) -> Encoder:
        """Measures the first `rows` rows, those that training may see; `seen` are the series that it sees."""
        self.levels, self.centres = {}, {}
        self.own.fit(covariates, rows, seen)
        for name in (*self.past, *self.future):
            column = covariates[name].iloc[:rows]
            if pd.api.types.is_numeric_dtype(column):
                known = column.dropna()
                spread = float(known.std(ddof=0)) if len(known) else 0.0
                spread = spread if spread > _LEAST else 1.0  # what never moved is told as it is
                self.centres[name] = [float(known.mean()) if len(known) else 0.0, spread]
            else:
                self.levels[name] = sorted({str(cell) for cell in column if cell != ""})
        return self

    @property
    def plans(self) -> list[str]:
        """Columns of a table that have to be known ahead."""
        return [*self.future, *self.own.columns(self.own.future)]

    @property
    def columns(self) -> list[str]:
        """Columns of a table that are read beside the series."""
        return [*self.past, *self.own.columns(self.own.past), *self.plans]

    def each(self) -> dict[str, int]:
        """Coded columns that each series has for itself: the last of those read, ``past``, and known ahead, ``future``.

        They stand one after the other, and within each series by series.
        """
        own, one = self.own, max(1, len(self.own.series))
        past, future = (len(own.names(names)) // one for names in (own.past, own.future))
        return {"past": past + len(self.lags), "future": future}

    def names(self, targets: Sequence[str]) -> tuple[list[str], list[str]]:
        """Names of the columns read at each past row, and of those known at each row ahead."""
        ahead = [one for name in self.future for one in self._coded(name)]
        ahead += [f"{wave} of {cycle}" for cycle in self.calendar for wave in ("sine", "cosine")]
        ahead += ["holiday"] if self.holidays else []
        ahead += self.own.names(self.own.future)
        behind = [one for name in self.past for one in self._coded(name)]
        behind += self.own.names(self.own.past)
        behind += [f"{target} {lag} back" for lag in self.lags for target in targets]
        return [*behind, *ahead], ahead

    def origins(self) -> dict[str, str]:
        """Where coded columns come from that do not bear the name of their own column: categories and cycles."""
        found = {one: name for name in self.levels for one in self._coded(name)} | self.own.origins()
        return found | {f"{wave} of {cycle}": cycle for cycle in self.calendar for wave in ("sine", "cosine")}

    def _coded(self, name: str) -> list[str]:
        return [f"{name}={level}" for level in self.levels[name]] if name in self.levels else [name]

    def ahead(self, covariates: pd.DataFrame, index: pd.Index) -> np.ndarray:
        """What is known of rows ahead of their time, (N, J); `index` has their stamps."""
        parts = [self._code(covariates[name], name) for name in self.future]
        if self.calendar:
            if not isinstance(index, pd.DatetimeIndex):
                raise UserError("data.calendar needs a clock with time stamps; this series has none.")
            for cycle in self.calendar:
                angle = 2 * np.pi * np.asarray(_CYCLES[cycle](index), float)
                parts.append(np.stack([np.sin(angle), np.cos(angle)], axis=1))
        if self.holidays:
            days = pd.DatetimeIndex(index).normalize().isin(pd.DatetimeIndex(self.holidays))
            parts.append(days.astype(float)[:, None])
        if self.own.future:
            parts.append(self.own.code(covariates, self.own.future))
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(index), 0))

    def behind(
        self, covariates: pd.DataFrame, values: np.ndarray, centres: Sequence[Sequence[float]]
    ) -> np.ndarray:
        """What is known of rows once they are past, besides `ahead`, (N, K - J).

        Args:
            covariates: a row for each of N.
            values: (N, C) the series, filled.
            centres: mean and standard deviation of each series, by which its lags are scaled.
        """
        parts = [np.zeros((len(values), 0))]
        parts += [self._code(covariates[name].iloc[: len(values)], name) for name in self.past]
        if self.own.past:
            parts.append(self.own.code(covariates.iloc[: len(values)], self.own.past))
        mean, spread = np.array(centres[0]), np.array(centres[1])
        for lag in self.lags:
            moved = np.zeros_like(values)
            moved[lag:] = (values[: len(values) - lag] - mean) / spread
            parts.append(moved)
        return np.concatenate(parts, axis=1)

    def _code(self, column: pd.Series, name: str) -> np.ndarray:
        if name in self.levels:
            cells = column.astype(str).to_numpy()[:, None]
            return (cells == np.array(self.levels[name], dtype=str)[None]).astype(float)
        mean, spread = self.centres[name]
        scaled = (pd.to_numeric(column).to_numpy(float)[:, None] - mean) / spread
        return fill(scaled)


def choose_calendar(words: str | Sequence[str], index: pd.Index, freq: str) -> list[str]:
    """The cycles that a setting means; ``auto`` takes those that the clock passes through.

    Raises:
        UserError: for an unknown word.
    """
    given = [words] if isinstance(words, str) else list(words)
    for word in given:
        check_choice("data.calendar", word, CALENDAR)
    if given == ["none"] or not given:
        return []
    if given != ["auto"]:
        return [word for word in given if word not in ("auto", "none")]
    if not isinstance(index, pd.DatetimeIndex):
        return []
    step = np.median(np.diff(index[:100].to_numpy())) if len(index) > 1 else np.timedelta64(1, "D")
    if step < np.timedelta64(1, "D"):
        return ["hour", "weekday", "yearday"]
    return ["weekday", "yearday"] if step < np.timedelta64(7, "D") else ["month"]


def read_holidays(given: str | Path | Sequence[Any] | None) -> list[str]:
    """Days from a list, or from a file with one a line, as ISO text in order.

    Raises:
        UserError: naming what is no day.
    """
    if given is None:
        return []
    words = (
        [str(day) for day in given]
        if not isinstance(given, (str, Path))
        else _lines(Path(given).expanduser())
    )
    days = []
    for word in words:
        try:
            days.append(pd.Timestamp(word).normalize())
        except ValueError:
            raise UserError(f"data.holidays: '{word}' is no day; write it as 2024-12-25.") from None
    return [day.strftime("%Y-%m-%d") for day in sorted(set(days))]


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise UserError(f"data.holidays={path}: there is no such text file, and no list.") from None
    return [line.strip() for line in lines if line.strip() and not line.lower().startswith("date")]
