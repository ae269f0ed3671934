"""From a sequence of outputs to one vector; padding never takes part.

Shapes: B sequences, T steps, N features (both directions of a layer side by side), D directions, H units.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lstm_lab.errors import check_choice
from lstm_lab.nets.padding import real_steps
from lstm_lab.nets.recurrent import State

POOLINGS = ("last", "mean", "max", "attention")


class Pooling(nn.Module):
    """Summarises the outputs of a recurrent core.

    * ``last``: the state after the last real step of each direction.
    * ``mean`` and ``max``: over real steps.
    * ``attention``: a weighted mean, its weights the softmax over real steps of ``v · tanh(W y_t + b)`` (Zhou et al.
      2016, "Attention-based bidirectional LSTM networks for relation classification", eq. 9 to 11, with the
      projection W of Yang et al. 2016, eq. 5).

    Args:
        kind: one of the words above.
        size: N.

    Raises:
        UserError: for another word.
    """

    def __init__(self, kind: str, size: int) -> None:
        super().__init__()
        check_choice("task.pooling", kind, POOLINGS)
        self.kind = kind
        if kind == "attention":
            self.project = nn.Linear(size, size)
            self.score = nn.Linear(size, 1, bias=False)

    def forward(self, outputs: Tensor, lengths: Tensor, state: State) -> Tensor:
        """Returns (B, N).

        Args:
            outputs: (B, T, N).
            lengths: (B,), real steps.
            state: of the core after the last real step.
        """
        if self.kind == "last":
            return state[-1][0].transpose(0, 1).flatten(1)  # (D, B, H) -> (B, D H)
        if self.kind == "attention":
            weights = self.weights(outputs, lengths)
            return torch.einsum("bt,btn->bn", weights, outputs)
        real = real_steps(lengths, outputs.shape[1])[..., None]  # (B, T, 1)
        if self.kind == "max":
            return outputs.masked_fill(~real, -torch.inf).amax(1)
        return torch.where(real, outputs, 0.0).sum(1) / lengths[:, None]

    def weights(self, outputs: Tensor, lengths: Tensor) -> Tensor:
        """Returns the attention (B, T): zero on padding, a sum of one over each sequence."""
        scores = self.scores(outputs)
        return scores.masked_fill(~real_steps(lengths, outputs.shape[1]), -torch.inf).softmax(1)

    def scores(self, outputs: Tensor) -> Tensor:
        """Returns what the softmax of the attention is taken of, (B, T): of each step alone."""
        return self.score(torch.tanh(self.project(outputs))).squeeze(-1)
