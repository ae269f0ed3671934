"""The LSTM and the GRU with nothing of the past in their gates, so that all steps can be computed at once.

Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), "Were RNNs all we needed?", arXiv 2410.01201. The form for
training in their appendix B, in which the candidate is positive by ``g(v) = v + 0.5`` for v ≥ 0, else ``σ(v)``.

Shapes: B sequences, T steps, H units. ``in_gate`` as in `lstm_lab.nets.cell`; there is no ``re_gate``.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_lab.nets.cell_base import Cell, CellState, widened
from lstm_lab.nets.scan import linear_scan


class MinimalCell(Cell):
    """A cell whose state is ``h_t = a_t ⊙ h_{t-1} + b_t``, with a and b of the input alone.

    A new one writes `coefficients`.
    """

    recurs = False
    lacks = ("activation", "recurrent_dropout", "weight_drop", "heads")

    def coefficients(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """Returns a and b, each (…, H), from the projected input (…, G*H). The equations stand here."""
        raise NotImplementedError

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step; `drop` has nothing to act on."""
        decay, added = self.coefficients(projected)
        return (decay * state[0] + added,)

    def forward(
        self,
        x: Tensor,
        state: CellState | None = None,
        real: Tensor | None = None,
        drop: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Runs all steps at once, by `linear_scan`; with zoneout, which looks at the state, in a loop."""
        if self.zoneout:
            return self.unroll(x, state, real)
        (start,) = self.initial_state(x) if state is None else state
        decay, added = self.coefficients(self.project(x))  # (B, T, H) each
        if real is not None:
            decay = decay.masked_fill(~real[:, :, None], 1)
            added = added.masked_fill(~real[:, :, None], 0)
        outputs = linear_scan(decay, added, start)
        return outputs, (outputs[:, -1],)


class MinGRUCell(MinimalCell):
    """minGRU: Feng et al. (2024), section 3.1 and appendix B::

        z_t = σ(in_update)
        n_t = g(in_new)
        h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ n_t

    Mind that z writes here; in `lstm_lab.nets.cell.GRUCell` it keeps.
    """

    gates = ("update", "new")

    def coefficients(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """The equations above; ``1 - σ(v) = σ(-v)``."""
        in_update, in_new = widened(projected).chunk(2, dim=-1)
        return torch.sigmoid(-in_update), torch.sigmoid(in_update) * _positive(in_new)


class MinLSTMCell(MinimalCell):
    """minLSTM: Feng et al. (2024), section 3.2 and appendix B::

    f_t = σ(in_forget),  i_t = σ(in_input),  n_t = g(in_cell)
    f'_t = f_t / (f_t + i_t),  i'_t = i_t / (f_t + i_t)
    h_t = f'_t ⊙ h_{t-1} + i'_t ⊙ n_t
    """

    gates = ("input", "forget", "cell")

    def coefficients(self, projected: Tensor) -> tuple[Tensor, Tensor]:
        """The equations above; ``f / (f + i) = σ(log f - log i)``, which holds where both are tiny, too."""
        in_input, in_forget, in_cell = widened(projected).chunk(3, dim=-1)
        keeps = torch.nn.functional.logsigmoid(in_forget) - torch.nn.functional.logsigmoid(in_input)
        return torch.sigmoid(keeps), torch.sigmoid(-keeps) * _positive(in_cell)


def _positive(v: Tensor) -> Tensor:
    """The function g of the paper, appendix B: continuous, increasing, positive."""
    return torch.where(v >= 0, v + 0.5, torch.sigmoid(v))
