"""Covariates of which each series has its own, such as the price in each shop.

Shapes: N rows, C series, Q numbers that code one covariate. Coded columns stand covariate by covariate, and within each
series by series: (N, Q · C).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lstm_lab.data.timeseries.statistics import fill

# A column whose spread is below this is taken for constant.
_LEAST = 1e-9


def column(name: str, series: str) -> str:
    """The column of a wide table in which the covariate of a series stands."""
    return f"{name} of {series}"


def columns(name: str, series: Sequence[str]) -> list[str]:
    """Those of all series."""
    return [column(name, one) for one in series]


@dataclass
class Own:
    """Codes covariates that differ between series; fitted on training rows, plain data in the checkpoint.

    Words have the categories of all series. Numbers are standardised within each series, so that cheap and dear goods
    show their movements alike; how dear they are, the net learns with the rest of what it knows of a series.

    Attributes:
        series: names of the C series.
        past: covariates known up to the present.
        future: covariates known ahead.
        levels: categories of each covariate of words.
        centres: mean and standard deviation in each series, of each covariate of numbers.
    """

    series: list[str] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    future: list[str] = field(default_factory=list)
    levels: dict[str, list[str]] = field(default_factory=dict)
    centres: dict[str, list[list[float]]] = field(default_factory=dict)

    @property
    def both(self) -> list[str]:
        """Covariates known up to the present, then those known ahead."""
        return [*self.past, *self.future]

    def fit(self, covariates: pd.DataFrame, rows: int, seen: Sequence[str] | None = None) -> Own:
        """Measures the first `rows` rows, those that training may see.

        Args:
            covariates: of all series.
            rows: how many.
            seen: series that training sees, None for all; one that it does not see is standardised by its own rows.
        """
        trained = self.series if seen is None else list(seen)
        self.levels, self.centres = {}, {}
        for name in self.both:
            table = covariates[columns(name, self.series)].iloc[:rows]
            if all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes):
                mean, spread = table.mean().fillna(0.0), table.std(ddof=0).fillna(0.0)
                # For a series in which it never moved.
                usual = float(np.sqrt((spread[columns(name, trained)] ** 2).mean())) or 1.0
                spread = spread.where(spread > _LEAST, usual)
                self.centres[name] = np.stack([mean, spread], axis=1).tolist()
            else:
                self.levels[name] = sorted(
                    {str(cell) for cell in table[columns(name, trained)].to_numpy().ravel()} - {""}
                )
        return self

    def columns(self, names: Sequence[str]) -> list[str]:
        """The columns of a wide table in which covariates stand."""
        return [one for name in names for one in columns(name, self.series)]

    def names(self, names: Sequence[str]) -> list[str]:
        """Names of the coded columns."""
        return [column(coded, one) for name in names for coded in self._codes(name) for one in self.series]

    def origins(self) -> dict[str, str]:
        """Which covariate each coded column belongs to."""
        return {one: name for name in self.both for one in self.names([name])}

    def code(self, covariates: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
        """Numbers of covariates, (N, Q · C); a category that training never saw is all zeros."""
        return np.concatenate([self._code(covariates, name) for name in names], axis=1)

    def _codes(self, name: str) -> list[str]:
        return [f"{name}={level}" for level in self.levels[name]] if name in self.levels else [name]

    def _code(self, covariates: pd.DataFrame, name: str) -> np.ndarray:
        table = covariates[columns(name, self.series)]
        if name in self.levels:
            cells = table.astype(str).to_numpy()[:, None]  # (N, 1, C)
            return (
                (cells == np.array(self.levels[name], dtype=str)[:, None])
                .astype(float)
                .reshape(len(table), -1)
            )
        mean, spread = np.array(self.centres[name]).T
        return fill((table.apply(pd.to_numeric).to_numpy(float) - mean) / spread)
