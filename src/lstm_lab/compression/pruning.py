"""The settings of a run that prunes an earlier one: those of that run, but for what its command says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from lstm_lab.compression.units import check_units
from lstm_lab.errors import UserError, check_choice
from lstm_lab.paths import find_run
from lstm_lab.resuming import filled
from lstm_lab.starting import read_start

# Not taken from the run that is pruned: where and how this one is run, and what it is about.
_OWN = ("start", "prune", "resume", "dry_run", "trainer", "tracking", "threads", "allow_targets", "probe")
# What makes the network, which is the earlier run's.
_NET = (
    "model.hidden_size",
    "model.num_layers",
    "model.cell",
    "model.bidirectional",
    "ensemble",
    "task.head",
)
_GROUPS = ("model", "task", "frontend", "experiment", "debug")


def settings_of(settings: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Returns the settings of a run, those of the run that is pruned where ``prune.amount`` asks for it.

    Args:
        settings: the whole composed config.
        overrides: the words of the command line, which go on top.

    Raises:
        UserError: if there is nothing to prune, or a word asks for another network.
    """
    prune = settings.get("prune") or {}  # records of earlier versions have none
    if not prune.get("amount"):
        return settings
    check_choice("prune.by", prune["by"], ("units", "weights"))
    for name, most in (("amount", 1), ("ramp", 1)):
        if not 0 <= prune[name] < most:
            raise UserError(f"prune.{name}={prune[name]} is a share: at least 0 and below 1.")
    run = settings["start"]
    if run is None:
        raise UserError(f"prune.amount={prune['amount']} is for a trained network: name it by start=<run>.")
    earlier = yaml.safe_load((find_run(run, "start") / "config.yaml").read_text())
    kept = filled(earlier, settings) | {key: settings[key] for key in _OWN}
    for word in overrides:
        key = word.lstrip("+~").partition("=")[0].partition("@")[0]
        if key in _GROUPS or key in _NET:
            raise UserError(f"{word}: the network is that of start={run}; leave {key} out to prune it.")
        _put(kept, settings, key.split("."))
    if prune["by"] == "units":
        _fewer_units(kept, prune["amount"])
    return kept


def _fewer_units(settings: dict[str, Any], amount: float) -> None:
    """Writes the widths that remain into the settings of the model."""
    run = settings["start"]
    net = read_start(run)["hyper_parameters"]
    check_units(net, run)
    hidden = net["hidden_size"]
    widths = hidden if isinstance(hidden, list) else [hidden] * net["num_layers"]
    fewer = [max(1, round((1 - amount) * width)) for width in widths]
    if settings["task"].get("tied") and fewer[-1] == (net["frontend"] or {}).get("size") != widths[-1]:
        fewer[-1] += 1  # as wide as the vectors that its head shares it would lose the map between the two
    settings["model"]["hidden_size"] = fewer[0] if len(set(fewer)) == 1 else fewer
    if settings["task"].get("embedding") == "auto":  # it would follow the units
        settings["task"]["embedding"] = widths[0]


def _put(kept: dict[str, Any], given: dict[str, Any], path: list[str]) -> None:
    """Copies what a word of the command line has set; a word of Hydra's own has no place in the settings."""
    for part in path[:-1]:
        if part not in kept or part not in given:
            return
        kept, given = kept[part], given[part]
    if path[-1] in given:
        kept[path[-1]] = given[path[-1]]
