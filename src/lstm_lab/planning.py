"""What a run is made of: data, task and model, built and checked before anything is written."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from lstm_lab.batch import Batch
from lstm_lab.compression.distilling import teacher_of
from lstm_lab.data import SequenceDataModule, load_processor
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.models import SequenceModel
from lstm_lab.models.optim import build_optimizer, build_schedule
from lstm_lab.paths import outputs_dir
from lstm_lab.starting import check_folds, read_start, start_from
from lstm_lab.tasks import Task
from lstm_lab.tracking.store import resolve_uri
from lstm_lab.training import ranks
from lstm_lab.training.ranks import Group
from lstm_lab.training.sparsity import MagnitudePruning
from lstm_lab.training.trainer import build_trainer, choose_chunk, choose_threads
from lstm_lab.wiring import build


@dataclass
class Plan:
    """Everything that a run is made of, built and checked before anything is written."""

    settings: dict[str, Any]
    data: SequenceDataModule
    task: Task
    model: SequenceModel
    allowed: list[str]
    threads: int
    chunk: int
    max_steps: int
    trainer: dict[str, Any]
    group: Group
    callbacks: list[pl.Callback]
    example: Batch
    refits: bool
    watch: Any = None  # the probe, if one was asked for
    sparsity: MagnitudePruning | None = None  # by which weights are set to zero, if that was asked for


def prepare(settings: Any, overrides: Sequence[str], group: Group) -> Plan:
    """Builds data, task and model; every mistake shows here, with nothing written yet."""
    allowed = allowed_targets(settings, overrides)
    if settings["tracking"]["enabled"]:
        resolve_uri(settings["tracking"]["uri"], outputs_dir())  # a store of no known kind is told here
    seed = settings["seed"]
    pl.seed_everything(seed, workers=True, verbose=False)
    data = build(settings["data"], SequenceDataModule, allowed, **_seed_if_taken(settings["data"], seed))
    if settings["start"] is not None:
        content = read_start(settings["start"])
        check_folds(settings["start"], content["data"], settings["data"])
        data.earlier = load_processor(content["processor"])
    data.setup("fit")
    if data.spec.target.kind != settings["task"]["target"]:
        raise UserError(
            f"this task asks for a {settings['task']['target']}, {settings['data'].get('name', 'this data')} gives a "
            f"{data.spec.target.kind}. Leave task=… out: the data choose theirs."
        )
    task_node = {
        key: value for key, value in settings["task"].items() if key not in ("target", "metric", "direction")
    }
    task = build(task_node, Task, allowed)
    data.suit(task.to_plain())
    listen(task, settings, data)
    if settings["data"].get("path"):  # the checkpoint finds the file from any folder
        settings["data"]["path"] = str(Path(settings["data"]["path"]).expanduser().absolute())
    trainer = group.trainer(settings["trainer"])
    accumulate = trainer["accumulate"]
    check_at_least("trainer.accumulate", accumulate, 1)
    max_steps, validate_every = choose_steps(settings["fit"], data, task, accumulate)
    example = data.example_batch()
    flops = estimate_flops(example, settings)
    threads = choose_threads(settings["threads"], flops)
    torch.set_num_threads(threads)
    ranks.check_shares(settings["data"].get("batch_size", group.world), group)
    check_at_least("fit.save_every", settings["fit"]["save_every"], 0)
    check_at_least("early_stopping.patience", settings["early_stopping"]["patience"], 0)
    callbacks = [build(node, pl.Callback, allowed) for node in settings["callbacks"].values() if node]
    watch = build(settings["probe"], pl.Callback, allowed) if settings.get("probe") else None
    lean = trainer["precision"] in ("32-true", 32, "32") and trainer["strategy"] == "auto" and accumulate == 1
    chunk = choose_chunk(settings["fit"]["steps_per_execution"], validate_every, flops, lean)
    model = build_model(settings, data, task, chunk, allowed, max_steps)
    start_from(model, settings["start"], pruned_by(settings))
    sparsity = None
    if pruned_by(settings) == "weights":
        sparsity = MagnitudePruning(settings["prune"]["amount"], int(settings["prune"]["ramp"] * max_steps))
        callbacks.append(sparsity)
    # What only training would find out is tried here, while nothing has been written.
    if watch is not None:
        watch.check(model, data)
        callbacks.append(watch)
    build_schedule(build_optimizer(model.parameters(), settings["optim"]), settings["optim"], max_steps)
    build_trainer(1, **trainer)
    data.steps, data.chunk = validate_every * accumulate, chunk
    refits = task.refits and data.refits if settings["refit"] == "auto" else settings["refit"]
    if refits and not data.refits:
        data.fit_again()  # says why it cannot
    return Plan(
        settings=settings,
        data=data,
        task=task,
        model=model,
        allowed=allowed,
        threads=threads,
        chunk=chunk,
        max_steps=max_steps,
        trainer=trainer,
        group=group,
        callbacks=callbacks,
        example=example,
        refits=refits,
        watch=watch,
        sparsity=sparsity,
    )


def listen(task: Task, settings: dict[str, Any], data: SequenceDataModule, refit: bool = False) -> None:
    """Gives a task its teacher, if there is one; until validation is over it has not seen validation rows either."""
    distill = settings.get("distill") or {}
    if distill.get("teacher") is not None:
        content = read_start(distill["teacher"], refit, "distill.teacher")
        task.teacher = teacher_of(content, distill, data, task)


def pruned_by(settings: dict[str, Any]) -> str | None:
    """Returns ``units`` or ``weights`` where a trained network is pruned, else None."""
    prune = settings.get("prune") or {}  # records of earlier versions have none
    return prune["by"] if prune.get("amount") else None


def choose_steps(
    fit: dict[str, Any], data: SequenceDataModule, task: Task, accumulate: int = 1
) -> tuple[int, int]:
    """Returns how many optimiser steps to take at the most, and how many between validations."""
    max_steps, validate_every = fit["max_steps"], fit["validate_every"]
    steps = -(-data.sampler().batches // accumulate)  # in a pass
    if max_steps == "auto":
        max_steps = task.steps(steps)
    if validate_every == "auto":
        validate_every = max(10, steps)
    check_at_least("fit.max_steps", max_steps, 1)
    check_at_least("fit.validate_every", validate_every, 1)
    return max_steps, min(validate_every, max_steps)


def build_model(
    settings: dict[str, Any], data: Any, task: Task, chunk: int, allowed: list[str], max_steps: int
) -> SequenceModel:
    """Builds the model for what the data promises now."""
    statistics = data.statistics
    members = settings["ensemble"]
    if members == "auto":
        members = task.members(statistics, data.size)
    return build(
        settings["model"],
        SequenceModel,
        allowed,
        spec=data.spec,
        task=task,
        statistics=statistics,
        frontend=settings["frontend"],
        optim=settings["optim"],
        clip=settings["fit"]["clip"],
        ensemble=members,
        max_steps=max_steps,
        steps_per_execution=chunk,
        seed=settings["seed"],
    )


def allowed_targets(settings: dict[str, Any], overrides: Sequence[str]) -> list[str]:
    """Packages that ``_target_`` may name besides ours; a config file alone cannot allow any.

    Raises:
        UserError: if ``allow_targets`` was set in a file.
    """
    named = os.environ.get("LSTM_LAB_ALLOW_TARGETS", "").replace(",", " ").split()
    if settings["allow_targets"] and not any(
        word.lstrip("+").startswith("allow_targets=") for word in overrides
    ):
        raise UserError("allow_targets may only be given on the command line, not in a config file.")
    return [*settings["allow_targets"], *named]


def estimate_flops(batch: Batch, settings: dict[str, Any]) -> float:
    """Floating-point operations of one training step of one member's core, in round numbers."""
    hidden = settings["model"]["hidden_size"]
    widest = max(hidden) if isinstance(hidden, list) else hidden
    if not isinstance(widest, int) or widest < 1:
        raise UserError(f"model.hidden_size={hidden} must be at least 1.")
    steps = float(batch.lengths.sum())
    return 3.0 * 8 * steps * settings["model"]["num_layers"] * widest * (widest + 1)


def time_a_step(plan: Plan) -> float:
    """Seconds of one training step, the faster of two tries, on copies that are thrown away."""
    members = copy.deepcopy(plan.model.members)  # a net may count its training steps
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        for member in members:
            loss = (
                plan.task.onward(member, plan.example, None)[0]
                if plan.task.carries
                else plan.task.loss(member, plan.example)
            )
            loss.backward()
        seconds.append(time.perf_counter() - started)
    return min(seconds) * plan.trainer["accumulate"]


def _seed_if_taken(node: dict[str, Any], seed: int) -> dict[str, Any]:
    return {} if "seed" in node else {"seed": seed}
