"""The cells, written out from their equations, with gates by name.

They are the reference that the fused kernels are tested against, and the way to run what no kernel offers:
another activation, dropout on the recurrent connection, the LSTM of 1997, peepholes. Parameters are laid out
as torch's (one block of H rows a gate, two biases): a ``state_dict`` of ``nn.LSTMCell``, ``nn.GRUCell`` or
``nn.RNNCell`` loads as it is.

Shapes: B sequences, T steps, I inputs, H units, G gates. All gate equations below share
``in_gate = W_ih[gate] x_t + b_ih[gate]`` and ``re_gate = W_hh[gate] h_{t-1} + b_hh[gate]``; σ is the logistic
function, ⊙ the elementwise product.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lstm_lab.nets.cell_base import ACTIVATIONS, Cell, CellState
from lstm_lab.nets.cell_exponential import MLSTMCell, SLSTMCell
from lstm_lab.nets.cell_minimal import MinGRUCell, MinLSTMCell
from lstm_lab.nets.cell_variants import LayerNormLSTMCell, MogrifierLSTMCell

__all__ = ["ACTIVATIONS", "CELLS", "Cell", "CellState"]


class RNNCell(Cell):
    """The simple recurrent network: Elman (1990), "Finding structure in time". ``nn.RNN`` is the same.

    ``h_t = φ(in + re)``
    """

    gates = ("hidden",)

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equation above."""
        (h,) = state
        return (self.phi(projected + self.recur(h, drop)),)


class GRUCell(Cell):
    """The gated recurrent unit in the form of cuDNN and ``nn.GRU``.

    The reset gate acts after the recurrent product, ``r ⊙ (W_hh h + b_hh)``; in Cho et al. (2014), "Learning
    phrase representations using RNN encoder–decoder", eq. 8, before it, ``W_hh (r ⊙ h)``. The update gate
    keeps the old state, as in their eq. 7::

        r_t = σ(in_reset + re_reset)
        z_t = σ(in_update + re_update)
        n_t = φ(in_new + r_t ⊙ re_new)
        h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}
    """

    gates = ("reset", "update", "new")

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        (h,) = state
        in_reset, in_update, in_new = projected.chunk(3, dim=-1)
        re_reset, re_update, re_new = self.recur(h, drop).chunk(3, dim=-1)
        reset = torch.sigmoid(in_reset + re_reset)
        update = torch.sigmoid(in_update + re_update)
        new = self.phi(in_new + reset * re_new)
        return ((1 - update) * new + update * h,)


class LSTMCell(Cell):
    """The LSTM with forget gate: Gers, Schmidhuber & Cummins (2000), "Learning to forget".

    ``nn.LSTM`` is the same::

        i_t = σ(in_input + re_input)
        f_t = σ(in_forget + re_forget)
        g_t = φ(in_cell + re_cell)
        o_t = σ(in_output + re_output)
        c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
        h_t = o_t ⊙ φ(c_t)
    """

    gates = ("input", "forget", "cell", "output")
    remembers = ("h", "c")

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        h, c = state
        to_input, to_forget, to_cell, to_output = (projected + self.recur(h, drop)).chunk(4, dim=-1)
        c = torch.sigmoid(to_forget) * c + torch.sigmoid(to_input) * self.phi(to_cell)
        h = torch.sigmoid(to_output) * self.phi(c)
        return h, c


class LSTM1997Cell(Cell):
    """The first LSTM, without forget gate: Hochreiter & Schmidhuber (1997), "Long short-term memory".

    The paper's squashing functions are logistic ones stretched to (-2, 2) and (-1, 1); here both are φ::

        i_t, g_t, o_t  as in the LSTM
        c_t = c_{t-1} + i_t ⊙ g_t
        h_t = o_t ⊙ φ(c_t)
    """

    gates = ("input", "cell", "output")
    remembers = ("h", "c")

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        h, c = state
        to_input, to_cell, to_output = (projected + self.recur(h, drop)).chunk(3, dim=-1)
        c = c + torch.sigmoid(to_input) * self.phi(to_cell)
        h = torch.sigmoid(to_output) * self.phi(c)
        return h, c


class PeepholeLSTMCell(Cell):
    """The LSTM whose gates see the cell: Gers & Schmidhuber (2000), "Recurrent nets that time and count".

    Each gate sees only its own unit's cell (one weight a unit), input and forget gate the old one, the output
    gate the new one; equations as in Gers, Schraudolph & Schmidhuber (2002), section 2::

        i_t = σ(in_input + re_input + p_input ⊙ c_{t-1})
        f_t = σ(in_forget + re_forget + p_forget ⊙ c_{t-1})
        g_t = φ(in_cell + re_cell)
        c_t = f_t ⊙ c_{t-1} + i_t ⊙ g_t
        o_t = σ(in_output + re_output + p_output ⊙ c_t)
        h_t = o_t ⊙ φ(c_t)
    """

    gates = ("input", "forget", "cell", "output")
    remembers = ("h", "c")

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh") -> None:
        super().__init__(input_size, hidden_size, activation)
        self.peephole_input = nn.Parameter(torch.empty(hidden_size))
        self.peephole_forget = nn.Parameter(torch.empty(hidden_size))
        self.peephole_output = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        h, c = state
        to_input, to_forget, to_cell, to_output = (projected + self.recur(h, drop)).chunk(4, dim=-1)
        input_gate = torch.sigmoid(to_input + self.peephole_input * c)
        forget_gate = torch.sigmoid(to_forget + self.peephole_forget * c)
        c = forget_gate * c + input_gate * self.phi(to_cell)
        h = torch.sigmoid(to_output + self.peephole_output * c) * self.phi(c)
        return h, c


CELLS: dict[str, type[Cell]] = {
    "rnn": RNNCell,
    "gru": GRUCell,
    "lstm": LSTMCell,
    "lstm1997": LSTM1997Cell,
    "lstm_peephole": PeepholeLSTMCell,
    "lstm_layernorm": LayerNormLSTMCell,
    "lstm_mogrifier": MogrifierLSTMCell,
    "mingru": MinGRUCell,
    "minlstm": MinLSTMCell,
    "slstm": SLSTMCell,
    "mlstm": MLSTMCell,
}
"""Every cell by the word that chooses it."""
