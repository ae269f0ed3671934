"""Many short sequences in one flat buffer, gathered into padded batches without a loop over samples.

Shapes: N sequences, B of them in a batch, T steps of its longest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from lstm_lab.batch import Batch


class Ragged:
    """Sequences of different lengths end to end.

    Args:
        sequences: one array a sequence, all of one dtype; none may be empty.

    Attributes:
        lengths: (N,) int64.
    """

    def __init__(self, sequences: Sequence[np.ndarray | Tensor]) -> None:
        parts = [torch.as_tensor(sequence) for sequence in sequences]
        self.lengths = torch.tensor([len(part) for part in parts], dtype=torch.long)
        self.flat = torch.cat(parts) if parts else torch.empty(0, dtype=torch.long)
        self._starts = self.lengths.cumsum(0) - self.lengths

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, row: int) -> Tensor:
        start = int(self._starts[row])
        return self.flat[start : start + int(self.lengths[row])]

    def arrays(self) -> list[np.ndarray]:
        """Returns each sequence as an array of its own."""
        return [part.numpy() for part in self.flat.split(self.lengths.tolist())]

    def padded(self, rows: Tensor, value: int | float | bool = 0) -> Tensor:
        """Returns (B, T), the given sequences with `value` after their ends."""
        lengths = self.lengths[rows]
        steps = torch.arange(int(lengths.max()) if len(rows) else 0)
        inside = steps < lengths[:, None]  # (B, T)
        places = (self._starts[rows][:, None] + steps).clamp(max=max(0, len(self.flat) - 1))
        return self.flat[places].masked_fill(~inside, value)


class Sequences:
    """Token sequences with what is asked of each: samples for classification, tagging and gap filling.

    Args:
        tokens: of each sequence.
        keys: (N,) which row of the data set each is.
        targets: by name, (N, …) with one entry a sequence.
        steps: by name, targets with one entry a step, padded with the value given beside them.
        pad: the symbol on padding.
    """

    def __init__(
        self,
        tokens: Ragged,
        keys: Tensor,
        targets: dict[str, Tensor] | None = None,
        steps: dict[str, tuple[Ragged, int | bool]] | None = None,
        pad: int = 0,
    ) -> None:
        self.tokens, self.keys, self.pad = tokens, keys, pad
        self.targets, self.along = targets or {}, steps or {}

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def lengths(self) -> Tensor:
        """(N,) int64, for samplers that put equals together."""
        return self.tokens.lengths

    def gather(self, rows: Tensor | slice) -> Batch:
        """Returns the given sequences as a batch."""
        if isinstance(rows, slice):
            rows = torch.arange(len(self))[rows]
        targets = {name: values[rows] for name, values in self.targets.items()}
        targets |= {name: ragged.padded(rows, value) for name, (ragged, value) in self.along.items()}
        return Batch(
            inputs=self.tokens.padded(rows, self.pad),
            lengths=self.tokens.lengths[rows],
            keys=self.keys[rows],
            targets=targets,
        )
