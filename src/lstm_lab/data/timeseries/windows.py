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
        values: (N, F) float32, the rows up to the end of the part; what was missing has been filled.
        targets: columns of F that are forecast, D of them.
        first: the first origin; at least `lookback`.
        last: the last origin, at most N - 1.
        lookback: input rows L.
        steps: target rows S.
        future: (N + S, J) or None, what is known ahead of every row and of the S rows after the last one.
        observed: (N, F) bool or None, False where a value was filled: no target, and no secret to the net.
        asked: (D,) bool or None, False for series whose values are no targets here.
        stride: rows between two origins.
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
        observed: Tensor | None = None,
        asked: Tensor | None = None,
        stride: int = 1,
    ) -> None:
        self._asked = asked
        self.lookback, self.steps, self.first = lookback, steps, first
        start = first - lookback  # rows before it belong to no window of this part
        rows = values[start : last + steps]
        missing = last + steps - start - len(rows)
        known = torch.arange(last + steps - start) < len(rows)
        rows = torch.nn.functional.pad(rows, (0, 0, 0, missing))  # the mask tells them from real rows
        self._rows = _runs(rows, lookback + steps, stride)  # (W, (L + S) F), a view
        self._known = _runs(known[lookback:, None], steps, stride)  # (W, S), a view
        self._origins = torch.arange(first, last + 1, stride)
        self._columns, self._targets = rows.shape[1], torch.tensor(targets)
        self._leading = targets == list(range(len(targets)))
        self._observed: Tensor | None = None
        if observed is not None:
            seen = torch.nn.functional.pad(observed[start : last + steps], (0, 0, 0, missing))
            self._observed = _runs(seen, lookback + steps, stride)  # (W, (L + S) F), a view
        self._future, self._ahead = None, 0
        if future is not None:
            self._future = _runs(future[first : last + steps], steps, stride)  # (W, S J)
            self._ahead = future.shape[1]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def origins(self) -> Tensor:
        """The row of the first target of each window."""
        return self._origins

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns windows as a batch: inputs (B, L, F), targets ``horizon``, ``horizon_mask`` (B, S, D)."""
        rows = _take(self._rows, which).unflatten(1, (-1, self._columns))  # (B, L + S, F)
        horizon = self._only_targets(rows[:, self.lookback :])
        known = _take(self._known, which)[..., None].expand_as(horizon)  # (B, S, D)
        observed = None
        if self._observed is not None:
            seen = _take(self._observed, which).unflatten(1, (-1, self._columns))
            observed, known = seen[:, : self.lookback], known & self._only_targets(seen[:, self.lookback :])
        if self._asked is not None:
            known = known & self._asked
        future = None if self._future is None else _take(self._future, which).unflatten(1, (-1, self._ahead))
        return Batch(
            inputs=rows[:, : self.lookback],
            lengths=torch.full((len(rows),), self.lookback),
            keys=self._origins[which],
            targets={"horizon": horizon, "horizon_mask": known},
            observed=observed,
            future=future,
        )

    def _only_targets(self, rows: Tensor) -> Tensor:
        return rows[..., : len(self._targets)] if self._leading else rows.index_select(2, self._targets)


def _runs(rows: Tensor, length: int, stride: int) -> Tensor:
    """Returns every `length` rows in a row, (W, length · C), as a view.

    A window is one run of memory then, which `index_select` copies as such: 14 times faster than indexing the
    (W, C, length) view of `unfold`, which goes number by number.
    """
    rows = rows.contiguous()
    columns = rows.shape[1]
    count = (len(rows) - length) // stride + 1
    return rows.as_strided((count, length * columns), (stride * columns, 1))


def _take(runs: Tensor, which: Tensor | slice) -> Tensor:
    return runs[which] if isinstance(which, slice) else runs.index_select(0, which)
