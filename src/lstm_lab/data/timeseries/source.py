"""From a file, a name or a formula to a `Series`: values in time order with their clock and what stands beside them."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries import long
from lstm_lab.data.timeseries.clock import clock_named, find_clock, parse_clock, parts_named
from lstm_lab.data.timeseries.frequency import extend, tick, usual_season
from lstm_lab.data.timeseries.own import columns
from lstm_lab.data.timeseries.roles import Roles
from lstm_lab.data.timeseries.table import column_of, is_number_column, numbers, read_table
from lstm_lab.errors import UserError

_SHIPPED = Path(__file__).parent / "series"


@dataclass(frozen=True)
class Series:
    """One or several aligned series.

    Attributes:
        values: (N, C) float64 in time order, NaN where a value is missing.
        names: name of each of the C columns.
        index: N time stamps, or 0, 1, … where there is no clock.
        season: steps in one season, 0 where none is known.
        name: what the series is called in tables and figures.
        unit: unit of the values.
        freq: pandas' name of the frequency, that of `index` if not given, empty where there is none; ``B`` is a
            trading clock.
        covariates: numbers and words beside the series, a row for each of N and, of what is known ahead, more.
        past: columns of `covariates` that are known up to the present.
        future: columns that are known ahead.
        own: those of both of which each series has a column of its own, see `columns`.
        static: a row for each of the C series of what never changes, None where there is nothing.
        long: of a long file, the column that names the series and that of their values.
        notes: what was found and done while reading, a line each.
    """

    values: np.ndarray
    names: tuple[str, ...]
    index: pd.Index
    season: int
    name: str
    unit: str = ""
    freq: str = ""
    covariates: pd.DataFrame = field(default_factory=pd.DataFrame)
    past: tuple[str, ...] = ()
    future: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    static: pd.DataFrame | None = None
    long: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.freq and isinstance(self.index, pd.DatetimeIndex) and self.index.freqstr:
            object.__setattr__(self, "freq", self.index.freqstr)  # a clock made by `pd.date_range` says it

    def __len__(self) -> int:
        return len(self.values)

    @property
    def digest(self) -> str:
        """The first 32 hexadecimal digits of the sha256 of values and clock: equal data, equal digest."""
        clock = ",".join(str(stamp) for stamp in (self.index[0], self.index[-1]))
        whole = self.values.tobytes() + clock.encode()
        if len(self.covariates.columns):
            whole += self.covariates.to_csv(index=False).encode()
        return hashlib.sha256(whole).hexdigest()[:32]

    def columns(self, names: Sequence[str]) -> list[str]:
        """The columns of `covariates` in which these stand."""
        return [one for name in names for one in (columns(name, self.names) if name in self.own else [name])]

    def ahead(self, steps: int) -> pd.Index:
        """The time stamps of the next `steps` after the last row."""
        return extend(self.index, steps, self.freq)

    def part(self, start: int, stop: int) -> Series:
        """Rows from `start` to before `stop`; what is known ahead of them stays known."""
        index = self.index[start:stop]
        return replace(
            self,
            values=self.values[start:stop],
            index=index if isinstance(index, pd.DatetimeIndex) else pd.RangeIndex(len(index)),
            covariates=self.covariates.iloc[start:].reset_index(drop=True),
        )


def shipped(name: str, unit: str = "") -> Series:
    """Reads a series that comes with the package, such as ``airline``."""
    return replace(read_csv(_SHIPPED / f"{name}.csv"), name=name, unit=unit)


def sine(points: int = 200, start: float = -10.0, step: float = 0.1) -> Series:
    """sin(x) at x = start, start + step, …: a series whose future is known exactly."""
    x = start + step * np.arange(points)
    return Series(np.sin(x)[:, None], ("sin",), pd.RangeIndex(points), 0, "sine")


def read_csv(
    path: str | Path,
    target: str | Sequence[str] | None = None,
    time: str | Sequence[str] | None = None,
    season: int | None = None,
    past: Sequence[str] = (),
    future: Sequence[str] = (),
    static: Sequence[str] = (),
    key: str | None = None,
    own: Sequence[str] | None = None,
) -> Series:
    """Reads one series, or many side by side, from a csv file.

    Args:
        path: the file.
        target: the column (or columns) to forecast, or ``all`` for every column of numbers; if not given, a column
            called y, target, OT, value or close, else the last one of numbers.
        time: the column of the clock, or those of its parts; found by itself if not given. ``none`` takes rows as
            steps, as does a file without a clock.
        season: steps in a season; from the clock if not given.
        past: columns known up to the present; text is taken as categories.
        future: columns known ahead. Rows at the end that have them but no target tell the future.
        static: columns that never change within a series of a long file.
        key: the column that names the series of a long file; found by itself if not given.
        own: columns that differ between the series of a long file; those that do if not given.

    Raises:
        UserError: naming file, row and column of what is wrong and what was expected.
    """
    path = Path(path).expanduser()
    table = read_table(path)
    clock, cells = _clock(path, table, time)
    roles = Roles(path, table, clock, target, past, future, static)
    if cells is None:
        return _build(path, table, roles, pd.RangeIndex(len(table)), "", season, [])
    label = " ".join(clock)
    stamps, twice = parse_clock(path, cells, label), table.duplicated().to_numpy()
    table, stamps = table[~twice], stamps[~twice]
    key = long.find_key(path, table, stamps, clock, roles.given, key)
    if key is None and static:
        raise UserError(
            f"{path}: data.static={list(static)} belongs to the series of a long file; here is one series."
        )
    if key is not None:
        table, stamps = long.pivot(path, table, stamps, key, roles, list(static), label, own)
        roles = roles.of_many(list(table.attrs["series"]), list(table.attrs["own"]))
    table, index, freq, notes = _in_order(path, table, stamps, label)
    if key is not None:
        notes.insert(0, f"{len(roles.targets)} series by '{key}'")
    notes += [f"{int(twice.sum())} repeated rows were dropped"] if twice.any() else []
    series = _build(path, table, roles, index, freq, season, notes)
    return series if key is None else replace(series, long=(key, roles.target))


def _clock(
    path: Path, table: pd.DataFrame, time: str | Sequence[str] | None
) -> tuple[list[str], pd.Series | None]:
    if time == "none":
        return [], None
    if time is None:
        return find_clock(table, {str(name) for name in table.columns if is_number_column(table[name])})
    names = [column_of(path, table, name) for name in ([time] if isinstance(time, str) else time)]
    if len(names) == 1:
        return names, clock_named(table, names[0])
    cells = parts_named(table, names)
    if cells is None:
        raise UserError(f"data.time={names} are no parts of a time stamp: year, month, day, hour, minute.")
    return names, cells


def _in_order(
    path: Path, table: pd.DataFrame, stamps: pd.DatetimeIndex, clock: str
) -> tuple[pd.DataFrame, pd.DatetimeIndex, str, list[str]]:
    """Sorts rows by time and inserts missing ones; says what was done."""
    notes = []
    if not stamps.is_monotonic_increasing:
        notes.append("rows were put in order")
        order = np.argsort(stamps, kind="stable")
        table, stamps = table.iloc[order].set_axis(table.index[order]), stamps[order]
    if stamps.has_duplicates:
        place = int(np.argmax(stamps.duplicated()))
        raise UserError(
            f"{path}, row {table.index[place]}, column '{clock}': the time stamp {stamps[place]} stands twice "
            "with different values."
        )
    ticks = tick(path, stamps, clock, table.index)
    gaps = len(ticks.index) - len(stamps)
    if gaps:
        first = ticks.index[~ticks.index.isin(stamps)][0]
        notes.append(f"{gaps} time stamps are missing, the first {first}")
        table = table.set_axis(stamps).reindex(ticks.index, fill_value="")
        table.index = pd.RangeIndex(len(table))
    if ticks.trading:
        notes.append("trading days: a step is a row, days off are not missing")
    index = ticks.index
    if ticks.freq and not ticks.trading:
        index = pd.DatetimeIndex(index, freq=ticks.freq)
    return table, index, ticks.freq, notes


def _build(
    path: Path,
    table: pd.DataFrame,
    roles: Roles,
    index: pd.Index,
    freq: str,
    season: int | None,
    notes: list[str],
) -> Series:
    values = np.stack([numbers(path, table[name], name) for name in roles.targets], axis=1)  # (N, C)
    told = ~np.isnan(values).all(axis=1)
    start = int(np.argmax(told))
    if start:
        notes.append(f"the first {start} rows hold no target and are left out")
    end = len(values) - int(np.argmax(told[::-1])) if roles.future else len(values)
    covariates = roles.covariates(path, table)
    missing = int(np.isnan(values[start:end]).sum())
    if missing:
        notes.append(f"{missing} of {values[start:end].size} target values are missing")
    return Series(
        values[start:end],
        tuple(roles.targets),
        index[start:end] if isinstance(index, pd.DatetimeIndex) else pd.RangeIndex(end - start),
        usual_season(freq) if season is None else season,
        path.stem,
        freq=freq,
        covariates=covariates[start:].reset_index(drop=True),
        past=tuple(roles.past),
        future=tuple(roles.future),
        own=tuple(roles.own),
        static=table.attrs.get("static"),
        notes=tuple(notes),
    )


def share_of(value: float | int | str, total: int, name: str) -> int:
    """Rows meant by a count (``36``) or a fraction (``0.2``) of `total`.

    Raises:
        UserError: naming `name` if it is neither.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise UserError(f"{name}={value} must be a number of rows or a share between 0 and 1.")
    if isinstance(value, float) and 0 < value < 1:
        return math.floor(value * total)
    return int(value)
