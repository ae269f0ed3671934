"""Transcription without alignment: connectionist temporal classification over a recurrent core.

Graves, Fernández, Gomez & Schmidhuber 2006, "Connectionist temporal classification: labelling unsegmented sequence data
with recurrent neural networks". Symbol 0 is the blank.

Shapes: B clips, T frames, T' steps that the core reads, S symbols with the blank, L symbols of a transcript.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.nets.ngram import CharNgram
from lstm_lab.nets.recurrent import Recurrent, State

BLANK = 0


class Transcriber(nn.Module):
    """Front end, recurrent core, and the log-probabilities of all symbols at each step.

    Args:
        frontend: from a batch to what the core reads, see `lstm_lab.nets.frontend`.
        core: the recurrent core.
        symbols: S.
        space: the symbol that divides words; -1 where every symbol is a word.
        dropout: on the outputs of the core.
        language: n-grams of the training transcripts, for a search.

    Attributes:
        zeroed: training transcripts so far for which the clip had too few steps, so that they taught nothing.
    """

    zeroed: Tensor

    def __init__(
        self,
        frontend: nn.Module,
        core: Recurrent,
        symbols: int,
        space: int = -1,
        dropout: float = 0.0,
        language: CharNgram | None = None,
    ) -> None:
        super().__init__()
        self.frontend, self.core, self.space, self.language = frontend, core, space, language
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(core.output_size, symbols)
        self.register_buffer("zeroed", torch.zeros((), dtype=torch.long))

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns log-probabilities (B, T', S) and the real steps of each clip (B,)."""
        x, lengths = self.frontend(batch)
        outputs, _ = self.core(x, lengths)
        return self.head(self.dropout(outputs)).log_softmax(-1), lengths

    def onward(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        """Log-probabilities (B, T', S) of the next piece of what the core reads, and the state after it."""
        outputs, state = self.core(x, None, state)
        return self.head(outputs).log_softmax(-1), state

    @property
    def subsampling(self) -> int:
        """Frames of the input a step."""
        return int(getattr(self.frontend, "subsampling", 1))


def ctc_loss(net: Transcriber, batch: Batch) -> Tensor:
    """The mean over clips of -log p(transcript | clip), each divided by its symbols.

    A transcript of L symbols with R pairs of equal neighbours takes L + R steps at least. Where a clip has fewer, its
    loss is zero, and it is counted in ``net.zeroed``.
    """
    log_probs, steps = net(batch)
    texts, counts = batch.targets["transcript"], batch.targets["transcript_lengths"]
    # The native kernel, on every device: cuDNN's has other rules for lengths and is not deterministic.
    with torch.backends.cudnn.flags(enabled=False):
        losses = F.ctc_loss(
            log_probs.transpose(0, 1).float(),
            texts,
            steps,
            counts,
            BLANK,
            reduction="none",
            zero_infinity=True,
        )
    if net.training:
        with torch.no_grad():
            net.zeroed += (steps_needed(texts, counts) > steps).sum()
    return (losses / counts.clamp(min=1)).mean()


def steps_needed(texts: Tensor, counts: Tensor) -> Tensor:
    """The fewest steps in which transcripts (B, L) of `counts` (B,) symbols can be said, (B,)."""
    if texts.shape[1] < 2:
        return counts
    inside = torch.arange(1, texts.shape[1], device=texts.device)[None, :] < counts[:, None]
    return counts + ((texts[:, 1:] == texts[:, :-1]) & inside).sum(dim=1)
