"""Samplers and pruners from their config nodes; what the user left unset stays Optuna's default."""

from __future__ import annotations

import hashlib
import importlib.util
import warnings
from collections.abc import Mapping
from typing import Any

import optuna
from hydra.utils import instantiate

from lstm_lab.errors import UserError

# These visit a fixed sequence of points: another seed would be another sequence.
_SEED_IS_THE_SEQUENCE = ("QMCSampler", "GridSampler", "BruteForceSampler")


def was_chosen(node: Mapping[str, Any] | None, option: str | None) -> bool:
    """Tells whether the user asked for a sampler (or pruner), by name or by one of its arguments.

    Args:
        node: its config.
        option: the chosen name in the config group.
    """
    arguments = {key for key, value in _given(node).items() if key != "seed" and value is not None}
    return option not in (None, "auto") or bool(arguments)


def build_sampler(
    node: Mapping[str, Any] | None, told: int = 0, worker: str = ""
) -> optuna.samplers.BaseSampler:
    """Builds a sampler.

    Args:
        node: ``_target_`` and arguments.
        told: trials that the study already holds. A resumed sampler with the same seed would suggest its
            first points again, so the seed moves on with the count.
        worker: name of a process that joins a study, for a seed of its own.

    Raises:
        UserError: if the sampler needs a package that is missing, or does not take its arguments.
    """
    arguments = _given(node)
    target = str(arguments.pop("_target_", "optuna.samplers.TPESampler"))
    name = target.rpartition(".")[2]
    if name == "MOTPESampler":
        raise UserError(
            "The sampler 'motpe' left Optuna in 4.0: use hydra/sweeper/sampler=tpe, which now does it."
        )
    if name == "CmaEsSampler" and importlib.util.find_spec("cmaes") is None:
        raise UserError("hydra/sweeper/sampler=cmaes needs one more package: pip install cmaes")
    seed = arguments.get("seed")
    if seed is not None and (told or worker) and name not in _SEED_IS_THE_SEQUENCE:
        digest = hashlib.sha256(f"{seed}/{told}/{worker}".encode()).digest()
        arguments["seed"] = int.from_bytes(digest[:4], "big")
    if name == "NSGAIIISampler" and "reference_points" in arguments:
        import numpy

        arguments["reference_points"] = numpy.asarray(arguments["reference_points"], dtype=float)
        # instantiate() would turn the array into a config again
        return _quiet(lambda: optuna.samplers.NSGAIIISampler(**arguments), target)
    if name == "PartialFixedSampler":
        arguments["base_sampler"] = build_sampler(arguments.get("base_sampler"), told, worker)
        return _quiet(lambda: optuna.samplers.PartialFixedSampler(**arguments), target)
    if name == "GridSampler":  # its points are put into the queue of the study, which survives a restart
        return optuna.samplers.RandomSampler(seed=arguments.get("seed"))
    return _quiet(lambda: instantiate({"_target_": target, **arguments}, _convert_="all"), target)


def build_pruner(node: Mapping[str, Any] | None) -> optuna.pruners.BasePruner:
    """Builds a pruner from ``_target_`` and arguments; None prunes nothing."""
    arguments = _given(node)
    if not arguments:
        return optuna.pruners.NopPruner()
    target = arguments["_target_"]
    return _quiet(lambda: instantiate(arguments, _convert_="all"), target)


def _given(node: Mapping[str, Any] | None) -> dict[str, Any]:
    return {str(key): value for key, value in (node or {}).items() if value is not None}


def _quiet(build: Any, target: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            return build()
        except Exception as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise UserError(f"{target.rpartition('.')[2]} cannot be built: {reason}") from error
