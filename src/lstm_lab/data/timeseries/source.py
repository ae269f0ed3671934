"""From a file, a name or a formula to a `Series`: values in time order with their clock."""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.clock import looks_like_clock, parse_clock, regular, stamps_of, usual_season
from lstm_lab.errors import UserError, nearest

_SHIPPED = Path(__file__).parent / "series"


@dataclass(frozen=True)
class Series:
    """One or several aligned series.

    Attributes:
        values: (N, C) float64 in time order.
        names: name of each of the C columns.
        index: N time stamps, or 0, 1, … where there is no clock.
        season: steps in one season, 0 where none is known.
        name: what the series is called in tables and figures.
        unit: unit of the values.
    """

    values: np.ndarray
    names: tuple[str, ...]
    index: pd.Index
    season: int
    name: str
    unit: str = ""

    def __len__(self) -> int:
        return len(self.values)

    @property
    def digest(self) -> str:
        """The first 32 hexadecimal digits of the sha256 of values and clock: equal data, equal digest."""
        clock = ",".join(str(stamp) for stamp in (self.index[0], self.index[-1]))
        return hashlib.sha256(self.values.tobytes() + clock.encode()).hexdigest()[:32]

    def ahead(self, steps: int) -> pd.Index:
        """The time stamps of the next `steps` after the last row."""
        return extend(self.index, steps)


def extend(index: pd.Index, steps: int) -> pd.Index:
    """Returns the `steps` time stamps that follow an index."""
    if isinstance(index, pd.DatetimeIndex):
        freq = index.freq or pd.infer_freq(index)
        return pd.date_range(index[-1], periods=steps + 1, freq=freq)[1:]
    return pd.RangeIndex(int(index[-1]) + 1, int(index[-1]) + 1 + steps)


def shipped(name: str, unit: str = "") -> Series:
    """Reads a series that comes with the package, such as ``airline``."""
    series = read_csv(_SHIPPED / f"{name}.csv")
    return Series(series.values, series.names, series.index, series.season, name, unit)


def sine(points: int = 200, start: float = -10.0, step: float = 0.1) -> Series:
    """sin(x) at x = start, start + step, …: a series whose future is known exactly."""
    x = start + step * np.arange(points)
    return Series(np.sin(x)[:, None], ("sin",), pd.RangeIndex(points), 0, "sine")


def read_csv(
    path: str | Path,
    target: str | Sequence[str] | None = None,
    time: str | None = None,
    season: int | None = None,
) -> Series:
    """Reads one regular series from a csv file.

    Args:
        path: the file.
        target: the column (or columns) to forecast; the last numeric one if not given.
        time: the column of the clock; found by itself if not given. Without one, rows are steps.
        season: steps in a season; from the clock if not given.

    Raises:
        UserError: naming file, row and column where a value is missing or is no number.
    """
    path = Path(path).expanduser()
    table = _read_table(path)
    clock = _find_clock(path, table, time)
    columns = _target_columns(path, table, target, clock)
    index: pd.Index = parse_clock(path, table[clock], clock) if clock else pd.RangeIndex(len(table))
    values = np.stack([_numbers(path, table[column], column) for column in columns], axis=1)  # (N, C)
    if isinstance(index, pd.DatetimeIndex):
        order = np.argsort(index, kind="stable")
        values, index = values[order], regular(path, index[order], clock, table.index[order])
    if season is None:
        season = usual_season(index)
    return Series(values, tuple(columns), index, season, path.stem)


def _read_table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.")
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = list(csv.reader(text.splitlines(), delimiter=_separator(text), strict=True))
    except (csv.Error, UnicodeDecodeError, OSError) as error:
        raise UserError(f"{path}: this is no csv table: {str(error).splitlines()[0]}") from None
    cells = {
        line: [cell.strip() for cell in row] for line, row in enumerate(rows, 1) if any(map(str.strip, row))
    }
    if not cells:
        raise UserError(f"{path}: the file is empty.")
    top, names = next(iter(cells.items()))
    _check_header(path, top, names)
    del cells[top]
    if not cells:
        raise UserError(f"{path}: there is no row below the header.")
    for line, row in cells.items():
        if len(row) != len(names):
            raise UserError(f"{path}, row {line}: {len(row)} cells stand below a header of {len(names)}.")
    return pd.DataFrame.from_dict(cells, orient="index", columns=pd.Index(names), dtype=str)


def _separator(text: str) -> str:
    """The separator that splits the header and the rows after it into equally many cells, the more the better."""
    lines = [line for line in text.splitlines() if line.strip()][:20]
    best, most = ",", 1
    for mark in ",;\t|":
        widths = {len(row) for row in csv.reader(lines, delimiter=mark)}
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = mark, width
    if most == 1:  # no separator fits all rows: take the header's, so that the row that differs is named
        best = max(",;\t|", key=(lines or [""])[0].count)
    return best


def _check_header(path: Path, line: int, names: list[str]) -> None:
    for number, name in enumerate(names):
        if not name:
            raise UserError(f"{path}, row {line}: column {number + 1} has no name in the header.")
        if names.index(name) != number:
            raise UserError(f"{path}, row {line}: two columns are called '{name}'.")
    numbered = len(names) > 1 and names == [str(number) for number in range(len(names))]
    if not numbered and all(_is_data(pd.Series([name])) for name in names):
        raise UserError(
            f"{path}, row {line}: data stands where the names of the columns should: {_list(names)}."
        )


def _is_data(cell: pd.Series) -> bool:
    return bool(_is_number(cell).all()) or stamps_of(cell) is not None


def _find_clock(path: Path, table: pd.DataFrame, time: str | None) -> str | None:
    if time is not None:
        if time not in table:
            raise UserError(_no_column(path, time, list(table.columns)))
        return time
    for name in map(str, table.columns):
        if not _is_number(table[name].head(20)).all() and looks_like_clock(table[name].head(20)):
            return name
    return None


def _target_columns(
    path: Path, table: pd.DataFrame, target: str | Sequence[str] | None, clock: str | None
) -> list[str]:
    rest = [str(name) for name in table.columns if name != clock]
    if target is not None:
        wanted = [target] if isinstance(target, str) else list(target)
        for name in wanted:
            if name not in rest:
                raise UserError(_no_column(path, name, rest))
        return wanted
    numeric = [name for name in rest if _is_number(table[name][table[name] != ""]).mean() > 0.5]
    if not numeric:
        raise UserError(f"{path}: no column holds numbers. Columns: {_list(rest)}.")
    return numeric[-1:]


def _numbers(path: Path, column: pd.Series, name: str) -> np.ndarray:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        line, cell = next(iter(column[wrong].items()))
        shown = f"'{cell}'" if cell else "nothing"
        raise UserError(f"{path}, row {line}, column '{name}': {shown} stands where a number should.")
    return numbers


def _is_number(column: pd.Series) -> pd.Series:
    return pd.to_numeric(column, errors="coerce").notna()


def _no_column(path: Path, name: str, columns: Sequence[str]) -> str:
    return f"{path}: there is no column '{name}'.{nearest(name, columns)} Columns: {_list(columns)}."


def _list(names: Sequence[str]) -> str:
    shown = [str(name) for name in names]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")


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
