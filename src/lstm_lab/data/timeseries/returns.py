"""Columns read as log changes: what a price or a volume did since the row before, which has no trend and no unit.

log(x_t / r_{t-1}), where r is the column that x is measured by: open, high, low and close by the close of the day
before, a volume by its own. Both are known at t, so that nothing is read ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.source import Series
from lstm_lab.errors import UserError


@dataclass(frozen=True)
class Returns:
    """Log changes of columns.

    Attributes:
        of: the column by which each is measured.
    """

    of: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.of, Mapping) or not all(isinstance(one, str) for one in self.of.values()):
            raise UserError(
                f"data.returns={self.of} must say by which column each is measured, as {{Open: Close, Volume: Volume}}."
            )

    @property
    def names(self) -> list[str]:
        """What the columns of changes are called."""
        return [f"{name} return" for name in self.of]

    def needed(self, targets: Sequence[str]) -> list[str]:
        """Columns that have to be read beside the targets."""
        return [name for name in dict.fromkeys([*self.of, *self.of.values()]) if name not in targets]

    def columns(self, table: pd.DataFrame) -> pd.DataFrame:
        """The changes, row by row; missing where a value is, is not above zero, or has nothing before it.

        Raises:
            UserError: for a column that is not there or holds words.
        """
        known: dict[str, pd.Series] = {}
        for name in dict.fromkeys([*self.of, *self.of.values()]):
            if name not in table:
                raise UserError(
                    f"data.returns: the table has no column '{name}'; it has {', '.join(map(str, table.columns))}."
                )
            numbers = pd.to_numeric(table[name], errors="coerce").astype(float)
            if table[name].replace("", np.nan).notna().sum() > numbers.notna().sum():
                raise UserError(f"data.returns: column '{name}' holds words; it needs prices or volumes.")
            known[name] = pd.Series(np.log(numbers.where(numbers > 0)), table.index)
        changes = [known[name] - known[by].ffill().shift() for name, by in self.of.items()]
        return pd.DataFrame(dict(zip(self.names, changes, strict=True)), index=table.index)

    def added(self, series: Series, past: Sequence[str]) -> Series:
        """The series with the changes as columns known up to the present.

        Args:
            series: with the columns `needed` among its covariates.
            past: of these, the ones that are read as they are, too.

        Raises:
            UserError: for many series, or a column that holds words.
        """
        if not self.of:
            return series
        if len(series.names) > 1:
            raise UserError(f"data.returns reads one series; here are {len(series.names)}.")
        values: dict[str, Any] = {series.names[0]: series.values[:, 0]}
        table = pd.DataFrame(values).reindex(range(len(series.covariates))).join(series.covariates)
        kept = [name for name in series.covariates if name in (*past, *series.future)]
        return replace(
            series,
            covariates=series.covariates[kept].join(self.columns(table)),
            past=(*(name for name in series.past if name in past), *self.names),
        )
