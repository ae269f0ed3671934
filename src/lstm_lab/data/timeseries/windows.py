"""Windows over a series in memory: a view, one gather a batch, no copies and no per-sample Python."""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.batch import Batch


class Windows:
    """All windows of one part (training, validation or test) of a series.

    A window has `lookback` input rows and `steps` target rows. It is named by its origin, the row of its
    first target. Inputs may reach back over the border of the part; targets that would lie beyond the part's last
    row are masked, and the rows behind the border are not even in memory here, so they cannot leak.

    Args:
        values: (N, C) float32, the rows up to the end of the part.
        targets: columns of C that are forecast, D of them.
        first: the first origin; at least `lookback`.
        last: the last origin, at most N - 1.
        lookback: input rows L.
        steps: target rows S.
        future: (N + S, K) or None, what is known ahead of every row and of the S rows after the last one.
    """

    def __init__(
        self,
        values: Tensor,
        targets: list[int],
        first: int,
        last: int,
        lookback: int,
        steps: int,
        future: Tensor | None = None,
    ) -> None:
        self.lookback, self.steps, self.first = lookback, steps, first
        start = first - lookback  # rows before it belong to no window of this part
        rows = values[start : last + steps]
        missing = last + steps - start - len(rows)
        known = torch.arange(last + steps - start) < len(rows)
        rows = torch.nn.functional.pad(rows, (0, 0, 0, missing))  # the mask tells them from real rows
        self._rows = _runs(rows, lookback + steps)  # (W, (L + S) C), a view
        self._known = _runs(known[lookback:, None], steps)  # (W, S), a view
        self._origins = torch.arange(first, first + len(self._rows))
        self._columns, self._targets = rows.shape[1], torch.tensor(targets)
        self._all_columns = targets == list(range(rows.shape[1]))
        self._future, self._ahead = None, 0
        if future is not None:
            self._future = _runs(future[first : last + steps], steps)  # (W, S K)
            self._ahead = future.shape[1]

    def __len__(self) -> int:
        return len(self._rows)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns windows as a batch: inputs (B, L, C), targets ``horizon``, ``horizon_mask`` (B, S, D)."""
        rows = _take(self._rows, which).unflatten(1, (-1, self._columns))  # (B, L + S, C)
        horizon = rows[:, self.lookback :]
        if not self._all_columns:
            horizon = horizon.index_select(2, self._targets)
        known = _take(self._known, which)[..., None]  # (B, S, 1)
        future = None if self._future is None else _take(self._future, which).unflatten(1, (-1, self._ahead))
        return Batch(
            inputs=rows[:, : self.lookback],
            lengths=torch.full((len(rows),), self.lookback),
            keys=self._origins[which],
            targets={"horizon": horizon, "horizon_mask": known.expand_as(horizon)},
            future=future,
        )


def _runs(rows: Tensor, length: int) -> Tensor:
    """Returns every `length` rows in a row, (W, length · C), as a view.

    A window is one run of memory then, which `index_select` copies as such: 14 times faster than indexing the
    (W, C, length) view of `unfold`, which goes number by number.
    """
    rows = rows.contiguous()
    columns = rows.shape[1]
    return rows.as_strided((len(rows) - length + 1, length * columns), (columns, 1))


def _take(runs: Tensor, which: Tensor | slice) -> Tensor:
    return runs[which] if isinstance(which, slice) else runs.index_select(0, which)
