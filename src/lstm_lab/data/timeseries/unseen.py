"""Which series of a file training never sees: whole series are left out, and their own end is the test.

Shapes: N rows, C series.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_lab.data.folding import SEED, Folds
from lstm_lab.data.grouping import group_names
from lstm_lab.data.timeseries.source import Series
from lstm_lab.errors import UserError, nearest

# Series that are named one by one; of more their number is told.
_NAMED = 3


@dataclass(frozen=True)
class Unseen:
    """Series that a fold leaves out of training.

    Attributes:
        names: of all C series.
        which: (C,) True for those that are left out.
    """

    names: tuple[str, ...]
    which: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """(C,) True for series that train and validate."""
        return ~self.which

    @property
    def described(self) -> str:
        """For a person, before training."""
        return f"left out of training: {self._told}; {int(self.seen.sum())} series train"

    @property
    def protocol(self) -> str:
        """How the test is scored, behind the words that say which fold it is."""
        others = int(self.seen.sum())
        return f"by series: {self._told}, scaled by own earlier rows, after training on {others} others alone"

    @property
    def _told(self) -> str:
        chosen = [name for name, out in zip(self.names, self.which, strict=True) if out]
        return ", ".join(f"'{name}'" for name in chosen) if len(chosen) <= _NAMED else f"{len(chosen)} series"


def groups_of_series(series: Series, group: str) -> list[str]:
    """Returns the group of each of C series.

    Args:
        series: all of them.
        group: ``series``, or the column that names them: each is a group; a column of what never changes within a
            series, such as the country of a shop; or a rule over their names, see
            `lstm_lab.data.grouping.group_names`.

    Raises:
        UserError: for one series, or a word that is none of these.
    """
    names = list(series.names)
    if len(names) < 2:
        raise UserError(f"data.group={group} leaves whole series out; {series.name} is a single one.")
    if group in ("series", *series.long[:1]):
        return names
    static = series.static
    if static is not None and group in static:
        return [str(word) for word in static[group]]
    if group == "prefix" or "(" in group:
        return group_names(names, group)
    allowed = ["series", *series.long[:1], *([] if static is None else map(str, static)), "prefix"]
    raise UserError(
        f"data.group={group} is not known.{nearest(group, allowed)} Allowed: {', '.join(allowed)}, or an expression "
        "with a group in brackets; other columns after they are named by data.static=[…]."
    )


def left_out(series: Series, group: str, folds: Folds | None, first_test: int) -> Unseen:
    """Returns the series that a fold leaves out of training.

    A series without a value among the test rows has nothing to be tested on: it takes no turn, and trains unless one of
    its group is left out.

    Args:
        series: all of them.
        group: see `groups_of_series`.
        folds: which fold.
        first_test: the first test row.

    Raises:
        UserError: if no folds are asked for, or there are too few groups.
    """
    if folds is None:
        raise UserError(
            f"data.group={group} leaves whole series out in turn: say data.folds=all, or how many folds."
        )
    groups = np.array(groups_of_series(series, group))
    turns = np.flatnonzero(_goes_on(series, first_test))
    tested = folds.tested([""] * len(turns), groups[turns], SEED, _what(group))
    return Unseen(series.names, np.isin(groups, groups[turns[tested]]))


def count_turns(series: Series, group: str, folds: Folds, first_test: int) -> int:
    """Returns how many folds there are.

    Raises:
        UserError: if there are too few groups.
    """
    groups = np.array(groups_of_series(series, group))
    return folds.size(groups[_goes_on(series, first_test)], _what(group))


def _goes_on(series: Series, first_test: int) -> np.ndarray:
    """Returns (C,) True for series with a value among the test rows; for all where these rows are blank altogether."""
    told = ~np.isnan(series.values[first_test:]).all(axis=0)
    return told if told.any() else ~told


def _what(group: str) -> str:
    return "series" if group == "series" else f"groups by '{group}'"
