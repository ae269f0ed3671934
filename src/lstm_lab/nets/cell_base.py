"""What all cells share: parameters, the loop over time, zoneout, and the state as an argument and a result.

`lstm_lab.nets.cell`, `lstm_lab.nets.cell_variants`, `lstm_lab.nets.cell_minimal` and
`lstm_lab.nets.cell_exponential` hold the equations.

Shapes: B sequences, T steps, I inputs, H units, G gates, F features of a thing remembered, H for most.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import check_at_least, check_choice

CellState = tuple[Tensor, ...]
"""What a cell remembers, the output ``h`` first."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": torch.relu}


class Cell(nn.Module):
    """What all cells share: parameters, the loop over time, and the state as an argument and a result.

    A new cell names its `gates` and what it remembers, and writes `advance`. If it has a form that is parallel
    over time, that one becomes `forward`, and `unroll` stays the loop.

    Args:
        input_size: I.
        hidden_size: H.
        activation: ``tanh`` or ``relu``, wherever the equations say φ. Gates stay logistic.
        heads: into which the units are divided, in the cells that have them.

    Attributes:
        recurs: whether any gate sees ``h_{t-1}``; without that there are no ``weight_hh`` and ``bias_hh``.
        lacks: options of `lstm_lab.nets.recurrent.Recurrent` for which the equations have no place.
        gate_sizes: rows of each gate in the weights.
        state_sizes: features of each thing remembered, those of ``h`` first.
        zoneout: probability that a unit keeps what it remembered, drawn anew at each step and for each thing
            remembered; once trained, the mean of both takes its place (Krueger et al. 2017, "Zoneout").
    """

    gates: ClassVar[tuple[str, ...]]
    remembers: ClassVar[tuple[str, ...]] = ("h",)
    recurs: ClassVar[bool] = True
    lacks: ClassVar[tuple[str, ...]] = ("heads",)

    def __init__(self, input_size: int, hidden_size: int, activation: str = "tanh", heads: int = 1) -> None:
        super().__init__()
        check_at_least("input_size", input_size, 1)
        check_at_least("hidden_size", hidden_size, 1)
        check_choice("activation", activation, ACTIVATIONS)
        self.input_size, self.hidden_size, self.activation = input_size, hidden_size, activation
        self.heads, self.zoneout = heads, 0.0
        rows = sum(self.gate_sizes)
        self.weight_ih = nn.Parameter(torch.empty(rows, input_size))
        if self.recurs:
            self.weight_hh = nn.Parameter(torch.empty(rows, hidden_size))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        if self.recurs:  # in torch's order
            self.bias_hh = nn.Parameter(torch.empty(rows))
        self.reset_parameters()

    @property
    def gate_sizes(self) -> tuple[int, ...]:
        """See the class."""
        return (self.hidden_size,) * len(self.gates)

    @property
    def state_sizes(self) -> tuple[int, ...]:
        """See the class."""
        return (self.hidden_size,) * len(self.remembers)

    def reset_parameters(self) -> None:
        """Draws every parameter from U(-1/√H, 1/√H), as torch does."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def initial_state(self, like: Tensor) -> CellState:
        """Returns zeros (B, F) for each thing remembered; B, device and dtype are those of `like` (B, …)."""
        return tuple(like.new_zeros(like.shape[0], size) for size in self.state_sizes)

    def project(self, x: Tensor) -> Tensor:
        """Returns ``W_ih x + b_ih`` for all gates, (…, I) to (…, G*H)."""
        return F.linear(x, self.weight_ih, self.bias_ih)

    def recur(self, h: Tensor, drop: Tensor | None) -> Tensor:
        """Returns ``W_hh h + b_hh`` for all gates, (B, H) to (B, G*H), with dropout on ``h`` only here."""
        return F.linear(h if drop is None else h * drop, self.weight_hh, self.bias_hh)

    def phi(self, x: Tensor) -> Tensor:
        """Applies the activation φ."""
        return ACTIVATIONS[self.activation](x)

    def advance(self, projected: Tensor, state: CellState, drop: Tensor | None = None) -> CellState:
        """Returns the state after one step, given its projected input (B, G*H). The equations stand here."""
        raise NotImplementedError

    def step(self, x_t: Tensor, state: CellState, drop: Tensor | None = None) -> tuple[Tensor, CellState]:
        """Runs one step.

        Args:
            x_t: (B, I).
            state: (B, F) for each thing remembered.
            drop: (B, H) factors on the recurrent ``h``, the same for all steps of a sequence, or None.

        Returns:
            The output (B, H) and the new state.
        """
        state = self.follow(self.project(x_t), state, drop)
        return state[0], state

    def follow(self, projected: Tensor, state: CellState, drop: Tensor | None) -> CellState:
        """Returns `advance` after zoneout: what a loop over time calls."""
        new = self.advance(projected, state, drop)
        if not self.zoneout:
            return new
        if not self.training:
            return tuple(self.zoneout * o + (1 - self.zoneout) * n for n, o in zip(new, state, strict=True))
        return tuple(
            torch.where(torch.rand_like(n) < self.zoneout, o, n) for n, o in zip(new, state, strict=True)
        )

    def forward(
        self,
        x: Tensor,
        state: CellState | None = None,
        real: Tensor | None = None,
        drop: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Runs all steps, in parallel where the cell can; see `unroll`, which it is for all others."""
        return self.unroll(x, state, real, drop)

    def unroll(
        self,
        x: Tensor,
        state: CellState | None = None,
        real: Tensor | None = None,
        drop: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        """Runs all steps in a loop; the input projection is one matrix product over all of them.

        Args:
            x: (B, T, I).
            state: (B, F) for each thing remembered; zeros if not given.
            real: (B, T) bool; where False the state stays as it was. All steps are real if not given.
            drop: as in `step`.

        Returns:
            The outputs (B, T, H), and the state after each sequence's last real step.
        """
        state = self.initial_state(x) if state is None else state
        outputs = []
        for t, projected in enumerate(self.project(x).unbind(1)):  # T times (B, G*H)
            new = self.follow(projected, state, drop)
            if real is not None:
                new = tuple(torch.where(real[:, t, None], n, o) for n, o in zip(new, state, strict=True))
            state = new
            outputs.append(state[0])
        return torch.stack(outputs, dim=1), state  # (B, T, H)

    def extra_repr(self) -> str:
        """Sizes, for ``print(net)``."""
        return f"{self.input_size}, {self.hidden_size}, activation={self.activation}"


def widened(x: Tensor) -> Tensor:
    """Returns `x` with at least 32 bits: products and sums over many steps, and exponentials, need them."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
