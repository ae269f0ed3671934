"""Streams: a long text read by several readers at once, chunk by chunk, for truncated backpropagation through time.

Reader b has the b-th part of the text, and its chunk k+1 begins where its chunk k ended, so that a model may carry
its state along (Zaremba et al. 2014). Row ``k * B + b`` of the samples is chunk k of reader b: batches of B rows in
order are what a model has to see, and taking every n-th row of each gives n processes readers of their own.

Shapes: N tokens, B readers, T steps of a chunk.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.batch import Batch


class Streams:
    """All chunks of a text, each target exactly once; the first token is only read.

    Args:
        tokens: (N,) int64.
        readers: B, at most N - 1; so many parts whose lengths differ by one at the most.
        steps: T, the length of a chunk; the last ones may be shorter.
        whole: readers stop together, so that no chunk is padded: what does not divide is left out at the end.
    """

    def __init__(self, tokens: Tensor, readers: int, steps: int, whole: bool = False) -> None:
        targets = len(tokens) - 1
        readers = max(1, min(readers, targets))
        self.tokens, self.readers, self.steps = tokens, readers, steps
        if whole:
            targets -= targets % readers
        self._starts = torch.arange(readers + 1) * targets // readers  # (B + 1,), where each part begins
        longest = int((self._starts[1:] - self._starts[:-1]).max())
        self.chunks = -(-longest // steps)

    def __len__(self) -> int:
        return self.chunks * self.readers

    @property
    def targets(self) -> int:
        """How many tokens are predicted in a pass."""
        return int(self._starts[-1])

    def gather(self, rows: Tensor | slice) -> Batch:
        """Returns chunks as a batch: inputs (B, T), target ``next`` (B, T), `fresh` where a reader begins."""
        if isinstance(rows, slice):
            rows = torch.arange(len(self))[rows]
        reader, chunk = rows % self.readers, rows // self.readers
        first, end = self._starts[reader] + chunk * self.steps, self._starts[reader + 1]
        lengths = (end - first).clamp(0, self.steps)  # (B,)
        offsets = torch.arange(int(lengths.max()))
        places = first[:, None] + offsets  # (B, T)
        beyond = offsets >= lengths[:, None]
        places = places.clamp(max=len(self.tokens) - 2)
        return Batch(
            inputs=self.tokens[places].masked_fill(beyond, 0),
            lengths=lengths,
            keys=rows,
            targets={"next": self.tokens[places + 1].masked_fill(beyond, 0)},
            fresh=chunk == 0,
        )
