"""A language model: embedding, recurrent core, and a head over the vocabulary.

Shapes: B sequences, T steps, H features of the core, V symbols.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.dropout import locked_dropout
from lstm_lab.nets.heads import AdaptiveHead, SoftmaxHead
from lstm_lab.nets.recurrent import Recurrent, State


class LanguageModel(nn.Module):
    """Says how likely each symbol is to come next.

    Args:
        frontend: from a batch to what the core reads.
        core: the recurrent core, in one direction.
        head: over the vocabulary.
        dropout: on the core's outputs.
        locked: that dropout has one mask for all steps of a sequence.
        specials: symbols below this number are never written.

    Raises:
        UserError: for a core that reads in both directions: it would see what it is asked for.
    """

    def __init__(
        self,
        frontend: nn.Module,
        core: Recurrent,
        head: SoftmaxHead | AdaptiveHead,
        dropout: float = 0.0,
        locked: bool = False,
        specials: int = 1,
    ) -> None:
        super().__init__()
        if core.directions == 2:
            raise UserError(
                "model.bidirectional=true: a language model must not read what it is asked for. Allowed: false."
            )
        self.frontend, self.core, self.head = frontend, core, head
        self.dropout, self.locked, self.specials = dropout, locked, specials

    def forward(self, batch: Batch, state: State | None = None) -> tuple[Tensor, Tensor, State]:
        """Returns the outputs (B, T, H) before and after dropout, and the state after each last real step."""
        x, lengths = self.frontend(batch)
        outputs, state = self.core(x, lengths, state)
        if self.locked:
            return outputs, locked_dropout(outputs, self.dropout, self.training), state
        return outputs, F.dropout(outputs, self.dropout, self.training), state
