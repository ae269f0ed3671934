"""From a csv file to a table of text cells, and from its cells to numbers, whatever their style."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.clock import stamps_of
from lstm_lab.errors import UserError, nearest

_MARKS = ",;\t|"
# Cells that say that there is no value.
_MISSING = {"", "na", "n/a", "nan", "null", "none", "-", "?", ".", "#n/a", "<na>"}
_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)  # 3,5
_POINT = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)  # 3.5
_THOUSANDS = {  # by decimal mark: 1,234.5 and 1.234,5
    ".": re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"),
    ",": re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?"),
}
# A column is read as numbers if more than this share of its cells that say anything are.
_MOSTLY = 0.5


def read_table(path: Path) -> pd.DataFrame:
    """Reads a csv as text: one row a line that is not blank, indexed by its number in the file.

    The separator is found; a decimal comma has become a point, and a missing value an empty cell.

    Raises:
        UserError: naming file and row.
    """
    text = _text(path)
    mark = _separator(text)
    rows = [(line, row) for line, row in _rows(path, text, mark) if any(row)]
    if not rows:
        raise UserError(f"{path}: the file is empty.")
    (top, names), *rows = rows
    if not names[0] and len(names) > 1:
        names[0] = "index"  # pandas writes its row numbers below an empty name
    _check_header(path, top, names)
    if not rows:
        raise UserError(f"{path}: there is no row below the header.")
    for line, row in rows:
        if len(row) != len(names):
            raise UserError(f"{path}, row {line}: {len(row)} cells stand below a header of {len(names)}.")
    table = pd.DataFrame(
        [row for _, row in rows], index=[line for line, _ in rows], columns=pd.Index(names), dtype=str
    )
    return _plain_numbers(table, mark)


def _text(path: Path) -> str:
    """A file as text: UTF-8, UTF-16 with its mark, or what Windows wrote in western Europe.

    Raises:
        UserError: if there is no such file, or it holds no text.
    """
    if not path.is_file():
        what = "this is a folder, not a csv file" if path.is_dir() else "there is no such file"
        raise UserError(f"{path}: {what}.")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace")
    if raw.startswith(b"PK\x03\x04"):
        raise UserError(f"{path}: this is an Excel or zip file, not a csv; save its table as csv.")
    if b"\0" in raw:
        row = raw[: raw.index(b"\0")].count(b"\n") + 1
        raise UserError(f"{path}, row {row}: a zero byte, which no text holds; expected was a csv table.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _rows(path: Path, text: str, mark: str) -> list[tuple[int, list[str]]]:
    """Rows with the line in which each ends: a cell may span lines.

    Raises:
        UserError: naming the row in which quotation marks do not come in pairs.
    """
    reader, rows = csv.reader(text.splitlines(), delimiter=mark, strict=True), []
    try:
        for row in reader:
            rows.append((reader.line_num, [cell.strip() for cell in row]))
    except csv.Error as error:
        first = rows[-1][0] + 1 if rows else 1
        wrong = "a quotation mark is never closed" if "end of data" in str(error) else str(error).rstrip(".")
        raise UserError(f"{path}, row {first}: this is no csv row: {wrong}.") from None
    return rows


def _separator(text: str) -> str:
    """The separator that splits the header and the rows after it into equally many cells, the more the better."""
    lines = [line for line in text.splitlines() if line.strip()][:20]
    best, most = ",", 1
    for mark in _MARKS:
        widths = {len(row) for row in csv.reader(lines, delimiter=mark)}
        if len(widths) == 1 and (width := widths.pop()) > most:
            best, most = mark, width
    if most == 1:  # no separator fits all rows: take the header's, so that the row that differs is named
        best = max(_MARKS, key=(lines or [""])[0].count)
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
            f"{path}, row {line}: data stands where the names of the columns should: {listed(names)}."
        )


def _is_data(cell: pd.Series) -> bool:
    return bool(numeric(cell).all()) or stamps_of(cell) is not None


def _plain_numbers(table: pd.DataFrame, mark: str) -> pd.DataFrame:
    """Missing cells emptied, and numbers as Python writes them; the style of numbers is one for the whole file."""
    table = table.mask(table.apply(lambda column: column.str.lower().isin(_MISSING)), "")
    columns = [name for name in table.columns if table[name].str.contains(",", regex=False).any()]
    cells = pd.concat([table[name] for name in columns]) if columns else pd.Series(dtype=str)
    cells = cells[cells.str.contains(",", regex=False)]
    if cells.empty:
        return table
    points = cells.str.fullmatch(_THOUSANDS["."])
    commas = cells.str.fullmatch(_COMMA) | cells.str.fullmatch(_THOUSANDS[","])
    # "1,234" says both: below semicolons the comma is decimal, below commas it must have been quoted and is not.
    other = any(table[name].str.fullmatch(_POINT).any() for name in table.columns)
    decimal = commas.mean() > points.mean() or (mark != "," and commas.all() and not other)
    style = "," if decimal else "."
    return table.apply(lambda column: _plain(column, style))


def _plain(column: pd.Series, decimal: str) -> pd.Series:
    grouped = column.str.fullmatch(_THOUSANDS[decimal])
    thousands = "." if decimal == "," else ","
    if decimal == ",":
        # "1.234" below decimal commas is a number of four digits only where a comma says so elsewhere.
        grouped &= column.str.contains(",", regex=False)
        column = column.mask(grouped, column.str.replace(thousands, "", regex=False))
        styled = column.str.fullmatch(_COMMA)
        return column.mask(styled, column.str.replace(",", ".", regex=False))
    return column.mask(grouped, column.str.replace(thousands, "", regex=False))


# -- cells ------------------------------------------------------------------------------------------------


def numeric(column: pd.Series) -> pd.Series:
    """Which cells are numbers."""
    return pd.to_numeric(column, errors="coerce").notna()


def is_number_column(column: pd.Series) -> bool:
    """Whether most cells that say anything are numbers, so that one that is not is a mistake to be told."""
    said = column[column != ""]
    return len(said) > 0 and bool(numeric(said).mean() > _MOSTLY)


def numbers(path: Path, column: pd.Series, name: str) -> np.ndarray:
    """Returns a column as float64, NaN where there is no value.

    Raises:
        UserError: naming the first cell that is no finite number, or that there is none at all.
    """
    found = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = ~np.isfinite(found) & (column != "").to_numpy()
    if wrong.any():
        line, cell = next(iter(column[wrong].items()))
        raise UserError(f"{path}, row {line}, column '{name}': '{cell}' stands where a number should.")
    if np.isnan(found).all():
        raise UserError(f"{path}, column '{name}': not one row holds a number.")
    return found


def column_of(path: Path, table: pd.DataFrame, name: str, allowed: Sequence[str] | None = None) -> str:
    """Returns the name of a column that is there.

    Raises:
        UserError: with those that are.
    """
    columns = [str(one) for one in table.columns] if allowed is None else list(allowed)
    if str(name) not in columns:
        close = nearest(str(name), columns)
        raise UserError(f"{path}: there is no column '{name}'.{close} Columns: {listed(columns)}.")
    return str(name)


def listed(names: Sequence[str]) -> str:
    """Names in one line, not too long."""
    shown = [str(name) for name in names]
    return ", ".join(shown[:12]) + (" …" if len(shown) > 12 else "")
