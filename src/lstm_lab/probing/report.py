"""One probe of one or several models, from a measurement to tables, pictures and a line for each model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from lstm_lab.batch import Batch
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError, check_choice
from lstm_lab.figures.probes import draw_gates, draw_gradients, draw_importance, draw_memory
from lstm_lab.models import SequenceModel
from lstm_lab.probing import choosing, gates, gradients, importance, memory

PROBES = ("gradients", "gates", "memory", "importance")
# The longest sequences that gradients and memory look at, if not said.
_LONGEST = 32


@dataclass(frozen=True)
class Settings:
    """What is asked of a probe.

    Attributes:
        probe: one of `PROBES`.
        part: ``validation`` or ``test``.
        sequences: of the part: the longest for gradients and memory, evenly spread ones for importance; None for 32
            and 2000.
        lag: the longest lag; as far as these sequences go if None.
        after: steps that are read before states are exchanged, for memory.
        sample: which sequence of the part the gates are shown on.
        repeats: permutations of each input, for importance.
    """

    probe: str
    part: str = "validation"
    sequences: int | None = None
    lag: int | None = None
    after: int = 2
    sample: int = 0
    repeats: int = 10

    def __post_init__(self) -> None:
        check_choice("probe", self.probe, PROBES)


@dataclass
class Probed:
    """What a probe saw in one model.

    Attributes:
        table: everything, a row a number.
        line: the gist.
        maps: of gates, by name (T, F).
        names: of the T steps.
    """

    table: pd.DataFrame
    line: str
    maps: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)


def look(
    model: SequenceModel,
    processor: Any,
    settings: Settings,
    data: SequenceDataModule | None = None,
    batch: Batch | None = None,
) -> Probed:
    """Looks into the first network of a model; weights, gradients, modes and random numbers stay as they are.

    Importance is asked of all networks together.

    Args:
        model: trained or not.
        processor: of its data.
        settings: what is asked.
        data: where sequences come from.
        batch: sequences to look at instead.

    Raises:
        UserError: if the probe cannot be had of this model or these sequences.
    """
    net, task = model.members[0], model.task
    if settings.probe == "importance":
        assert data is not None
        with _at_rest(model), torch.inference_mode(False):
            table = importance.measure(model, data, settings.part, settings.sequences, settings.repeats)
        return Probed(table, importance.summary(table))
    if batch is None:
        assert data is not None
        if settings.probe == "gates":
            batch = choosing.one_sequence(data, settings.part, settings.sample)
        else:
            batch = choosing.longest_sequences(data, settings.part, settings.sequences or _LONGEST)
    with _at_rest(net), torch.inference_mode(False):
        batch = batch.to(model.device)
        if settings.probe == "gradients":
            table = gradients.measure(net, task, batch, settings.lag)
            return Probed(table, gradients.summary(table))
        if settings.probe == "memory":
            table = memory.measure(net, task, batch, settings.lag, settings.after)
            return Probed(table, memory.summary(table))
        maps = {name: values.cpu() for name, values in gates.measure(net, task, batch).items()}
    steps = len(next(iter(maps.values())))
    names = choosing.step_names(processor, batch, steps, data)
    arrays = {name: values.numpy() for name, values in maps.items()}
    table = gates.to_table(maps, names)
    return Probed(table, gates.summary(table), arrays, names)


def draw(path: Path, settings: Settings, found: Mapping[str, Probed], title: str) -> None:
    """Draws what a probe saw, several models side by side where that can be read."""
    tables = {name: one.table for name, one in found.items()}
    if settings.probe == "gradients":
        draw_gradients(path, tables, f"{title}: how far back the gradient reaches")
    elif settings.probe == "memory":
        draw_memory(path, tables, f"{title}: how long the state remembers")
    elif settings.probe == "importance":
        draw_importance(path, tables, f"{title}: what each input is worth")
    elif len(found) > 1:
        raise UserError("probe=gates shows one model at a time: name one run, or one model.")
    else:
        ((name, one),) = found.items()
        draw_gates(path, one.maps, one.names, f"{title}: gates and states of {name}")


class _at_rest:
    """A net in evaluation mode for a while; each module gets its own mode back, and random numbers go on as before."""

    def __init__(self, net: nn.Module) -> None:
        self._active = [module for module in net.modules() if module.training]

    def __enter__(self) -> None:
        self._state = torch.get_rng_state()
        for module in self._active:
            module.training = False

    def __exit__(self, *reason: object) -> None:
        for module in self._active:
            module.training = True
        torch.set_rng_state(self._state)
