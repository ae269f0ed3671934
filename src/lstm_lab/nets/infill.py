"""A missing symbol from both sides: one core reads up to the gap, one reads back to it, a head joins them.

Shapes: B sequences, T steps, H features of a core, V symbols.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.padding import flip
from lstm_lab.nets.recurrent import Recurrent


class GapFiller(nn.Module):
    """Says how likely each symbol is at a step, from what stands before it and what stands some steps after it.

    A gap of g symbols is filled from the left: its first symbol is g steps before the right side, the next one
    g - 1, and each is read before the next is asked for. The product is the probability of the filling given
    both sides (chain rule), whatever the length of the gap.

    Args:
        frontend: from a batch to what the cores read.
        left: reads forward, in one direction.
        right: reads backward, in one direction; None for a model that only knows what stands before.
        symbols: V.
        longest: gaps up to this length have a distance of their own, longer ones share the last.
        dropout: on what the head reads.
        specials: symbols below this number are never written.
        complement: (V,) the symbol on the other strand, for sequences that have one.

    Raises:
        UserError: for cores that read in both directions: they would see the gap.
    """

    complement: Tensor | None

    def __init__(
        self,
        frontend: nn.Module,
        left: Recurrent,
        right: Recurrent | None,
        symbols: int,
        longest: int = 1,
        dropout: float = 0.0,
        specials: int = 1,
        complement: Tensor | None = None,
    ) -> None:
        super().__init__()
        if left.directions == 2:
            raise UserError(
                "model.bidirectional=true: each side of a gap is read towards it. Allowed: false; task.sides=both"
            )
        self.frontend, self.left, self.right = frontend, left, right
        self.longest, self.dropout, self.specials = longest, dropout, specials
        size = left.output_size + (right.output_size if right is not None else 0)
        self.distance = nn.Embedding(longest, size)
        nn.init.zeros_(self.distance.weight)
        self.join = nn.Linear(size, left.output_size)
        self.head = nn.Linear(left.output_size, symbols)
        self.register_buffer("complement", complement)

    def forward(self, batch: Batch, distance: int = 1) -> Tensor:
        """Returns scores (B, T, V) of each step as if it began a gap of `distance` symbols."""
        x, lengths = self.frontend(batch)
        before, _ = self.left(x, lengths)  # (B, T, H), having read up to and with each step
        parts = [F.pad(before, (0, 0, 1, 0))[:, :-1]]
        if self.right is not None:
            after, _ = self.right(flip(x, lengths), lengths)
            after = flip(after, lengths)  # zero on padding, as nothing stands there
            parts.append(F.pad(after, (0, 0, 0, distance))[:, distance:])
        return self.scores(torch.cat(parts, dim=-1), distance)

    def scores(self, sides: Tensor, distance: int) -> Tensor:
        """Returns scores (…, V) from what was read on both sides (…, 2 H)."""
        sides = sides + self.distance.weight[min(distance, self.longest) - 1]
        sides = F.dropout(sides, self.dropout, self.training)
        return self.head(F.dropout(torch.tanh(self.join(sides)), self.dropout, self.training))

    def read_right(self, tokens: Tensor) -> Tensor:
        """Returns (1, H) after reading what stands behind a gap (T,), from its end; empty for a left-sided model."""
        if self.right is None:
            return self.distance.weight.new_zeros(1, 0)
        if not len(tokens):
            return self.distance.weight.new_zeros(1, self.right.output_size)
        x, lengths = self.frontend(Batch.pad([tokens.flip(0)]))
        return self.right(x, lengths)[0][:, -1]
