"""How long things are: the season, the rows that a forecast reads, and what is written at a time."""

from __future__ import annotations

from dataclasses import dataclass

from lstm_lab.data.timeseries.source import Series, share_of
from lstm_lab.errors import UserError, check_at_least


@dataclass(frozen=True)
class Lengths:
    """Rows of a season, of a window, and of what a recursive head writes at a time.

    Attributes:
        season: steps in a season, 0 for none.
        block: a season where the training rows hold more than two of them, else 1.
        lookback: rows that a forecast reads.
    """

    season: int
    block: int
    lookback: int


def choose_lengths(series: Series, train: int, season: int | str, lookback: int | str) -> Lengths:
    """Chooses what the settings leave open.

    Args:
        series: all rows.
        train: training rows.
        season: steps, or ``auto`` for those that go with the clock.
        lookback: rows, a share of the training rows, or ``auto``: two seasons, at least 12.

    Raises:
        UserError: if a season or a window does not fit into the training rows.
    """
    steps = series.season if isinstance(season, str) else share_of(season, train, "data.season")
    if not isinstance(season, str) and steps >= max(train // 2, 1):
        raise UserError(f"data.season={season} needs more than {2 * steps} training rows.")
    block = steps if 1 < steps < train // 2 else 1
    if isinstance(lookback, str):
        # The core reads a season, at least 12 rows, of differences that reach back over one more.
        usual = max(block, 12) + (block if block > 1 else 0)
        rows = max(block + 1, min(usual, (train + block) // 2))
    else:
        rows = share_of(lookback, train, "data.lookback")
        check_at_least("data.lookback", rows, 1)
    if rows >= train:
        raise UserError(f"data.lookback={rows} does not fit into the {train} training rows of {series.name}.")
    return Lengths(steps, block, rows)
