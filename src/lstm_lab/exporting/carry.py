"""The state of a core as an input and an output of the graph, instead of an argument and a result in Python.

Shapes: B sequences, L layers, D directions, F features of a state.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.rebuilding import one_way_core
from lstm_lab.nets.recurrent import Recurrent, State


class Carried(nn.Module):
    """A core that starts where it is told to, and tells where it ended.

    A state lives here between `start_from` and `ends_with` of one call only; nothing is remembered in between.

    Args:
        core: in one direction.
    """

    def __init__(self, core: Recurrent) -> None:
        super().__init__()
        self.core = core
        self.output_size, self.directions = core.output_size, core.directions
        # A list, so that a tracer sees neither a buffer nor an attribute that changes.
        self._passed: list[State] = []

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, state: State | None = None, masks: Any = None
    ) -> tuple[Tensor, State]:
        """As `Recurrent.forward`, from the state that was handed over."""
        outputs, after = self.core(x, lengths, self._passed.pop())
        self._passed.append(after)
        return outputs, after

    def zeros(self, batch: int) -> dict[str, Tensor]:
        """The state at the start of a stream, (D, B, F) each, by layer and part."""
        return self._named(self.core.initial_state(batch, dtype=torch.float32))

    def start_from(self, parts: list[Tensor]) -> list[Tensor]:
        """Takes as many tensors as its state has, and returns the rest."""
        state: State = []
        for sizes in self.core.state_sizes:
            state.append(tuple(parts[: len(sizes)]))
            parts = parts[len(sizes) :]
        self._passed[:] = [state]
        return parts

    def ends_with(self) -> dict[str, Tensor]:
        """The state after the last real step of each sequence."""
        return self._named(self._passed.pop())

    def _named(self, state: State) -> dict[str, Tensor]:
        words = CELLS[self.core.cell].remembers
        return {
            f"{word}{layer}": part
            for layer, parts in enumerate(state)
            for word, part in zip(words, parts, strict=True)
        }


def carry_states(nets: nn.ModuleList) -> list[Carried]:
    """Puts a `Carried` in the place of each network's core.

    Raises:
        UserError: for networks whose answer does not follow from a state and what comes next.
    """
    found = []
    for net in nets:
        core = one_way_core(net, "state=true")
        net.core = Carried(core)
        found.append(net.core)
    return found
