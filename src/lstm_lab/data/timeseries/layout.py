"""All rows of a series as tensors, coded column by column, of which windows are views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.data.timeseries.covariates import Encoder
from lstm_lab.data.timeseries.source import Series
from lstm_lab.data.timeseries.statistics import fill
from lstm_lab.data.timeseries.windows import Windows


@dataclass(frozen=True)
class Rows:
    """N rows in memory.

    Attributes:
        values: (N, F) float32: the series, what stands beside them, and the phase of each row in its season.
        ahead: (N + S, J) or None, what is known ahead of each row and of a horizon S after the last one.
        observed: (N, F) bool or None, False where a value was filled.
    """

    values: Tensor
    ahead: Tensor | None
    observed: Tensor | None

    def windows(
        self,
        series: int,
        end: int,
        first: int,
        last: int,
        lookback: int,
        steps: int,
        asked: Tensor | None = None,
    ) -> Windows:
        """Windows of the rows before `end`, see `Windows`; the first `series` columns are forecast."""
        seen = self.observed[:end] if self.observed is not None else None
        observed = None if seen is None or bool(seen.all()) else seen
        targets = list(range(series))
        return Windows(self.values[:end], targets, first, last, lookback, steps, self.ahead, observed, asked)


def lay_out(series: Series, encoder: Encoder, statistics: dict[str, Any], horizon: int) -> Rows:
    """Codes all rows by what was measured on the training rows.

    Args:
        series: all rows.
        encoder: of what stands beside them, fitted.
        statistics: of the training rows.
        horizon: steps that are forecast.
    """
    values = fill(series.values)
    stamps = series.index
    if encoder.calendar or encoder.holidays:
        stamps = series.index.append(series.ahead(horizon))
    raw = statistics["moments"]["raw"]
    behind = encoder.behind(series.covariates, values, (raw["mean"], raw["std"]))
    ahead = encoder.ahead(series.covariates.iloc[: len(stamps)], stamps[: _known(series, encoder, stamps)])
    phases = np.arange(len(series)) % statistics["block"]
    table = np.c_[values, behind, ahead[: len(series)], phases]
    missing, observed = np.isnan(series.values), None
    if missing.any():
        seen = np.ones(table.shape, bool)
        seen[:, : missing.shape[1]] = ~missing
        observed = torch.as_tensor(seen)
    return Rows(
        torch.as_tensor(table, dtype=torch.float32),
        _padded(ahead, len(series) + horizon) if ahead.shape[1] else None,
        observed,
    )


def _known(series: Series, encoder: Encoder, stamps: pd.Index) -> int:
    """Rows for which everything that should be known ahead is."""
    return min(len(stamps), len(series.covariates)) if encoder.plans else len(stamps)


def _padded(ahead: np.ndarray, rows: int) -> Tensor:
    """As a tensor of `rows` rows; what lies behind the last known one belongs to masked targets."""
    missing = max(0, rows - len(ahead))
    return torch.as_tensor(np.pad(ahead, ((0, missing), (0, 0)))[:rows], dtype=torch.float32)


def coded_static(static: pd.DataFrame, seen: np.ndarray) -> list[list[float]]:
    """What never changes within a series: numbers standardised over the series, words as 0 and 1.

    Args:
        static: a row for each of C series.
        seen: (C,) True for those that training sees; a word of none of them is all zeros.
    """
    parts = []
    for name in static.columns:
        column = static[name]
        if pd.api.types.is_numeric_dtype(column):
            spread = float(column[seen].std(ddof=0)) or 1.0
            parts.append(((column - column[seen].mean()) / spread).fillna(0).to_numpy(float)[:, None])
        else:
            parts.append(
                (column.to_numpy()[:, None] == np.array(sorted(set(column[seen])))[None]).astype(float)
            )
    return np.concatenate(parts, axis=1).tolist()
