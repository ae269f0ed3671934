"""Long files: rows of many series below each other, laid side by side on one clock."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.own import columns
from lstm_lab.data.timeseries.roles import Roles
from lstm_lab.data.timeseries.table import column_of, is_number_column, listed, numbers
from lstm_lab.errors import UserError

# Names of a column that names series.
_KEYS = {
    "id",
    "unique_id",
    "series",
    "series_id",
    "item_id",
    "item",
    "key",
    "ticker",
    "symbol",
    "store",
    "name",
}

# A column names the series although so many rows are wrong in it: they are told one by one then.
_WRONG = 0.05


def find_key(
    path: Path,
    table: pd.DataFrame,
    stamps: pd.DatetimeIndex,
    clock: Sequence[str],
    target_given: bool,
    key: str | None,
) -> str | None:
    """Returns the column that names the series: with it every time stamp stands once; None for a single series.

    Args:
        path: the file, for messages.
        table: cells as text.
        stamps: the time stamp of each row.
        clock: columns of the clock.
        target_given: whether the user named the target; else a column of that name is no key.
        key: the user's own choice.

    Raises:
        UserError: if the user's own choice is not there.
    """
    rest = [str(name) for name in table.columns if name not in clock]
    if key is not None:
        return column_of(path, table, key, rest)
    if not stamps.has_duplicates:
        return None
    text = [name for name in rest if name.lower() in _KEYS]
    text += [name for name in rest if name not in text and not is_number_column(table[name])]
    likely = []
    for name in text:
        told = table[name] != ""
        pairs = pd.DataFrame({"id": table[name].to_numpy(), "at": stamps})[told.to_numpy()]
        if pairs["id"].nunique() > len(table) // 2 or (~told).mean() > _WRONG:
            continue
        if told.all() and not pairs.duplicated().any():
            return name
        if pairs.duplicated().mean() <= _WRONG:
            likely.append(name)
    return likely[0] if likely else None  # what is wrong in it is told when it is laid out


def pivot(
    path: Path,
    table: pd.DataFrame,
    stamps: pd.DatetimeIndex,
    key: str,
    roles: Roles,
    static: Sequence[str],
    clock: str,
    own: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, pd.DatetimeIndex]:
    """Lays series side by side: a row for each time stamp, a column for each series.

    Args:
        path: the file, for messages.
        table: cells as text, indexed by the row of the file.
        stamps: the time stamp of each row.
        key: the column that names the series.
        roles: the column of their values, and those of covariates.
        static: columns that belong to a series.
        clock: name of the clock's column.
        own: covariates of which each series has its own; those that differ between series if not given.

    Returns:
        The table, with the names of the series in ``attrs["series"]``, the covariates that are each series' own in
        ``attrs["own"]``, and what is known of each in ``attrs["static"]``; and its stamps in order.

    Raises:
        UserError: for a cell that is no number, a row of no series, a time stamp that a series has twice, a covariate
            that differs between series where it may not, or a static column that changes within one.
    """
    for name in (roles.target, *roles.beside):
        if name == roles.target or is_number_column(table[name]):
            numbers(path, table[name], name)  # tells a cell that is no number by its row in the file
    nameless = table.index[(table[key] == "").to_numpy()]
    if len(nameless):
        raise UserError(
            f"{path}, row {nameless[0]}, column '{key}': nothing stands where the name of a series should."
        )
    pairs = pd.DataFrame({"id": table[key].to_numpy(), "at": stamps})
    if pairs.duplicated().any():
        place = int(np.flatnonzero(pairs.duplicated())[0])
        raise UserError(
            f"{path}, row {table.index[place]}, column '{clock}': the time stamp {stamps[place]} stands twice in "
            f"series '{table[key].iloc[place]}'."
        )
    order = [str(name) for name in dict.fromkeys(table[key])]
    parts, found = [_wide(pairs, table[roles.target], order)], []
    for name in roles.beside:
        shared = pd.DataFrame({"at": stamps, "x": table[name].to_numpy()}).drop_duplicates()
        differs = bool(shared["at"].duplicated().any())
        if name in own if own is not None else differs:
            found.append(name)
            parts.append(_own(path, _wide(pairs, table[name], order), name))
        elif differs:
            stamp = shared["at"][shared["at"].duplicated()].iloc[0]
            raise UserError(
                f"{path}, column '{name}': at {stamp} it differs between series; in training it was one for all."
            )
        else:
            parts.append(shared.set_index("at")[["x"]].rename(columns={"x": name}).reindex(parts[0].index))
    result = pd.concat(parts, axis=1).fillna("")
    index = pd.DatetimeIndex(result.index)
    result.index = pd.RangeIndex(1, len(result) + 1)  # rows of the wide table, not of the file
    result.attrs |= {"series": order, "own": found}
    if static:
        result.attrs["static"] = _static(path, table, key, static, order)
    return result, index


def _wide(pairs: pd.DataFrame, cells: pd.Series, order: Sequence[str]) -> pd.DataFrame:
    """Cells of a long column, a row for each time stamp and a column for each series; empty where there is none."""
    wide = pairs.assign(x=cells.to_numpy()).pivot(index="at", columns="id", values="x").fillna("")
    wide.columns = pd.Index([str(name) for name in wide.columns])
    return wide[list(order)]


def _own(path: Path, wide: pd.DataFrame, name: str) -> pd.DataFrame:
    """The same under the names of a covariate's columns."""
    for series in wide:
        if (wide[series] == "").all():
            raise UserError(f"{path}, column '{name}': series '{series}' holds nothing in it.")
    return wide.set_axis(pd.Index(columns(name, list(wide.columns))), axis=1)


def _static(
    path: Path, table: pd.DataFrame, key: str, static: Sequence[str], order: Sequence[str]
) -> pd.DataFrame:
    rows = table[[key, *static]].drop_duplicates()
    twice = rows[key].duplicated()
    if twice.any():
        name = rows[key][twice].iloc[0]
        raise UserError(
            f"{path}, row {rows.index[twice][0]}: {listed(static)} change within series '{name}'."
        )
    found = rows.set_index(key).loc[list(order)]
    return pd.DataFrame(
        {
            name: numbers(path, found[name], name)
            if is_number_column(found[name])
            else found[name].to_numpy()
            for name in static
        },
        index=pd.Index(order),
    )
