"""Which column of a table is what: the target, what stands beside it, and what only counts rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from lstm_lab.data.timeseries.own import columns
from lstm_lab.data.timeseries.table import column_of, is_number_column, listed, numbers
from lstm_lab.errors import UserError

# Names that people give to what is to be forecast.
_TARGETS = ("y", "target", "ot", "value", "close")
# Names of columns that count rows.
_COUNTERS = ("no", "nr", "index", "row", "id", "unnamed: 0")


class Roles:
    """Which column is what.

    Attributes:
        given: whether the user named the target.
        targets: columns that are forecast.
        past: columns known up to the present.
        future: columns known ahead.

    Raises:
        UserError: for a column that is not there, or that cannot be what it is called.
    """

    def __init__(
        self,
        path: Path,
        table: pd.DataFrame,
        clock: Sequence[str],
        target: str | Sequence[str] | None,
        past: Sequence[str],
        future: Sequence[str],
        static: Sequence[str],
    ) -> None:
        self.given, self.own = target is not None, list[str]()
        rest = [str(name) for name in table.columns if name not in clock]
        asked = [target] if isinstance(target, str) else list(target or [])
        for name in (*asked, *past, *future, *static):
            if name in clock:
                raise UserError(
                    f"{path}: '{name}' is the clock; data.time=… names another. Columns: {listed(rest)}."
                )
        self.past, self.future = (
            [column_of(path, table, name, rest) for name in group] for group in (past, future)
        )
        self.static_names = [column_of(path, table, name, rest) for name in static]
        if target is None or target == "all":
            found = [name for name in rest if is_number_column(table[name]) and not counts(table[name])]
            found = [name for name in found if name not in (*past, *future, *static)]
            if not found:
                told = f"Columns: {listed(rest)}." if rest else "There is none beside the clock."
                raise UserError(f"{path}: no column holds numbers. {told}")
            named = [name for name in found if name.strip().lower() in _TARGETS]
            self.targets = found if target == "all" else (named[:1] or found[-1:])
        else:
            wanted = [target] if isinstance(target, str) else list(target)
            self.targets = [column_of(path, table, name, rest) for name in wanted]
        for name in self.targets:
            if name in (*self.past, *self.future):
                raise UserError(f"{path}: '{name}' cannot be a target and a covariate at once.")
        twice = [name for name in self.past if name in self.future]
        if twice:
            raise UserError(f"{path}: '{twice[0]}' cannot be known up to the present and ahead at once.")
        self.target, self.beside = self.targets[0], [*self.past, *self.future]

    def of_many(self, names: list[str], own: list[str]) -> Roles:
        """The same roles after a long file was laid out side by side: `own` differ between series."""
        self.targets, self.own = names, own
        return self

    def covariates(self, path: Path, table: pd.DataFrame) -> pd.DataFrame:
        """Numbers with NaN where one is missing, or words with empty cells; those of all series are of one kind."""
        found = {}
        for name in self.beside:
            held = columns(name, self.targets) if name in self.own else [name]
            plain = is_number_column(pd.Series(table[held].to_numpy().ravel()))
            for one in held:
                found[one] = numbers(path, table[one], one) if plain else table[one].to_numpy()
        return pd.DataFrame(found)


def counts(column: pd.Series) -> bool:
    """Whether a column only counts rows, as ``No`` or the index that pandas writes."""
    if str(column.name).strip().lower() not in _COUNTERS:
        return False
    values = pd.to_numeric(column, errors="coerce")
    return bool((values.diff().dropna() == 1).all())
