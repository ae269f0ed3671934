"""Windows over a series in memory: a view, one gather a batch, no copies and no per-sample Python."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

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


class TrainingLoader:
    """Training batches without end, cut into Lightning epochs of a stated number of optimiser steps.

    Each item is a list of up to `chunk` batches, so that one Trainer step can take several optimiser steps.
    Every window is seen once a pass; passes run on across the epochs. On several processes each takes its own
    rows of the same global batch. The position is part of `state_dict`, so a resumed run continues at the very
    window where it stopped.

    Args:
        windows: what to draw from.
        batch_size: windows in a global batch; all of them if there are fewer.
        steps: optimiser steps of an epoch.
        chunk: optimiser steps of an item.
        seed: decides the order of the windows.
        rank: number of this process.
        world: how many processes share a batch.
    """

    def __init__(
        self,
        windows: Windows,
        batch_size: int,
        steps: int,
        chunk: int = 1,
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.windows, self.batch_size, self.steps, self.chunk, self.seed = (
            windows,
            batch_size,
            steps,
            chunk,
            seed,
        )
        self.rank, self.world = rank, world
        self._taken = 0  # optimiser steps so far
        self._within, self._skipped = 0, 0  # steps of this epoch, and those of them that come as None
        self._pass, self._order = -1, torch.empty(0, dtype=torch.long)
        self._all: Batch | None = None

    @property
    def batches(self) -> int:
        """Batches in one pass over all windows."""
        return max(1, -(-len(self.windows) // self.batch_size))

    def __len__(self) -> int:
        return -(-self.steps // self.chunk)

    def __iter__(self) -> Iterator[list[Batch] | None]:
        self._within, self._skipped = self._skipped, 0
        left = self.steps - self._within
        # An epoch that a resumed run goes on with keeps its length, and so the place of its validation: what was
        # trained before comes as None, which Lightning passes over.
        yield from [None] * (len(self) - -(-left // self.chunk))
        while left > 0:
            count = min(self.chunk, left)
            self._within += count
            yield [self._next() for _ in range(count)]
            left -= count

    def _next(self) -> Batch:
        if self.batches == 1:  # one batch holds everything: gather it once, its order does not matter
            self._all = (
                self.windows.gather(slice(self.rank, None, self.world)) if self._all is None else self._all
            )
            self._taken += 1
            return self._all
        number, position = divmod(self._taken, self.batches)
        if number != self._pass:
            generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
            self._pass, self._order = number, torch.randperm(len(self.windows), generator=generator)
        rows = self._order[position * self.batch_size : (position + 1) * self.batch_size]
        self._taken += 1
        return self.windows.gather(rows[self.rank :: self.world])

    def state_dict(self) -> dict[str, Any]:
        """The position in the stream and in the epoch."""
        return {"taken": self._taken, "within": self._within % self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues where `state_dict` was taken."""
        self._taken, self._skipped = int(state["taken"]), int(state["within"])


class EvaluationLoader:
    """Every window of a part once, in order, in batches."""

    def __init__(self, windows: Windows, batch_size: int = 1024) -> None:
        self.windows, self.batch_size = windows, batch_size

    def __len__(self) -> int:
        return -(-len(self.windows) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self.windows), self.batch_size):
            yield self.windows.gather(slice(start, start + self.batch_size))
