"""To ONNX, any batch and any length.

torch.export takes a recurrent kernel apart step by step and so fixes the length of the sequence (torch 2.13). While it
traces, each call of a kernel is therefore written down as ONNX's own operator, which takes any length.

Shapes: B sequences, T steps, D directions, H units, G gates, L layers.
"""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from lstm_lab.errors import UserError
from lstm_lab.exporting.graph import Graph

OPSET = 20

# ONNX's operator for each kernel of torch, and the places of its gates in torch's weights: LSTM i f g o → i o f c,
# GRU r z n → z r h.
_OPERATORS = {
    "lstm": ("LSTM", (0, 3, 1, 2)),
    "gru": ("GRU", (1, 0, 2)),
    "rnn_tanh": ("RNN", (0,)),
    "rnn_relu": ("RNN", (0,)),
}


def write_onnx(graph: Graph, path: Path) -> None:
    """Writes a graph as ONNX.

    Raises:
        UserError: where the packages that this takes are not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"format=onnx needs {error.name}: pip install 'lstm-lab[export]'. Without it: format=torch."
        ) from None
    dims = [
        {place: torch.export.Dim.DYNAMIC for place, dim in enumerate(port.dims) if isinstance(dim, str)}
        for port in graph.ports
    ]
    with torch.no_grad(), _quiet(), OwnOperators():
        program = torch.export.export(
            graph, tuple(graph.example), dynamic_shapes=(tuple(dims),), strict=False
        )
        written = torch.onnx.export(
            program,
            dynamo=True,
            opset_version=OPSET,
            input_names=[port.name for port in graph.ports],
            output_names=graph.names,
            verbose=False,
        )
    assert written is not None
    written.save(str(path))


class OwnOperators(TorchFunctionMode):
    """Writes torch's recurrent kernels down as ONNX's operators."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = getattr(func, "__name__", "")
        if name in _OPERATORS and isinstance(args[2], tuple | list):  # not the form for packed sequences
            return _operators(name, *args)
        return func(*args, **(kwargs or {}))


def _operators(
    name: str,
    x: Tensor,
    state: Any,
    weights: Sequence[Tensor],
    bias: bool,
    layers: int,
    dropout: float,
    training: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """One operator a layer, with the arguments and results of ``torch.lstm`` and its like."""
    directions = 2 if bidirectional else 1
    parts = tuple(state) if name == "lstm" else (state,)
    x = x.transpose(0, 1) if batch_first else x  # (T, B, I)
    each = 4 if bias else 2
    ends = []
    for layer in range(layers):
        place = layer * directions
        own = [weights[(place + d) * each : (place + d + 1) * each] for d in range(directions)]
        x, *end = _one_layer(name, x, [part[place : place + directions] for part in parts], own)
        ends.append(end)
    after = [torch.cat(part) for part in zip(*ends, strict=True)]  # (L D, B, H) each
    return (x.transpose(0, 1) if batch_first else x, *after)


def _one_layer(
    name: str, x: Tensor, state: list[Tensor], weights: list[Sequence[Tensor]]
) -> tuple[Tensor, ...]:
    """Returns the outputs (T, B, D H) and the state (D, B, H) each."""
    operator, order = _OPERATORS[name]
    directions, hidden = len(weights), weights[0][1].shape[1]

    def ordered(which: int) -> Tensor:  # (D, G H, …)
        gates = [one[which].chunk(len(order)) for one in weights]
        return torch.stack([torch.cat([one[place] for place in order]) for one in gates])

    attributes: dict[str, Any] = {
        "hidden_size": hidden,
        "direction": "bidirectional" if directions == 2 else "forward",
    }
    if operator == "GRU":
        attributes["linear_before_reset"] = 1  # r ⊙ (U h + b), as torch has it
    if operator == "RNN":
        attributes["activations"] = ["Tanh" if name == "rnn_tanh" else "Relu"] * directions
    biases = torch.cat([ordered(2), ordered(3)], dim=1) if len(weights[0]) == 4 else None
    y, *end = torch.onnx.ops.symbolic_multi_out(
        operator,
        [x, ordered(0), ordered(1), biases, None, *state],
        attributes,
        dtypes=[x.dtype] * (1 + len(state)),
        shapes=[(x.shape[0], directions, x.shape[1], hidden)]
        + [(directions, x.shape[1], hidden)] * len(state),
        version=OPSET,
    )
    return (y.transpose(1, 2).flatten(2), *end)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Takes away what the exporter says of itself: attributes of kernels it copies, packages it could use."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(level)
