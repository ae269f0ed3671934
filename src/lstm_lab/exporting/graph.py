"""What is exported: a predictor as a function from tensors to tensors.

Shapes: B sequences, T steps of the longest, N samples of the longest wave, L layers, D directions, H units.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.exporting.carry import carry_states
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.nets.embedding import Embedding
from lstm_lab.nets.rebuilding import fused, has_kernel, replace_cores
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.predictor import Predictor

# Tasks that decode by several passes; one graph cannot hold them.
_SEARCHES = {"translate": "a search over sentences", "infill": "a search over fillings"}

# What a processor asks of a task to finish its answer, and nobody else.
_INNER = ("lengths", "spread", "scatter")


@dataclass(frozen=True)
class Port:
    """An input of the graph.

    Attributes:
        name: as the file calls it.
        dims: a number where the size is fixed, else the name by which it may vary.
        dtype: of the tensor.
    """

    name: str
    dims: tuple[int | str, ...]
    dtype: torch.dtype


class Graph(nn.Module):
    """A predictor without its Python: the networks of all members, scaling and features, in the user's units.

    Lengths are an input wherever sequences may differ, so that padding never changes a result.

    Args:
        predictor: what to export.
        state: whether the state of the core is an input and an output, so that a stream can be read piece by piece.
        steps: length of a sequence that a fixed graph takes, for cells that are written out step by step.

    Attributes:
        ports: what goes in, in order.
        names: of what comes out, in order.
        longest: steps that a sequence may have at the most; None for any number.
        example: one input for each port, of two rows.

    Raises:
        UserError: for a task, a cell or a front end that one graph cannot hold.
    """

    def __init__(self, predictor: Predictor, state: bool = False, steps: int | None = None) -> None:
        super().__init__()
        self.task, self.processor = predictor.task, predictor.processor
        if self.task.name in _SEARCHES:
            raise UserError(
                f"task={self.task.name} answers by {_SEARCHES[self.task.name]}, which one graph cannot hold."
                " Allowed: forecast, classify, regress, tag, language, transcribe, frames."
            )
        self.nets = nn.ModuleList(_at_rest(net) for net in predictor.model.members)
        self.register_buffer("weights", predictor.model.weights.clone())
        self.front = _features_of(self.processor)
        self.fixed = fixed_length(predictor)
        if steps is not None and not self.fixed:
            raise UserError(
                "steps=… is for cells that are written out step by step; this one takes any length."
            )
        self.example, self.ports = self._look(predictor, steps)
        places = [
            len(one.places)
            for one in self.nets.modules()
            if isinstance(one, Embedding) and one.places is not None
        ]
        self.longest = min(places, default=None)
        self._cores = carry_states(self.nets) if state else []
        if state:
            self._add_states()
        self.names: list[str] = []
        with torch.no_grad():
            self(*self.example)
        self.eval()

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Answers in the order of `names`."""
        given = {port.name: tensor for port, tensor in zip(self.ports, tensors, strict=True)}
        states = [tensor for name, tensor in given.items() if name.startswith("state_")]
        for core in self._cores:
            states = core.start_from(states)
        found = self._answer(self._batch(given))
        for number, core in enumerate(self._cores):
            found |= {f"next_{number}_{name}": part for name, part in core.ends_with().items()}
        self.names = list(found)
        return tuple(found.values())

    # -- in ---------------------------------------------------------------------------------------------------

    def _batch(self, given: dict[str, Tensor]) -> Batch:
        inputs = given.get("wave", given.get("inputs"))
        assert inputs is not None
        lengths = given.get("lengths")
        if lengths is None:
            lengths = torch.full((inputs.shape[0],), inputs.shape[1])
        if self.front is not None:
            inputs, lengths = self.front(inputs, lengths)
        elif "wave" in given:
            inputs = inputs[..., None]  # (B, N, 1)
        return Batch(
            inputs, lengths, torch.zeros_like(lengths),
            observed=given.get("observed"), future=given.get("future"),
        )  # fmt: skip

    def _look(self, predictor: Predictor, steps: int | None) -> tuple[list[Tensor], list[Port]]:
        """Example and ports, as the processor's own example has them."""
        processor, table = self.processor, self.processor.example()
        if getattr(processor, "inputs", "") == "wave" or self.front is not None:
            wave = processor.waves(table)[0].repeat(2, 1)  # (2, N)
            lengths = torch.tensor([wave.shape[1], wave.shape[1] - 1])
            ports = [
                Port("wave", ("batch", "samples"), wave.dtype),
                Port("lengths", ("batch",), torch.int64),
            ]
            return [wave, lengths], ports
        batch = processor.to_batch(table)
        rows = [0, 0]
        series = self.task.name == "forecast"  # its look-back is part of what was learned
        time: int | str = "time"
        if series or self.fixed:
            time = steps or batch.inputs.shape[1]
        inputs = _cut(batch.inputs, time)[rows]
        example, ports = [inputs], [Port("inputs", ("batch", time, *inputs.shape[2:]), inputs.dtype)]
        if not series and self.task.name != "frames":
            full = inputs.shape[1]
            example.append(torch.tensor([full, max(full - 1, 1)]))
            ports.append(Port("lengths", ("batch",), torch.int64))
        for name in ("observed", "future"):
            value = getattr(batch, name)
            if value is not None:
                example.append(value[rows])
                ports.append(Port(name, ("batch", *value.shape[1:]), value.dtype))
        return example, ports

    def _add_states(self) -> None:
        for number, core in enumerate(self._cores):
            for name, zeros in core.zeros(2).items():
                self.example.append(zeros)
                self.ports.append(
                    Port(f"state_{number}_{name}", (zeros.shape[0], "batch", *zeros.shape[2:]), zeros.dtype)
                )

    # -- out --------------------------------------------------------------------------------------------------

    def _answer(self, batch: Batch) -> dict[str, Tensor]:
        nets = list(self.nets)
        weights: Tensor = self.weights  # type: ignore[assignment]
        found = self.task.undecoded(nets, weights, batch)
        if self.task.name == "forecast":
            found = self.processor.finish(found)
        return {name: part for name, part in found.items() if name not in _INNER}


def fixed_length(predictor: Predictor) -> bool:
    """Whether a network goes over its steps in Python, so that a graph of it holds their number."""
    for module in predictor.model.modules():
        if isinstance(module, Recurrent):
            return not has_kernel(module)  # a scan has a depth that follows from the length
    return True


def _at_rest(net: nn.Module) -> nn.Module:
    """The network as it is after training, its cores in the fused kernels: what only training needs is gone."""
    net = copy.deepcopy(net).eval().requires_grad_(False)
    replace_cores(net, lambda core: fused(core) if core.backend == "reference" and has_kernel(core) else core)
    return net


def _features_of(processor: Any) -> AudioFeatures | None:
    """What turns waves into features where the processor does it; a net that reads waves has its own."""
    settings = getattr(processor, "features", None)
    if settings and getattr(processor, "inputs", "") == "features":
        return AudioFeatures(**settings).eval()
    return None


def _cut(inputs: Tensor, time: int | str) -> Tensor:
    """Inputs (B, T, …) with as many steps as a fixed graph takes, repeated if there are fewer."""
    if isinstance(time, str):
        return inputs
    again = -(-time // inputs.shape[1])
    return torch.cat([inputs] * again, dim=1)[:, :time]
