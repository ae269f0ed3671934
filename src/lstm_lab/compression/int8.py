"""Weights of eight bits for the CPU: a quarter of the size, and a core that multiplies whole numbers.

Each matrix is rounded once, a scale for each of its rows; nothing is calibrated. Cores: `lstm_lab.compression.core`.
Tables of symbols, linear layers and heads, each once whoever shares it: `lstm_lab.compression.rows`. Convolutions,
normalisations and biases keep 32 bits: they are small.
"""

from __future__ import annotations

import copy
from functools import partial

from torch import Tensor, nn

from lstm_lab.compression.core import Int8Core
from lstm_lab.compression.rows import Rounding, Rows
from lstm_lab.errors import UserError
from lstm_lab.nets.embedding import Embedding
from lstm_lab.nets.encoder_decoder import EncoderDecoder
from lstm_lab.nets.feeding import FedCore
from lstm_lab.nets.rebuilding import replace_cores
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.nets.tagger import SequenceTagger
from lstm_lab.predictor import Predictor


def quantized(predictor: Predictor) -> Predictor:
    """Returns a predictor of the same networks with weights of eight bits; the one given stays as it is.

    Raises:
        UserError: for networks whose core torch has no eight-bit kernel for.
    """
    model = copy.deepcopy(predictor.model).cpu().eval().requires_grad_(False)
    for net in model.members:
        _check(net)
        replace_cores(net, partial(_core, _reaches(net)))
        Rounding().apply(net)
    return Predictor(model, predictor.processor)


def _core(reaches: dict[int, float], core: Recurrent) -> Int8Core:
    return Int8Core(core, reaches.get(id(core)))


def _check(net: nn.Module) -> None:
    if any(isinstance(module, FedCore) for module in net.modules()):
        raise UserError(
            "quantize=int8: torch has no eight-bit kernel for a decoder that is fed its last step. Allowed:"
            " model.decoder.input_feeding=false."
        )
    if not any(isinstance(module, Recurrent) for module in net.modules()):
        raise UserError(
            "quantize=int8 is for networks with a recurrent core; this one remembers maps or states of another form."
        )


def _reaches(net: nn.Module) -> dict[int, float]:
    """The largest size of an input of each core whose inputs are rows of a table, by the id of the core."""
    front = getattr(net, "frontend", None)
    if not isinstance(front, Embedding) or (isinstance(net, SequenceTagger) and len(net.convolutions.layers)):
        return {}
    places = 0.0 if front.places is None else float(front.places.abs().max())
    own = _largest(front.table.weight) + 1.00001 * places
    found = {id(core): own for core in net.children() if isinstance(core, Recurrent)}
    if isinstance(net, EncoderDecoder):
        found[id(net.decoder.core)] = _largest(net.decoder.table.weight)
    return found


def _largest(weight: Tensor) -> float:
    """The largest size in a table once it is rounded, and a little more: sums of two may be off in the last digit."""
    return 1.00001 * float(Rows(weight).weight.abs().max())
