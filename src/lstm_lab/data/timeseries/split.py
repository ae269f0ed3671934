"""Which rows are training, validation and test: by counts, shares or dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from lstm_lab.data.folding import Folds
from lstm_lab.data.timeseries.source import Series, share_of
from lstm_lab.errors import UserError, check_at_least

# Rows above which a series is long: its parts are shares then, not single horizons.
_LONG = 1000


@dataclass(frozen=True)
class Split:
    """Rows of each part: training [0, train), validation [train + gap, valid), test [valid + gap, rows).

    Rows of a gap are no targets; inputs may reach back over them.
    """

    train: int
    valid: int
    rows: int
    gap: int = 0

    @property
    def first_validation(self) -> int:
        """The first validation target."""
        return self.train + self.gap

    @property
    def first_test(self) -> int:
        """The first test target."""
        return self.valid + self.gap


def split_rows(series: Series, horizon: int, test: Any, validation: Any, gap: int = 0) -> Split:
    """Cuts a series by time.

    Args:
        series: all rows.
        horizon: steps that are forecast.
        test: the last rows: a count, a share, the date of the first of them, or ``auto`` for one horizon, of long
            series a tenth.
        validation: the same for the rows before them; ``auto`` takes one horizon, three seasons, or of long series a
            tenth, whichever is more, at most a third of what is left.
        gap: rows between two parts that belong to none.

    Raises:
        UserError: if a part is too short.
    """
    rows = len(series)
    check_at_least("data.gap", gap, 0)
    tenth = rows // 10 if rows > _LONG else 0
    held = max(horizon, tenth) if test == "auto" else _rows(test, series, rows, "data.test")
    if held < horizon:
        raise UserError(f"data.test={test} holds {held} rows, less than one horizon of {horizon}.")
    left = rows - held - gap
    if validation == "auto":
        # Members are judged by several origins, so three seasons where the rows allow it.
        judged = max(1, min(max(horizon, tenth, 3 * max(series.season, 4)), left // 3))
    else:
        judged = _rows(validation, series, left, "data.validation")
        check_at_least("data.validation", judged, 1)
    train = left - judged - gap
    if train < 4:
        raise UserError(
            f"{series.name} has {rows} rows: too few for data.horizon={horizon} with {held} test and "
            f"{judged} validation rows{f' and two gaps of {gap}' if gap else ''}."
        )
    return Split(train, left, rows, gap)


def rolled(series: Series, horizon: int, test: Any, folds: Folds) -> tuple[int, int]:
    """Where a fold ends: test parts of one size stand one behind the other at the end of a series.

    Training never sees what comes after its test, so the folds are rolling origins: each is cut off behind its test.

    Args:
        series: all rows.
        horizon: steps that are forecast.
        test: rows of one test, as `split_rows` takes them.
        folds: which of the tests.

    Returns:
        How many of the first rows the fold has, and how many of these are its test.

    Raises:
        UserError: for a fold that there is not.
    """
    if folds.count is None:
        raise UserError(
            "data.folds=all is for groups, rows of a series have none; say how many tests: data.folds=5."
        )
    rows = len(series)
    tenth = rows // 10 if rows > _LONG else 0
    held = max(horizon, tenth) if test == "auto" else _rows(test, series, rows, "data.test")
    folds.size(range(rows // held), f"stretches of {held} test rows")
    return rows - held * (folds.count - 1 - folds.number), held


def _rows(value: Any, series: Series, total: int, name: str) -> int:
    """Rows from `value` to the end of the first `total` ones."""
    if not isinstance(value, str):
        return share_of(value, total, name)
    if not isinstance(series.index, pd.DatetimeIndex):
        raise UserError(f"{name}={value}: {series.name} has no time stamps; give a count or a share.")
    try:
        border = pd.Timestamp(value)
    except ValueError:
        raise UserError(
            f"{name}={value} is neither a count nor a share nor a date such as 2024-01-31."
        ) from None
    first = int(series.index[:total].searchsorted(border))
    if first == 0 or first == total:
        span = f"{series.index[0]} to {series.index[total - 1]}"
        raise UserError(f"{name}={value} does not lie inside {span}.")
    return total - first
