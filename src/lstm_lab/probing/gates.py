"""What the gates do over one real input: every gate and every state, step by step, unit by unit."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.nets.gates import CANDIDATES
from lstm_lab.nets.replay import longest, replayed
from lstm_lab.probing.choosing import run
from lstm_lab.tasks import Task

Maps = dict[str, Tensor]
"""By name, (T, F) over the steps of one sequence; a layer's number and direction stand before the name."""


@torch.no_grad()
def measure(net: nn.Module, task: Task, batch: Batch) -> Maps:
    """Returns the gates, the candidate and the states of every layer over the first sequence of a batch.

    Args:
        net: one network, in evaluation mode.
        task: how it is run.
        batch: the first sequence of it is looked at.

    Raises:
        UserError: if the cell has no gates.
    """
    with replayed(net, gates=True) as calls:
        run(net, task, batch)
    call = longest(calls)
    steps, maps = int(call.real[0]), {}
    many = len(call.layers) > 1
    for layer in call.layers:
        before = f"{layer.number}{'←' if layer.backward else ''} " if many else ""
        for name in layer.gates[0]:
            maps[before + name] = layer.gate(name, call.lengths)[0, :steps]
        for name in layer.remembers:
            if layer.states[0][layer.remembers.index(name)].shape[-1] == layer.states[0][0].shape[-1]:
                maps[f"{before}state {name}"] = layer.state(name, call.lengths)[0, :steps]
    return maps


def to_table(maps: Maps, names: Sequence[str]) -> pd.DataFrame:
    """Returns a row a step, gate and unit: ``step``, ``name``, ``gate``, ``unit``, ``value``."""
    parts = []
    for gate, values in maps.items():
        wide = pd.DataFrame(values.double().numpy()).rename_axis("step").reset_index()
        long = wide.melt("step", var_name="unit", value_name="value")
        parts.append(long.assign(gate=gate, name=[names[step] for step in long["step"]]))
    table = pd.concat(parts, ignore_index=True)
    table["step"] += 1
    table["unit"] += 1
    return table[["step", "name", "gate", "unit", "value"]]


def means_of(table: pd.DataFrame) -> pd.DataFrame:
    """Returns a row a gate: ``gate`` and its ``mean`` over steps and units, candidates and states left out."""
    gates = table[table["gate"].map(_is_gate)]
    return gates.groupby("gate", sort=False)["value"].mean().rename("mean").reset_index()


def summary(table: pd.DataFrame) -> str:
    """One line: how far each gate is open."""
    rows = means_of(table)
    parts = [f"{gate} {mean:.2f}" for gate, mean in zip(rows["gate"], rows["mean"], strict=True)]
    return f"gates are open by {', '.join(parts)} on average (the forget gate keeps at 1 and forgets at 0)"


def _is_gate(name: str) -> bool:
    return name.rpartition(" ")[2] not in CANDIDATES and "state " not in name
