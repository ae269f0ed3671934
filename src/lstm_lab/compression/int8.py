"""Weights of eight bits for the CPU: a quarter of the size, and products of whole numbers.

Dynamic quantization: weights are rounded once, a scale for each tensor; activations as they come, by their range in the
batch. Nothing has to be calibrated. torch's own modules do it (``torch.ao.nn.quantized.dynamic``).

Shapes: B sequences, T steps, I inputs, D directions, H units.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.padding import at_last, flip, real_steps
from lstm_lab.nets.recurrent import Recurrent, State
from lstm_lab.predictor import Predictor

_KERNELS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class Int8Core(nn.Module):
    """A `Recurrent` at rest whose weights have eight bits.

    Padding never changes a real step, as in `Recurrent`; but of an LSTM's state only ``h`` is that of the last real
    step, since the input column that holds ``c`` through padding would take all of a scale for itself. So there is no
    `step`, and no state goes in.

    Args:
        core: of a cell that torch has an eight-bit kernel for: ``lstm`` or ``gru``.

    Raises:
        UserError: for another cell, or one with options that only the written-out cells know.
    """

    def __init__(self, core: Recurrent) -> None:
        super().__init__()
        if core.cell not in _KERNELS or core.activation != "tanh" or _has_zoneout(core):
            raise UserError(
                f"quantize=int8: torch has no eight-bit kernel for cell={core.cell} as it was trained."
                f" Allowed: {', '.join(_KERNELS)} with tanh, without zoneout."
            )
        self.cell, self.widths, self.directions = core.cell, core.widths, core.directions
        self.output_size, self.residual = core.output_size, core.residual
        self.kernels = nn.ModuleList(
            _rounded(_alone(core, layer, direction))
            for layer in range(len(core.widths))
            for direction in range(core.directions)
        )

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, state: State | None = None, masks: Any = None
    ) -> tuple[Tensor, State]:
        """As `Recurrent.forward`, from a state of zeros."""
        if state is not None:
            raise UserError("quantize=int8 reads whole sequences: no state goes in.")
        lengths = torch.full((x.shape[0],), x.shape[1]) if lengths is None else lengths
        real = real_steps(lengths, x.shape[1])[:, :, None]  # (B, T, 1)
        x = torch.where(real, x, 0.0)
        result: State = []
        for layer, width in enumerate(self.widths):
            given, outputs, after = x, [], []
            for direction in range(self.directions):
                y = flip(x, lengths) if direction else x
                y, _ = self.kernels[layer * self.directions + direction](y)
                after.append(at_last(y, lengths, y.new_zeros(y.shape[0], width)))
                outputs.append(flip(y, lengths) if direction else y)
            x = torch.cat(outputs, dim=-1)  # (B, T, D*H)
            x = x + given if layer and self.residual and x.shape == given.shape else x
            x = torch.where(real, x, 0.0)
            result.append((torch.stack(after),))
        return x, result


def quantized(predictor: Predictor) -> Predictor:
    """Returns a predictor of the same networks with weights of eight bits; the one given stays as it is.

    Recurrent cores, linear layers and tables of symbols that share no weight are rounded; convolutions and
    normalisations keep 32 bits: they are small.

    Raises:
        UserError: for networks whose core torch has no eight-bit kernel for, or whose state is carried.
    """
    if predictor.task.carries:
        raise UserError(
            f"quantize=int8 reads whole sequences; task={predictor.task.name} carries a state along a stream."
        )
    nets = [_net(copy.deepcopy(net).cpu().eval().requires_grad_(False)) for net in predictor.model.members]
    model = copy.copy(predictor.model)
    model._modules = dict(predictor.model._modules)
    model.members = nn.ModuleList(nets)
    return Predictor(model, predictor.processor)


def _net(net: nn.Module) -> nn.Module:
    cores = [(name, module) for name, module in net.named_modules() if isinstance(module, Recurrent)]
    if not cores:
        raise UserError(
            "quantize=int8 is for networks with a recurrent core; this one remembers maps or states of another form."
        )
    for name, core in cores:
        parent, _, last = name.rpartition(".")
        setattr(net.get_submodule(parent), last, Int8Core(core))
    with _quiet():
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
    with _quiet():
        holder = nn.Sequential(kernel)
        torch.ao.quantization.quantize_dynamic(holder, {type(kernel)}, torch.qint8, inplace=True)
    return holder[0]


def _has_zoneout(core: Recurrent) -> bool:
    return core.backend == "reference" and any(bool(getattr(cell, "zoneout", 0.0)) for cell in core.cells)


def _shared(net: nn.Module) -> bool:
    """Whether a table of symbols is also the weight of something else."""
    tables = {id(module.weight) for module in net.modules() if isinstance(module, nn.Embedding)}
    places = [id(weight) for module in net.modules() for weight in module._parameters.values()]
    return any(places.count(one) > 1 for one in tables)


class _quiet(warnings.catch_warnings):
    """torch 2.13 says at each call that its quantization moves to another package."""

    def __enter__(self) -> None:  # type: ignore[override]
        super().__enter__()
        warnings.simplefilter("ignore")
