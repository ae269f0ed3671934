"""The checked settings of one sweep, as plain values."""

from __future__ import annotations

import enum
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstm_lab.errors import UserError, check_at_least, check_choice

DEFAULT_TRIALS = 20


@dataclass(frozen=True)
class Settings:
    """``hydra.sweeper`` after it has been checked; `lstm_lab.sweeps.config` tells what each key means."""

    directions: tuple[str, ...]
    sampler: Mapping[str, Any]
    sampler_name: str | None
    pruner: Mapping[str, Any] | None
    pruner_name: str | None
    storage: Any
    study_name: str | None
    n_trials: int | None
    n_jobs: int
    max_failure_rate: float
    custom_search_space: str | None
    params: Mapping[str, Any]
    enqueue: tuple[Mapping[str, Any], ...]
    replicates: int
    replicate_key: str
    devices: Any
    threads: int | None
    preload: tuple[str, ...]
    isolation: str
    trial_timeout: float | None
    max_retries: int
    max_consecutive_failures: int | None
    force: bool
    retrain_best: bool
    observers: tuple[Any, ...]
    figures: Any
    live: Any


def read_settings(node: Mapping[str, Any], choices: Mapping[str, Any]) -> Settings:
    """Checks ``hydra.sweeper``.

    Args:
        node: its resolved content.
        choices: the chosen options of the config groups, by group.

    Raises:
        UserError: for a value that is not allowed.
    """
    for key, least in (("n_jobs", 1), ("replicates", 1), ("max_retries", 0), ("max_failure_rate", 0)):
        check_at_least(f"hydra.sweeper.{key}", node[key], least)
    for key in ("n_trials", "threads", "max_consecutive_failures"):
        if node[key] is not None:
            check_at_least(f"hydra.sweeper.{key}", node[key], 1)
    if node["max_failure_rate"] > 1:
        raise UserError("hydra.sweeper.max_failure_rate is a share of all trials: at most 1.")
    check_choice("hydra.sweeper.isolation", node["isolation"], ("auto", "process", "launcher"))
    check_choice("hydra.sweeper.resume", node["resume"], ("auto", "force"))
    directions = _directions(node["direction"])
    sampler_name = choices.get("hydra/sweeper/sampler")
    pruner_name = choices.get("hydra/sweeper/pruner")
    return Settings(
        directions=directions,
        sampler=dict(node["sampler"] or {}),
        sampler_name=sampler_name,
        pruner=_pruner(node["pruner"], pruner_name, directions),
        pruner_name=pruner_name,
        storage=node["storage"],
        study_name=node["study_name"],
        n_trials=node["n_trials"],
        n_jobs=int(node["n_jobs"]),
        max_failure_rate=float(node["max_failure_rate"]),
        custom_search_space=node["custom_search_space"],
        params=dict(node["params"] or {}),
        enqueue=tuple(node["enqueue"] or ()),
        replicates=int(node["replicates"]),
        replicate_key=str(node["replicate_key"]),
        devices=node["devices"],
        threads=node["threads"],
        preload=tuple(node["preload"] or ()),
        isolation=node["isolation"],
        trial_timeout=node["trial_timeout"],
        max_retries=int(node["max_retries"]),
        max_consecutive_failures=node["max_consecutive_failures"],
        force=node["resume"] == "force",
        retrain_best=bool(node["retrain_best"]),
        observers=tuple(node["observers"] or ()),
        figures=node["figures"],
        live=node["live"],
    )


def _directions(value: Any) -> tuple[str, ...]:
    several = isinstance(value, (list, tuple))
    names = [one.name if isinstance(one, enum.Enum) else str(one) for one in (value if several else [value])]
    if not names:
        raise UserError("hydra.sweeper.direction is empty: minimize, maximize or a list of them.")
    for name in names:
        check_choice("hydra.sweeper.direction", name, ("minimize", "maximize"))
    return tuple(names)


def _pruner(
    node: Mapping[str, Any] | None, name: str | None, directions: tuple[str, ...]
) -> Mapping[str, Any] | None:
    from lstm_lab.sweeps.samplers import was_chosen

    if len(directions) == 1:
        return dict(node) if node else None
    if was_chosen({key: value for key, value in (node or {}).items() if key != "_target_"}, name):
        if name == "none":
            return None
        raise UserError(
            "Pruning compares one objective; this sweep has "
            f"{len(directions)}. Take hydra/sweeper/pruner=none, or one direction."
        )
    return None


def divided_threads(threads: int | None, n_jobs: int, ranks: int) -> int:
    """Returns the CPU threads of one process, so that all slots together use each core once."""
    if threads is not None:
        return threads
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // (n_jobs * ranks))


def devices_by_slot(devices: Any, n_jobs: int, ranks: int) -> list[str | None]:
    """Returns ``CUDA_VISIBLE_DEVICES`` for each slot, None to leave it as it is.

    Args:
        devices: ``auto``, None, or a list of device names.
        n_jobs: number of slots.
        ranks: processes per trial; each slot gets so many devices.
    """
    if devices is None:
        return [None] * n_jobs
    if devices == "auto":
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        found = [one for one in visible.split(",") if one] if visible is not None else _gpus()
        if len(found) < 2 or n_jobs == 1:
            return [None] * n_jobs
    else:
        found = [
            str(one) for one in (devices if isinstance(devices, (list, tuple)) else str(devices).split(","))
        ]
        if not found:
            raise UserError("hydra.sweeper.devices is an empty list.")
    picked = []
    for slot in range(n_jobs):
        block = [found[(slot * ranks + index) % len(found)] for index in range(ranks)]
        picked.append(",".join(dict.fromkeys(block)))
    return list(picked)


def _gpus() -> list[str]:
    # The driver's own list: asking torch would import it into the supervisor.
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(index) for index, _ in enumerate(folder.iterdir())] if folder.is_dir() else []
