"""torch's fused kernels: what they can do, how a stack is made of them, and what autocast leaves undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError, check_choice
from lstm_lab.nets.cell import CellState

FUSED: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def choose_backend(backend: str, cell: str, activation: str, recurrent_dropout: float, zoneout: float) -> str:
    """Returns ``torch`` or ``reference``, whichever can do what is asked.

    Raises:
        UserError: where ``torch`` is asked for and cannot.
    """
    check_choice("backend", backend, ("auto", "torch", "reference"))
    if cell not in FUSED:
        reason = f"cell={cell}"
    elif activation != "tanh" and cell != "rnn":
        reason = f"activation={activation} in cell={cell}"
    elif recurrent_dropout:
        reason = f"recurrent_dropout={recurrent_dropout}"
    elif zoneout:
        reason = f"zoneout={zoneout}"
    else:
        return "torch" if backend == "auto" else backend
    if backend == "torch":
        raise UserError(
            f"backend=torch has no {reason}: its fused kernels are lstm, gru and rnn with tanh (rnn also with"
            " relu), without recurrent dropout or zoneout. Use backend=auto or backend=reference."
        )
    return "reference"


def build_kernels(
    cell: str,
    activation: str,
    inputs: Sequence[int],
    widths: Sequence[int],
    bidirectional: bool,
    dropout: float,
    parted: bool,
) -> nn.ModuleList:
    """Returns one fused module for all layers where nothing comes between equal ones, else one for each.

    Args:
        cell: a key of `FUSED`.
        activation: of the ``rnn``.
        inputs: features that each layer reads.
        widths: units of each layer.
        bidirectional: whether each layer has a second direction.
        dropout: between the layers of one module.
        parted: whether something comes between layers that no kernel knows of.
    """
    options: dict[str, bool | str] = {"batch_first": True, "bidirectional": bidirectional}
    if cell == "rnn":
        options["nonlinearity"] = activation
    if len(set(widths)) == 1 and not parted:
        layers = len(widths)
        between = dropout if layers > 1 else 0.0  # torch warns of a dropout that has no place
        return nn.ModuleList([FUSED[cell](inputs[0], widths[0], layers, dropout=between, **options)])
    return nn.ModuleList(FUSED[cell](i, width, **options) for i, width in zip(inputs, widths, strict=True))


def as_autocast_has_it(x: Tensor, state: list[CellState] | None) -> tuple[Tensor, list[CellState] | None]:
    """Casts what goes into the LSTM kernel of the CPU under autocast.

    torch 2.13 casts the kernel's weights and nothing else, and the kernel then refuses float32 inputs.
    """
    if x.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
        return x, state
    dtype = torch.get_autocast_dtype("cpu")
    return x.to(dtype), state and [tuple(part.to(dtype) for part in layer) for layer in state]
