"""Weights of eight bits for the CPU: a quarter of the size, and products of whole numbers.

Dynamic quantization: weights are rounded once, a scale for each tensor; activations as they come, by their range in the
batch. Nothing has to be calibrated. torch's own modules do it (``torch.ao.nn.quantized.dynamic``).

Shapes: B sequences, T steps, I inputs, D directions, H units.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CellState
from lstm_lab.nets.decoder import Decoder
from lstm_lab.nets.padding import at_last
from lstm_lab.nets.rebuilding import has_kernel, has_zoneout, replace_cores
from lstm_lab.nets.recurrent import Recurrent, State
from lstm_lab.predictor import Predictor

_KERNELS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class Int8Core(Recurrent):
    """A core at rest whose weights have eight bits.

    Padding never changes a real step; but of an LSTM's state only ``h`` is that of the last real step, since the input
    column that holds ``c`` through padding would take all of a scale for itself. So no state goes in.

    Args:
        core: of a cell that torch has an eight-bit kernel for: ``lstm`` or ``gru``.

    Raises:
        UserError: for another cell, or one with options that only the written-out cells know.
    """

    def __init__(self, core: Recurrent) -> None:
        if core.cell not in _KERNELS or not has_kernel(core) or has_zoneout(core):
            raise UserError(
                f"quantize=int8: torch has no eight-bit kernel for cell={core.cell} as it was trained."
                f" Allowed: {', '.join(_KERNELS)} with tanh, without zoneout."
            )
        inputs = core.layer_parameters(0, 0)[0].shape[1]
        both = core.directions == 2
        super().__init__(inputs, core.widths, core.cell, bidirectional=both, residual=core.residual)
        self.backend = "int8"
        self.kernels = nn.ModuleList(
            _rounded(_alone(core, layer, direction))
            for layer in range(len(core.widths))
            for direction in range(core.directions)
        )

    def forward(
        self,
        x: Tensor,
        lengths: Tensor | None = None,
        state: State | None = None,
        masks: list[Tensor] | None = None,
    ) -> tuple[Tensor, State]:
        """As `Recurrent.forward`, from a state of zeros."""
        if state is not None:
            raise UserError("quantize=int8 reads whole sequences: no state goes in.")
        return super().forward(x, lengths)

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
        outputs, _ = self.kernels[layer * self.directions + direction](x)
        lengths = torch.full((x.shape[0],), x.shape[1]) if lengths is None else lengths
        return outputs, (at_last(outputs, lengths, state[0]),)


def quantized(predictor: Predictor) -> Predictor:
    """Returns a predictor of the same networks with weights of eight bits; the one given stays as it is.

    Recurrent cores, linear layers and tables of symbols that share no weight are rounded; convolutions and
    normalisations keep 32 bits: they are small.

    Raises:
        UserError: for networks whose core torch has no eight-bit kernel for, or that go on from a state.
    """
    decodes = any(isinstance(module, Decoder) for module in predictor.model.modules())
    if predictor.task.carries or decodes:
        raise UserError(
            f"quantize=int8 reads whole sequences; task={predictor.task.name} goes on from a state, step by step."
        )
    model = copy.deepcopy(predictor.model).cpu().eval().requires_grad_(False)
    model.members = nn.ModuleList(_net(net) for net in model.members)
    return Predictor(model, predictor.processor)


def _net(net: nn.Module) -> nn.Module:
    if not replace_cores(net, Int8Core):
        raise UserError(
            "quantize=int8 is for networks with a recurrent core; this one remembers maps or states of another form."
        )
    # torch 2.13 says each time that this moves to another package
    with warnings.catch_warnings(action="ignore"):
        torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, torch.qint8, inplace=True)
        if not _shared(net):
            rounding = {nn.Embedding: torch.ao.quantization.float_qparams_weight_only_qconfig}
            torch.ao.quantization.quantize_dynamic(net, rounding, inplace=True)
    return net


def _alone(core: Recurrent, layer: int, direction: int) -> nn.RNNBase:
    """One layer and direction of a core as a module of torch's."""
    weights = [one for one in core.layer_parameters(layer, direction) if one is not None]
    kernel = _KERNELS[core.cell](weights[0].shape[1], core.widths[layer], batch_first=True)
    with torch.no_grad():
        for target, source in zip(kernel.all_weights[0], weights, strict=True):
            target.copy_(source)  # type: ignore[union-attr]
    return kernel.eval()


def _rounded(kernel: nn.RNNBase) -> nn.Module:
    with warnings.catch_warnings(action="ignore"):
        holder = nn.Sequential(kernel)
        torch.ao.quantization.quantize_dynamic(holder, {type(kernel)}, torch.qint8, inplace=True)
    return holder[0]


def _shared(net: nn.Module) -> bool:
    """Whether a table of symbols is also the weight of something else."""
    tables = {id(module.weight) for module in net.modules() if isinstance(module, nn.Embedding)}
    places = [id(weight) for module in net.modules() for weight in module._parameters.values()]
    return any(places.count(one) > 1 for one in tables)
