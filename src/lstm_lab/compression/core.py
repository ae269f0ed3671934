"""A recurrent core of eight bits: weights rounded once, a scale for each row; products of whole numbers.

torch's dynamic kernels round what they multiply, the inputs and ``h``, by the range of all that is handed over at once.
So an answer would change with what stands beside it in a batch, and a stream would not be the whole. But the ranges are
known: ``h`` lies between -1 and 1, and so do the inputs of every layer but the first; those of the first are rows of a
table, where symbols are read. Both ends of a range are therefore always handed over: as two columns of the input whose
weights are zero, and as two units that are held at -1 and 1 and that nobody reads. Sums of whole numbers are exact, so
that batch, padding and pieces of a stream change no bit.

Shapes: B sequences, T steps, I inputs, D directions, H units, G gates.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn

from lstm_lab.compression.rows import rounded
from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CellState
from lstm_lab.nets.padding import HOLD
from lstm_lab.nets.rebuilding import has_kernel, has_zoneout
from lstm_lab.nets.recurrent import LayerWeights, Recurrent

# What holds a unit where it is, a bias for each gate in torch's order: LSTM input, forget, cell, output; GRU reset,
# update, new.
_HOLDS = {"lstm": (-HOLD, HOLD, 0.0, HOLD), "gru": (0.0, HOLD, 0.0)}
# What a held unit remembers, for each part of the state; tanh(50) is 1.
_HELD = {"lstm": (1.0, 50.0), "gru": (1.0,)}


class Int8Core(Recurrent):
    """A core at rest whose weights have eight bits; states stay float.

    Args:
        core: of a cell that torch has an eight-bit kernel for: ``lstm`` or ``gru``.
        reach: the largest size of an input, where it is known. Without it the first layer rounds its inputs by
            their range in the batch, and nothing goes on from a state.

    Raises:
        UserError: for another cell, or one with options that only the written-out cells know.
    """

    def __init__(self, core: Recurrent, reach: float | None = None) -> None:
        if core.cell not in _HOLDS or not has_kernel(core) or has_zoneout(core):
            raise UserError(
                f"quantize=int8: torch has no eight-bit kernel for cell={core.cell} as it was trained."
                f" Allowed: {', '.join(_HOLDS)} with tanh, without zoneout."
            )
        inputs = core.layer_parameters(0, 0)[0].shape[1]
        both = core.directions == 2
        super().__init__(inputs, core.widths, core.cell, bidirectional=both, residual=core.residual)
        self.backend = "int8"
        if reach is None:
            self.whole = "quantize=int8 rounds numbers by their range in all that is read at once"
        self.kernels = nn.ModuleList(
            _scripted(core.cell, core.layer_parameters(layer, direction), size)
            for layer, size in enumerate(_reaches(core, reach))
            for direction in range(core.directions)
        )

    def _run_one(
        self,
        layer: int,
        direction: int,
        x: Tensor,
        lengths: Tensor | None,
        padding: Tensor | None,
        state: CellState,
        drop: Tensor | None,
    ) -> tuple[Tensor, CellState]:
        outputs, after = self.kernels[layer * self.directions + direction](x, lengths, list(state))
        return outputs, tuple(after)


class Int8Kernel(nn.Module):
    """One layer and direction, forward in time; scripted, since it goes from one end of a sequence to the next.

    Args:
        cell: ``lstm`` or ``gru``.
        weights: of the layer.
        reach: the largest size of an input, None where it is not known.
    """

    def __init__(self, cell: str, weights: LayerWeights, reach: float | None) -> None:
        super().__init__()
        self.reach: Tensor
        self.held: Tensor
        weight_ih, weight_hh, bias_ih, bias_hh = (one.detach() for one in weights if one is not None)
        self.cell, self.units = cell, weight_hh.shape[1]
        columns = 0 if reach is None else 2
        holds = torch.tensor(_HOLDS[cell])
        biases = _held(bias_ih, holds), _held(bias_hh, torch.zeros_like(holds))
        if cell == "lstm":  # whose gates add both, so that one is enough
            biases = biases[0] + biases[1], torch.zeros_like(biases[1])
        packed = [
            torch.ops.quantized.linear_prepack(_per_row(_widened(weight, len(holds), extra)), bias)
            for weight, extra, bias in zip((weight_ih, weight_hh), (columns, 2), biases, strict=True)
        ]
        # The biases are in what is packed; here torch only keeps them. Seven bits for what is multiplied: with eight,
        # processors without VNNI would overflow.
        unused = torch.zeros(0)
        self.weights = torch.ops.quantized.make_quantized_cell_params_dynamic(*packed, unused, unused, True)
        ends = torch.tensor([-1.0, 1.0])
        self.register_buffer("reach", ends[:columns] * (reach or 0.0))
        self.register_buffer("held", torch.stack([ends * size for size in _HELD[cell]]))

    def forward(self, x: Tensor, lengths: Tensor | None, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Returns the outputs (B, T, H), of no meaning on padding, and the state after each last real step.

        Args:
            x: (B, T, I).
            lengths: (B,), the real steps of each; None says that all are real.
            state: (B, H) each.
        """
        rows, steps = x.size(0), x.size(1)
        x = torch.cat([x, self.reach.expand(rows, steps, self.reach.size(0))], dim=2)
        within = [torch.cat([part, self.held[i].expand(rows, 2)], dim=1) for i, part in enumerate(state)]
        if lengths is None:
            outputs, within = self.run(x, within)
            return outputs[:, :, : self.units], [part[:, : self.units] for part in within]
        found, pieces, begun = state, [x[:, :0, :1].expand(rows, 0, self.units)], 0
        stops: list[int] = torch.unique(lengths).tolist()
        for stop in stops:
            if stop > begun:
                outputs, within = self.run(x[:, begun:stop], within)
                pieces.append(outputs[:, :, : self.units])
                begun = stop
            ended = (lengths == stop)[:, None]
            if stop > 0:
                found = [torch.where(ended, part[:, : self.units], found[i]) for i, part in enumerate(within)]
        pieces.append(x.new_zeros(rows, steps - begun, self.units))
        return torch.cat(pieces, dim=1), found

    def run(self, x: Tensor, state: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Runs torch's kernel, its two held units among the others."""
        start = [part[None] for part in state]
        # What follows the weights: with biases, one layer, no dropout, not training, one direction, batch first.
        if self.cell == "lstm":
            outputs, h, c = torch.quantized_lstm(
                x,
                start,
                [self.weights],
                True,
                1,
                0.0,
                False,
                False,
                True,
                dtype=torch.qint8,
                use_dynamic=True,
            )
            return outputs, [h[0], c[0]]
        outputs, h = torch.quantized_gru(x, start[0], [self.weights], True, 1, 0.0, False, False, True)
        return outputs, [h[0]]


def _reaches(core: Recurrent, first: float | None) -> list[float | None]:
    """The largest size of what each layer reads: outputs of one, and what residual layers add to them."""
    found, reach = [first], 1.0
    inputs = [core.layer_parameters(layer, 0)[0].shape[1] for layer in range(len(core.widths))]
    for layer in range(1, len(core.widths)):
        found.append(reach)
        added = core.residual and inputs[layer] == core.directions * core.widths[layer]
        reach = 1.0 + reach if added else 1.0
    return found


def _widened(weight: Tensor, gates: int, columns: int) -> Tensor:
    """Adds two units to each gate of (G*H, K), and columns, all zero."""
    parted = weight.unflatten(0, (gates, -1))
    return nn.functional.pad(parted, (0, columns, 0, 2)).flatten(0, 1)


def _held(bias: Tensor, holds: Tensor) -> Tensor:
    """Adds the biases of two units to each gate of (G*H,)."""
    parted = bias.unflatten(0, (len(holds), -1))  # (G, H)
    return torch.cat([parted, holds[:, None].expand(-1, 2)], dim=1).flatten()


def _per_row(weight: Tensor) -> Tensor:
    """A matrix as torch keeps whole numbers with a scale for each row."""
    numbers, scales = rounded(weight)
    zeros = torch.zeros(len(scales), dtype=torch.int64)
    return torch._make_per_channel_quantized_tensor(numbers, scales.double(), zeros, 0)


def _scripted(cell: str, weights: LayerWeights, reach: float | None) -> nn.Module:
    # torch 2.13 says that both, its whole numbers and its scripts, will give way to other packages.
    with warnings.catch_warnings(action="ignore"):
        return torch.jit.script(Int8Kernel(cell, weights, reach))
