"""A learnt vector for each symbol, with the dropouts that language models use.

Shapes: B sequences, T steps, V symbols, E features of a symbol.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.dropout import embedding_dropout, locked_dropout, word_dropout
from lstm_lab.spec import Inputs, Tokens


def usual_width(symbols: int) -> float:
    """Returns how far from zero new vectors of a vocabulary begin.

    A tenth suits thousands of words (Zaremba et al. 2014). A few dozen characters need vectors of about one: with a
    tenth a language model of tiny-shakespeare spent two thousand steps on what two hundred do, and stayed behind.
    """
    return 1.0 if symbols < 500 else 0.1


class Embedding(nn.Module):
    """A learnt vector for each symbol.

    Args:
        inputs: the vocabulary.
        statistics: ``vectors``, (V, E) from a file, where symbols have some; the rest are drawn. ``unknown``, the
            number of the unknown symbol.
        size: E; that of the vectors where there are some.
        init: new vectors are drawn evenly between minus and plus this; ``auto`` for `usual_width`.
        dropout: on the features of a step.
        locked: that dropout has one mask for all steps of a sequence (Gal & Ghahramani 2016).
        embedding_dropout: share of symbols whose vector is gone wherever they stand.
        word_dropout: share of places where the unknown symbol stands instead.
        frozen: vectors stay as they are.
        positions: a learnt vector is added for each of so many places; for sequences of one length, whose places
            mean something (DNA around a splice site). 0 for none.
    """

    def __init__(
        self,
        inputs: Inputs,
        statistics: dict[str, Any],
        size: int = 64,
        init: float | str = "auto",
        dropout: float = 0.0,
        locked: bool = False,
        embedding_dropout: float = 0.0,
        word_dropout: float = 0.0,
        frozen: bool = False,
        positions: int = 0,
    ) -> None:
        super().__init__()
        assert isinstance(inputs, Tokens)
        shares = {"dropout": dropout, "embedding_dropout": embedding_dropout, "word_dropout": word_dropout}
        for name, share in shares.items():
            if not 0 <= share < 1:
                raise UserError(f"model.frontend.{name}={share} is no probability: at least 0 and below 1.")
        width = usual_width(inputs.vocabulary) if init == "auto" else init
        if not isinstance(width, float | int) or not width > 0:
            raise UserError(
                f"frontend.init={init} is no width of a range. Allowed: auto or a number above 0."
            )
        vectors: Tensor | None = statistics.get("vectors")
        self.output_size = size if vectors is None else vectors.shape[1]
        self.unknown, self.dropout, self.locked = statistics.get("unknown", 1), dropout, locked
        self.embedding_dropout, self.word_dropout = embedding_dropout, word_dropout
        self.pad = inputs.pad
        self.table = nn.Embedding(inputs.vocabulary, self.output_size, padding_idx=inputs.pad)
        self.places = nn.Parameter(torch.zeros(positions, self.output_size)) if positions else None
        nn.init.uniform_(self.table.weight, -width, width)
        with torch.no_grad():
            if vectors is not None:
                known = vectors.isfinite().all(1)
                self.table.weight[known] = vectors[known]
            self.table.weight[inputs.pad].zero_()
        self.table.weight.requires_grad_(not frozen)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Returns (B, T, E) and the lengths (B,)."""
        tokens = word_dropout(batch.inputs, self.word_dropout, self.unknown, self.training, keep=self.pad)
        if self.training and self.embedding_dropout:
            weight = embedding_dropout(self.table.weight, self.embedding_dropout, self.training)
            x = F.embedding(tokens, weight, self.pad)  # (B, T, E)
        else:
            x = self.table(tokens)  # (B, T, E)
        if self.places is not None:
            if not (torch.jit.is_tracing() or torch.compiler.is_compiling()):
                self._check_length(x.shape[1])
            x = x + self.places[: x.shape[1]]
        if self.locked:
            return locked_dropout(x, self.dropout, self.training), batch.lengths
        return F.dropout(x, self.dropout, self.training), batch.lengths

    def _check_length(self, steps: int) -> None:
        assert self.places is not None
        if steps > len(self.places):
            raise UserError(
                f"a sequence of {steps} symbols: frontend.positions={len(self.places)} has no vector for places beyond."
            )
