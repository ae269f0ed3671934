"""One exported file with its card, written only after it has answered as the predictor does."""

from __future__ import annotations

import json
import os
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_lab.errors import UserError, check_choice
from lstm_lab.exporting.graph import Graph, Port
from lstm_lab.exporting.onnx import OPSET, write_onnx
from lstm_lab.predictor import Predictor

FORMATS = {"onnx": "model.onnx", "torch": "model.pt"}

# Largest difference from the predictor, as a share of the largest number of an answer (of 1 at least).
TOLERANCE = 1e-5

Answer = Callable[[list[Tensor]], list[Tensor]]


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: of the file.
        graph: what it holds.
        differences: (batch, length) of each trial to the largest difference from the predictor, as a share.
    """

    path: Path
    graph: Graph
    differences: dict[tuple[int, int], float]


def export(
    predictor: Predictor, folder: Path, form: str = "onnx", state: bool = False, steps: int | None = None
) -> Exported:
    """Writes the file and ``card.json``, which says what goes in and what comes out.

    Args:
        predictor: a trained model.
        folder: where to; it exists.
        form: ``onnx``, or ``torch`` for TorchScript, which libtorch reads as well.
        state: whether the core's state is an input and an output.
        steps: length of a sequence, for cells that have no kernel.

    Raises:
        UserError: for what a graph cannot hold, missing packages, or a file that answers otherwise than the
            predictor; nothing is written then.
    """
    check_choice("format", form, FORMATS)
    graph = Graph(predictor, state, steps)
    if state:
        _check_pieces(graph)
    path = folder / FORMATS[form]
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        {"onnx": write_onnx, "torch": _write_script}[form](graph, aside)
        differences = compare(graph, {"onnx": _ask_onnx, "torch": _ask_script}[form](aside, graph))
        worst = max(differences.values(), default=0.0)
        if not worst <= TOLERANCE:
            raise UserError(
                f"the exported file differs from the model by {worst:.1e} (allowed: {TOLERANCE:.0e}); it was not kept."
            )
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    (folder / "card.json").write_text(json.dumps(_card(graph, form, worst), indent=1) + "\n")
    tokenizer = getattr(graph.processor, "tokenizer", None)
    if tokenizer is not None:
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer.to_plain()) + "\n")
    return Exported(path, graph, differences)


def compare(graph: Graph, answer: Answer) -> dict[tuple[int, int], float]:
    """Asks a file and the graph the same: one row and seven, of the example's length and of others.

    Returns:
        The largest difference for each (batch, length), as a share of the largest number of the answer.
    """
    generator = torch.Generator().manual_seed(0)
    found = {}
    usual = graph.example[0].shape[1]
    lengths = (usual,) if isinstance(graph.ports[0].dims[1], int) else (usual, usual + 5, max(usual // 2, 2))
    allowed = [steps for steps in lengths if graph.longest is None or steps <= graph.longest]
    for batch, length in [(rows, steps) for rows in (1, 7) for steps in allowed]:
        question = _question(graph, batch, length, generator)
        with torch.no_grad():
            truth = graph(*question)
        given = answer(question)
        shares = [
            float((one - other).abs().max() / other.abs().max().clamp(min=1.0))
            for one, other in zip(given, truth, strict=True)
            if other.is_floating_point() and other.numel()
        ]
        found[batch, length] = max(shares, default=0.0)
    return found


def _question(graph: Graph, batch: int, length: int, generator: torch.Generator) -> list[Tensor]:
    """The example's steps in another order, cut or repeated to a length, sequences ending where they like."""
    made = []
    for port, example in zip(graph.ports, graph.example, strict=True):
        if port.name == "lengths":
            ends = torch.randint(max(1, length // 2), length + 1, (batch,), generator=generator)
            ends[0] = length
            made.append(ends)
        elif port.name.startswith("state_"):
            made.append(torch.randn(example.shape[0], batch, *example.shape[2:], generator=generator) * 0.1)
        elif len(port.dims) > 1 and isinstance(port.dims[1], str):
            steps = torch.randint(0, example.shape[1], (batch, length), generator=generator)
            made.append(torch.stack([example[0][row] for row in steps]))
        else:
            made.append(torch.cat([example[:1]] * batch))
    return made


def _check_pieces(graph: Graph) -> None:
    """Whether a sequence read in two pieces gives what it gives in one."""
    if "lengths" not in [port.name for port in graph.ports]:
        raise UserError(
            "state=true: a forecast normalises each window by its own rows; no state outlives it."
        )
    inputs = graph.example[0][:1]
    length = inputs.shape[1]
    start = [torch.zeros_like(one[:, :1]) for one in graph.example[2:]]

    def ask(piece: Tensor, states: list[Tensor]) -> dict[str, Tensor]:
        with torch.no_grad():
            found = graph(piece, torch.tensor([piece.shape[1]]), *states)
        return dict(zip(graph.names, found, strict=True))

    whole, first = ask(inputs, start), ask(inputs[:, : length // 2], start)
    carried = [part for name, part in first.items() if name.startswith("next_")]
    second = ask(inputs[:, length // 2 :], carried)
    for name, answer in whole.items():
        pieces = torch.cat([first[name], second[name]], 1) if answer.shape[1:2] == (length,) else second[name]
        if pieces.shape != answer.shape or not torch.allclose(pieces, answer, atol=1e-4, rtol=1e-4):
            raise UserError(
                f"state=true: '{name}' of this model depends on more than the state of its core (pooling over steps,"
                " or a front end that looks around). Allowed: task.pooling=last, and front ends of one step."
            )


# -- the two formats ------------------------------------------------------------------------------------------


def _write_script(graph: Graph, path: Path) -> None:
    """By TorchScript, deprecated as it is: torch.export would fix the length of what a recurrent kernel reads."""
    with warnings.catch_warnings(action="ignore"), torch.no_grad():
        torch.jit.trace(graph, tuple(graph.example), check_trace=False).save(str(path))
    _pack(path)


def _pack(path: Path) -> None:
    """Deflates what torch stores as it is, and leaves out where in our sources each line of the graph comes from.

    torch's reader inflates, libtorch's as well. Of a small model of eight bits this is a quarter, of one with zeros
    nearly the share of zeros.
    """
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist() if not name.endswith(".debug_pkl")}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, stored in content.items():
            archive.writestr(name, stored)


def _ask_script(path: Path, graph: Graph) -> Answer:
    with warnings.catch_warnings(action="ignore"):
        loaded = torch.jit.load(str(path))

    def answer(question: list[Tensor]) -> list[Tensor]:
        with torch.no_grad():
            return list(loaded(*question))

    return answer


def _ask_onnx(path: Path, graph: Graph) -> Answer:
    try:
        import onnxruntime
    except ImportError:
        raise UserError(
            "format=onnx needs onnxruntime to try the file: pip install 'lstm-lab[export]'."
        ) from None
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    taken = {one.name for one in session.get_inputs()}

    def answer(question: list[Tensor]) -> list[Tensor]:
        pairs = zip(graph.ports, question, strict=True)
        found = session.run(None, {port.name: one.numpy() for port, one in pairs if port.name in taken})
        return [torch.from_numpy(np.asarray(one)) for one in found]

    return answer


def _card(graph: Graph, form: str, worst: float) -> dict[str, Any]:
    """What somebody has to know who has nothing but the file."""
    from lstm_lab import __version__

    def described(port: Port) -> dict[str, Any]:
        return {
            "name": port.name,
            "shape": list(port.dims),
            "dtype": str(port.dtype).removeprefix("torch."),
        }

    card: dict[str, Any] = {
        "task": graph.task.name,
        "format": form,
        "inputs": [described(port) for port in graph.ports],
        "outputs": graph.names,
        "difference": worst,
        "version": __version__,
    }
    if form == "onnx":
        card["opset"] = OPSET
    if graph.longest is not None:
        card["longest"] = graph.longest
    for key in ("classes", "names", "columns"):
        value = getattr(graph.processor, key, None)
        if isinstance(value, list | tuple) and value:
            card[key] = list(value)
    if graph.front is not None:
        card["sample_rate"] = graph.front.sample_rate
    return card
