"""LSTMs with more in the step than four gates: layer normalisation, and inputs and state that gate each other.

Shapes: B sequences, I inputs, H units. ``in_gate`` and ``re_gate`` as in `lstm_lab.nets.cell`.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.nets.cell_base import Cell, CellState


class LayerNormLSTMCell(Cell):
    """The LSTM with layer normalisation: Ba, Kiros & Hinton (2016), "Layer normalization", eqs. 20 to 22.

    With ``LN(a; γ) = γ ⊙ (a - mean(a)) / sqrt(var(a) + 1e-5)`` over all gates together::

        in = LN(W_ih x_t; γ_ih) + b_ih,   re = LN(W_hh h_{t-1}; γ_hh) + b_hh
        i_t, f_t, g_t, o_t and c_t  as in the LSTM
        h_t = o_t ⊙ φ(LN(c_t; γ_c) + b_c)
    """

    gates = ("input", "forget", "cell", "output")
    remembers = ("h", "c")

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh") -> None:
        super().__init__(input_size, hidden_size, activation)
        self.gain_ih = nn.Parameter(torch.empty(4 * hidden_size))
        self.gain_hh = nn.Parameter(torch.empty(4 * hidden_size))
        self.gain_c = nn.Parameter(torch.empty(hidden_size))
        self.bias_c = nn.Parameter(torch.empty(hidden_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weights and biases as torch does; gains begin at 1, the bias of ``c`` at 0."""
        super().reset_parameters()
        for name, parameter in self.named_parameters():
            if name.startswith("gain"):
                nn.init.ones_(parameter)
            elif name == "bias_c":
                nn.init.zeros_(parameter)

    def project(self, x: Tensor) -> Tensor:
        """Returns ``LN(W_ih x; γ_ih) + b_ih`` for all gates."""
        return _normalise(F.linear(x, self.weight_ih), self.gain_ih) + self.bias_ih

    def recur(self, h: Tensor, drop: Tensor | None) -> Tensor:
        """Returns ``LN(W_hh h; γ_hh) + b_hh`` for all gates."""
        return (
            _normalise(F.linear(h if drop is None else h * drop, self.weight_hh), self.gain_hh) + self.bias_hh
        )

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        h, c = state
        to_input, to_forget, to_cell, to_output = (projected + self.recur(h, drop)).chunk(4, dim=-1)
        c = torch.sigmoid(to_forget) * c + torch.sigmoid(to_input) * self.phi(to_cell)
        h = torch.sigmoid(to_output) * self.phi(_normalise(c, self.gain_c) + self.bias_c)
        return h, c


class MogrifierLSTMCell(Cell):
    """The LSTM whose input and state gate each other first: Melis, Kočiský & Blunsom (2020), "Mogrifier LSTM".

    Before each step, in five rounds (their section 2), then the LSTM on what came out::

        x^i = 2 σ(Q^i h^{i-1}) ⊙ x^{i-2}   for i = 1, 3, 5
        h^i = 2 σ(R^i x^{i-1}) ⊙ h^{i-2}   for i = 2, 4
    """

    gates = ("input", "forget", "cell", "output")
    remembers = ("h", "c")
    rounds = 5

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh") -> None:
        super().__init__(input_size, hidden_size, activation)
        self.mix_x = nn.Parameter(torch.empty((self.rounds + 1) // 2, input_size, hidden_size))  # Q
        self.mix_h = nn.Parameter(torch.empty(self.rounds // 2, hidden_size, input_size))  # R
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws weights and biases as torch does; Q and R from U(±1/√columns)."""
        super().reset_parameters()
        for name, parameter in self.named_parameters():
            if name.startswith("mix"):
                bound = 1 / math.sqrt(parameter.shape[-1])
                nn.init.uniform_(parameter, -bound, bound)

    def project(self, x: Tensor) -> Tensor:
        """Returns ``x`` as it is: it meets the state before any weight."""
        return x

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """One step of the equations above."""
        x = projected
        h, c = state
        for i in range(self.rounds):
            if i % 2 == 0:
                x = 2 * torch.sigmoid(F.linear(h, self.mix_x[i // 2])) * x
            else:
                h = 2 * torch.sigmoid(F.linear(x, self.mix_h[i // 2])) * h
        gates = F.linear(x, self.weight_ih, self.bias_ih) + self.recur(h, drop)
        to_input, to_forget, to_cell, to_output = gates.chunk(4, dim=-1)
        c = torch.sigmoid(to_forget) * c + torch.sigmoid(to_input) * self.phi(to_cell)
        h = torch.sigmoid(to_output) * self.phi(c)
        return h, c


def _normalise(values: Tensor, gain: Tensor) -> Tensor:
    return F.layer_norm(values, values.shape[-1:], gain)
