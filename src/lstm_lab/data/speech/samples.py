"""Clips of one part, gathered as a batch in two indexing calls."""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.speech.store import Ragged


class SpeechSamples:
    """Clips of one part, gathered as a batch.

    Args:
        store: features, or waves, of all clips.
        targets: classes (N,), or transcripts.
        rows: the clips of the part.
    """

    def __init__(self, store: Ragged, targets: Tensor | Ragged, rows: Tensor) -> None:
        self.store, self.targets, self.rows = store, targets, rows

    def __len__(self) -> int:
        return len(self.rows)

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns (B, T, F) with ``class`` (B,), or ``transcript`` (B, L) and ``transcript_lengths`` (B,)."""
        rows = self.rows[which]
        inputs, lengths = self.store.gather(rows)
        keys = torch.arange(len(self.rows))[which]
        if isinstance(self.targets, Tensor):
            return Batch(inputs, lengths, keys, {"class": self.targets[rows]})
        texts, counts = self.targets.gather(rows)
        return Batch(inputs, lengths, keys, {"transcript": texts[..., 0], "transcript_lengths": counts})
