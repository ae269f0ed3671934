"""How recurrent weights begin, each rule with its reference.

All rules act on one gate at a time: the fan-out of a gate is H, not the G*H rows that torch stacks.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.errors import check_choice
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.recurrent import Recurrent

SCHEMES = ("orthogonal", "gaussian", "torch")


def orthogonal_(weight_hh: Tensor, gates: int) -> None:
    """Makes each gate's block (H, H) orthogonal, so that it neither shrinks nor grows a state.

    Saxe, McClelland & Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear
    neural networks"; for recurrent nets Henaff, Szlam & LeCun (2016).
    """
    for block in weight_hh.chunk(gates):
        nn.init.orthogonal_(block)


def xavier_(weight_ih: Tensor, gates: int) -> None:
    """Draws each gate's block (H, I) from U(±√(6 / (I + H))).

    Glorot & Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks",
    eq. 16.
    """
    for block in weight_ih.chunk(gates):
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
    for *_, bias_ih, bias_hh in _all_parameters(recurrent):
        bias_ih.chunk(len(gates))[forget].fill_(value)
        bias_hh.chunk(len(gates))[forget].zero_()


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
        gates = len(CELLS[recurrent.cell].gates)
        for weight_ih, weight_hh, bias_ih, bias_hh in _all_parameters(recurrent):
            if scheme == "orthogonal":
                xavier_(weight_ih, gates)
                orthogonal_(weight_hh, gates)
            else:
                gaussian_(weight_ih)
                gaussian_(weight_hh)
            bias_ih.zero_()
            bias_hh.zero_()
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


def _all_parameters(recurrent: Recurrent) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """The four parameters of every layer and direction."""
    return [
        recurrent.layer_parameters(layer, direction)
        for layer in range(len(recurrent.widths))
        for direction in range(recurrent.directions)
    ]
