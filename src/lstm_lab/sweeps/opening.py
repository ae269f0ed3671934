"""Opening a study: its name, its storage, what it must agree with, and the points known beforehand."""

from __future__ import annotations

import json
import random
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import optuna

from lstm_lab.errors import UserError
from lstm_lab.sweeps.lease import Lease
from lstm_lab.sweeps.ledger import Ledger, enqueue
from lstm_lab.sweeps.results import write_atomically
from lstm_lab.sweeps.samplers import build_pruner, build_sampler, was_chosen
from lstm_lab.sweeps.settings import DEFAULT_TRIALS, Settings
from lstm_lab.sweeps.signature import agree
from lstm_lab.sweeps.space import Space
from lstm_lab.sweeps.storage import Address, claim_lock, masked, open_storage, shown


@dataclass(frozen=True)
class Budget:
    """How many trials, and which.

    Attributes:
        n_trials: in total, None if the sampler knows when every point has been visited.
        points: all of them, when they are enumerated rather than drawn.
    """

    n_trials: int | None
    points: Sequence[Mapping[str, Any]] | None


def budget(settings: Settings, space: Space) -> Budget:
    """Decides between a full grid and drawing.

    Only lists and ranges, and neither a sampler nor n_trials given: that is a grid, as Hydra's own sweeper
    would do it. ``sampler=grid`` asks for one; with fewer n_trials it is a random part of it.
    """
    chosen = was_chosen(
        {key: value for key, value in settings.sampler.items() if key != "_target_"}, settings.sampler_name
    )
    by_name = settings.sampler_name == "grid"
    if by_name or (not chosen and settings.n_trials is None and space.is_listed()):
        if space.extend is not None:
            raise UserError("A grid needs all its values written down; custom_search_space draws them.")
        points = list(space.points())
        if settings.n_trials is not None and settings.n_trials < len(points):
            random.Random(settings.sampler.get("seed") or 0).shuffle(points)
            points = points[: settings.n_trials]
        return Budget(len(points), points)
    if settings.n_trials is None and settings.sampler_name == "brute_force":
        return Budget(None, None)
    return Budget(settings.n_trials or DEFAULT_TRIALS, None)


def open_ledger(settings: Settings, space: Space, plan: Budget, directory: Path, job_name: str) -> Ledger:
    """Opens the study of a sweep, or goes on with it.

    Args:
        directory: the sweep's directory; the default journal lives in it.
        job_name: Hydra's name of the application, the default name of the study.

    Raises:
        UserError: if the study or the directory belongs to another sweep.
    """
    address: Address = settings.storage or str(directory / "study.journal")
    signature = {"directions": list(settings.directions), **space.signature()}
    name = settings.study_name or job_name
    if settings.storage and not settings.study_name:
        # A shared storage holds many studies: the same command finds its own again, another one does not.
        name += "-" + sha256(json.dumps(signature, sort_keys=True, default=str).encode()).hexdigest()[:8]
    _mark(directory, name, shown(address))
    storage = open_storage(address)
    with claim_lock(address, name), warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            directions=list(settings.directions),  # type: ignore[arg-type]
            load_if_exists=True,
        )
        before = tuple(direction.name.lower() for direction in study.directions)
        if before != settings.directions:
            raise UserError(
                f"The study {name} has been run with something else: directions was {list(before)}, now "
                f"{list(settings.directions)}. Take another study_name: values cannot be turned round."
            )
        new = agree(study, signature, settings.force)
        enqueue(study, [*settings.enqueue, *(plan.points or ())], space.fixed)
        told = sum(1 for trial in study.get_trials(deepcopy=False) if trial.state.name != "WAITING")
    study.sampler = build_sampler(settings.sampler, told, "" if new or told else Lease.mine().name())
    study.pruner = build_pruner(settings.pruner)
    enumerated = plan.points is not None
    return Ledger(study, address, space, plan.n_trials, enumerated, settings.max_retries)


def _mark(directory: Path, study: str, storage: str) -> None:
    """Writes which study a directory belongs to, so that two never mix their numbered trials in one."""
    path = directory / "study.json"
    if path.exists():
        before = json.loads(path.read_text())
        if (before["study"], before["storage"]) != (study, storage):
            raise UserError(
                f"{directory} holds the trials of the study {before['study']} in {before['storage']}; "
                f"{study} in {storage} needs a directory of its own (hydra.sweep.dir)."
            )
        return
    command = [masked(word) for word in sys.orig_argv]
    facts = {"study": study, "storage": storage, "command": command, "folder": str(Path.cwd())}
    write_atomically(path, json.dumps(facts, indent=1))
