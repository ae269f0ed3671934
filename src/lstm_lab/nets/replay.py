"""Running a net once more through the written-out cells, so that every state of every step can be looked at.

A fused kernel gives outputs and the last state only. Its parameters are laid out as those of the written-out cells, so
for a while each recurrent core of a net computes through cells that *share* them; a test demands equal outputs.

Shapes: B sequences, T steps, I inputs, F features of a thing remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.cell_base import Cell, CellState
from lstm_lab.nets.gates import Gates, check_gates, open_gates
from lstm_lab.nets.padding import flip
from lstm_lab.nets.rebuilding import written_out
from lstm_lab.nets.recurrent import Recurrent, State


@dataclass
class Layer:
    """One layer and direction of a call, step by step in its own direction.

    Attributes:
        number: of the layer, from 1.
        backward: whether it reads from the end.
        remembers: names of what it remembers.
        states: after each step, (B, F) for each thing remembered.
        gates: at each step, if they were asked for.
    """

    number: int
    backward: bool
    remembers: tuple[str, ...]
    states: list[CellState] = field(default_factory=list)
    gates: list[Gates] = field(default_factory=list)

    def state(self, name: str, lengths: Tensor | None = None) -> Tensor:
        """Returns one thing remembered after each step, (B, T, F), in the order of the input."""
        place = self.remembers.index(name)
        return self._ordered([state[place] for state in self.states], lengths)

    def gate(self, name: str, lengths: Tensor | None = None) -> Tensor:
        """Returns one gate at each step, (B, T, F), in the order of the input."""
        return self._ordered([gates[name] for gates in self.gates], lengths)

    def _ordered(self, steps: list[Tensor], lengths: Tensor | None) -> Tensor:
        found = torch.stack(steps, dim=1)
        return flip(found, lengths) if self.backward else found


@dataclass
class Call:
    """One call of a recurrent core.

    Attributes:
        core: the core.
        x: its input (B, T, I), in the graph of what came before.
        lengths: (B,) or None where all steps are real.
        start: the state that it began with, None for zeros.
        outputs: (B, T, D*H).
        layers: every layer and direction, lowest first.
    """

    core: Recurrent
    x: Tensor
    lengths: Tensor | None
    start: State | None
    outputs: Tensor
    layers: list[Layer]

    @property
    def real(self) -> Tensor:
        """(B,) the real steps of each sequence."""
        steps = torch.full((self.x.shape[0],), self.x.shape[1])
        return steps if self.lengths is None else self.lengths.cpu()


@contextmanager
def replayed(net: nn.Module, gates: bool = False) -> Iterator[list[Call]]:
    """While it lasts, the recurrent cores of a net run through written-out cells, and each call is kept.

    Args:
        net: any net; it computes what it always does, slower.
        gates: whether gates are kept as well.

    Yields:
        A list that fills with calls.

    Raises:
        UserError: if the net has no recurrent core of vectors, or gates are asked for and a core has none.
    """
    cores = [module for module in net.modules() if isinstance(module, Recurrent)]
    if not cores:
        raise UserError(
            "this network has no recurrent core of vectors to look into (maps of a video have none)."
        )
    calls: list[Call] = []
    if gates:
        for core in cores:
            check_gates(core.cell)
    recorders = [_Recorder(core, calls, gates) for core in cores]
    for core, recorder in zip(cores, recorders, strict=True):
        core.__dict__["forward"] = recorder
    try:
        yield calls
    finally:
        for core, recorder in zip(cores, recorders, strict=True):
            del core.__dict__["forward"]
            recorder.close()


def longest(calls: list[Call]) -> Call:
    """The call that read most steps, the first of equals: what read the input.

    Raises:
        UserError: if a net with a recurrent core never called it.
    """
    if not calls:
        raise UserError(
            "this network did not run its recurrent core as a whole, so it cannot be looked into."
        )
    return max(calls, key=lambda call: call.x.shape[1])


class _Recorder:
    """Stands in for the `forward` of a core."""

    def __init__(self, core: Recurrent, calls: list[Call], gates: bool) -> None:
        self.core, self.calls, self.gates = core, calls, gates
        self.twin = written_out(core)

    def __call__(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        state: State | None = None,
        masks: list[Tensor] | None = None,
    ) -> tuple[Tensor, State]:
        if torch.is_grad_enabled() and not x.requires_grad:
            x = x.detach().requires_grad_()
        layers: list[Layer] = []
        for place, cell in enumerate(self.twin.cells):
            number, direction = divmod(place, self.twin.directions)
            layers.append(Layer(number + 1, direction == 1, cell.remembers))  # type: ignore[arg-type]
            cell.__dict__["forward"] = _Loop(cell, layers[-1], self.gates)  # type: ignore[arg-type]
        outputs, after = Recurrent.forward(self.twin, x, lengths, state, masks)
        self.calls.append(Call(self.core, x, lengths, state, outputs, layers))
        return outputs, after

    def close(self) -> None:
        """Gives cells that belong to the core itself their own loop back."""
        for cell in self.twin.cells:
            cell.__dict__.pop("forward", None)


class _Loop:
    """Stands in for the `forward` of a cell: its loop over time, with every step kept."""

    def __init__(self, cell: Cell, layer: Layer, gates: bool) -> None:
        self.cell, self.layer, self.gates = cell, layer, gates

    def __call__(
        self,
        x: Tensor,
        state: CellState | None = None,
        real: Tensor | None = None,
        drop: Tensor | None = None,
    ) -> tuple[Tensor, CellState]:
        state = self.cell.initial_state(x) if state is None else state
        for t, projected in enumerate(self.cell.project(x).unbind(1)):
            if self.gates:
                self.layer.gates.append(open_gates(self.cell, projected, state))
            new = self.cell.follow(projected, state, drop)
            if real is not None:
                new = tuple(torch.where(real[:, t, None], n, o) for n, o in zip(new, state, strict=True))
            state = new
            self.layer.states.append(state)
        return torch.stack([one[0] for one in self.layer.states], dim=1), state
