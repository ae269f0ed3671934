"""A recurrent core that reads, beside its input, what was made of its last step (input feeding, Luong et al. 2015).

What is fed depends on the step before, so no fused kernel can run it. The cells are the written-out ones, and what
does not depend on the step before, the input's share of the gates, is computed for all steps in one product.

Shapes: B sequences, T steps, I inputs, F features that are fed, G gates, H units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import Cell
from lstm_lab.nets.init import build_core
from lstm_lab.nets.recurrent import State


class FedCore(nn.Module):
    """Cells whose first layer reads the input and what is fed.

    Args:
        input_size: I.
        fed_size: F.
        core: settings of `lstm_lab.nets.recurrent.Recurrent`; its backend is always ``reference``.

    Raises:
        UserError: for dropout on weights, which would have to be drawn once for all steps.
    """

    def __init__(self, input_size: int, fed_size: int, core: dict[str, Any]) -> None:
        super().__init__()
        if core.get("weight_drop"):
            raise UserError(
                f"model.weight_drop={core['weight_drop']} does not go with model.decoder.input_feeding=true. "
                "Allowed: 0, or recurrent_dropout."
            )
        self.core = build_core(input_size + fed_size, {**core, "backend": "reference"})
        self.sizes, self.output_size = [input_size, fed_size], self.core.output_size
        first = self._cell(0)
        self._splits = type(first).project is Cell.project  # else the projection is not a plain linear one

    def _cell(self, layer: int) -> Cell:
        return self.core.cells[layer]  # type: ignore[return-value]

    def prepare(self, x: Tensor) -> tuple[Sequence[Tensor], Tensor | None]:
        """Does what is the same for all steps.

        Args:
            x: (B, T, I).

        Returns:
            The input's share of the first layer, T times (B, G*H), and the weights of what is fed (G*H, F): divided
            here and not in each step, where the way back would put them together as often. Of a cell whose
            projection is no plain linear one the inputs, T times (B, I), and None.
        """
        if not self._splits:
            return x.unbind(1), None
        first = self._cell(0)
        own, fed = first.weight_ih.split(self.sizes, dim=1)
        return F.linear(x, own, first.bias_ih).unbind(1), fed

    def masks(self, like: Tensor) -> tuple[list[Tensor] | None, list[Tensor] | None]:
        """Draws the dropout that is the same for all steps: on ``h``, and between layers if that is locked.

        Args:
            like: (B, …), of the device and dtype wanted.
        """
        on_state = self.core.dropout_masks(like.shape[0], like.device, like.dtype)
        if not (self.core.locked and self.training and self.core.dropout):
            return on_state, None
        widths = self.core.widths[:-1]
        return on_state, [F.dropout(like.new_ones(like.shape[0], w), self.core.dropout) for w in widths]

    def step(
        self,
        prepared: Tensor,
        weight: Tensor | None,
        fed: Tensor,
        state: State,
        masks: tuple[list[Tensor] | None, list[Tensor] | None],
    ) -> tuple[Tensor, State]:
        """Runs one step.

        Args:
            prepared: one of the first that `prepare` gave.
            weight: the second.
            fed: (B, F).
            state: as `Recurrent` has it.
            masks: of `masks`, the same for all steps of a sequence.

        Returns:
            The last layer's output (B, H), and the new state.
        """
        on_state, between = masks
        after: State = []
        x = prepared
        for layer, old in enumerate(state):
            cell, given = self._cell(layer), x
            drop = None if on_state is None else on_state[layer][0]
            start = tuple(part[0] for part in old)  # (B, H) each
            if layer == 0:
                projected = self._first(prepared, weight, fed)
            else:
                locked = None if between is None else between[layer - 1]
                x = x * locked if locked is not None else F.dropout(x, self.core.dropout, self.training)
                projected = cell.project(x)
            new = cell.follow(projected, start, drop)
            x = new[0] + given if layer and self.core.residual and new[0].shape == given.shape else new[0]
            after.append(tuple(part[None] for part in new))
        return x, after

    def _first(self, prepared: Tensor, weight: Tensor | None, fed: Tensor) -> Tensor:
        if weight is None:
            return self._cell(0).project(torch.cat([prepared, fed], dim=-1))
        return torch.addmm(prepared, fed, weight.t())
