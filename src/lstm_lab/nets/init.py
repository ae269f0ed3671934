"""How recurrent weights begin, each rule with its reference.

All rules act on one gate at a time: the fan-out of a gate is H, not the G*H rows that torch stacks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.errors import check_choice
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.recurrent import LayerWeights, Recurrent

SCHEMES = ("orthogonal", "gaussian", "torch")


def orthogonal_(weight_hh: Tensor, rows: Sequence[int]) -> None:
    """Makes each gate's block (H, H) orthogonal, so that it neither shrinks nor grows a state; `rows` are its H.

    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks"; for recurrent nets Henaff, Szlam & LeCun (2016).
    """
    for block in weight_hh.split(rows):
        nn.init.orthogonal_(block)


def xavier_(weight_ih: Tensor, rows: Sequence[int]) -> None:
    """Draws each gate's block (H, I) from U(±√(6 / (I + H))); `rows` are the H of each.

    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    eq. 16.
    """
    for block in weight_ih.split(rows):
        nn.init.xavier_uniform_(block)


def gaussian_(weight: Tensor) -> None:
    """Draws from N(0, 1/fan_in), standard deviation ``1/√fan_in``; fan-in is the number of columns.

    LeCun, Bottou, Orr & Müller (1998), "Efficient backprop", section 4.6.
    """
    nn.init.normal_(weight, std=1 / math.sqrt(weight.shape[1]))


@torch.no_grad()
def set_forget_bias(recurrent: Recurrent, value: float) -> None:
    """Sets the bias of every forget gate to exactly `value`; cells without that gate stay as they are.

    torch adds two biases. The value goes into ``bias_ih``; the forget part of ``bias_hh`` becomes 0, so that
    1 means 1. Gers, Schmidhuber & Cummins (2000) begin with a positive one; Jozefowicz, Zaremba & Sutskever
    (2015), "An empirical exploration of recurrent network architectures", recommend 1.
    """
    gates = CELLS[recurrent.cell].gates
    if "forget" not in gates:
        return
    forget = gates.index("forget")
    for rows, (_, _, bias_ih, bias_hh) in _all_parameters(recurrent):
        bias_ih.split(rows)[forget].fill_(value)
        if bias_hh is not None:
            bias_hh.split(rows)[forget].zero_()


@torch.no_grad()
def initialise(
    recurrent: Recurrent, scheme: str = "orthogonal", forget_bias: float | None = 1.0
) -> Recurrent:
    """Draws all parameters anew, from torch's global generator, in either backend.

    Args:
        recurrent: changed in place.
        scheme: ``orthogonal``: recurrent blocks orthogonal, input blocks Xavier, biases 0. ``gaussian``: all
            weights N(0, 1/fan_in), biases 0. ``torch``: everything U(±1/√H), biases too. Peepholes begin at 0
            (the cell then begins as an LSTM without them) but for ``torch``.
        forget_bias: bias of the forget gate, see `set_forget_bias`; None leaves what the scheme gives.

    Returns:
        The same net.

    Raises:
        UserError: unknown scheme.
    """
    check_choice("scheme", scheme, SCHEMES)
    recurrent.reset_parameters()
    if scheme != "torch":
        for rows, (weight_ih, weight_hh, *biases) in _all_parameters(recurrent):
            if scheme == "orthogonal":
                xavier_(weight_ih, rows)
            else:
                gaussian_(weight_ih)
            if weight_hh is not None:
                if scheme == "orthogonal":
                    orthogonal_(weight_hh, rows)
                else:
                    gaussian_(weight_hh)
            for bias in biases:
                if bias is not None:
                    bias.zero_()
        for name, parameter in recurrent.named_parameters():
            if "peephole" in name:
                parameter.zero_()
    if forget_bias is not None:
        set_forget_bias(recurrent, forget_bias)
    return recurrent


def build_core(input_size: int, settings: dict[str, Any]) -> Recurrent:
    """Builds and initialises a recurrent core.

    Args:
        input_size: features of a step that it reads.
        settings: arguments of `Recurrent`, with ``init`` and ``forget_bias`` for `initialise`.
    """
    settings = dict(settings)
    scheme, forget_bias = settings.pop("init", "orthogonal"), settings.pop("forget_bias", 1.0)
    return initialise(Recurrent(input_size, **settings), scheme, forget_bias)


def _all_parameters(recurrent: Recurrent) -> list[tuple[tuple[int, ...], LayerWeights]]:
    """The rows of each gate, and the parameters, of every layer and direction."""
    return [
        (recurrent.gate_sizes[layer], recurrent.layer_parameters(layer, direction))
        for layer in range(len(recurrent.widths))
        for direction in range(recurrent.directions)
    ]
