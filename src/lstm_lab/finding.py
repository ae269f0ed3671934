"""The experiment's own data and model, trained for a few steps to find a rate or a batch size; nothing is written."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.models.optim import build_optimizer
from lstm_lab.planning import Plan, prepare
from lstm_lab.training.finders import rate_curve, size_curve
from lstm_lab.training.ranks import Group

# Of the range test: from where nothing moves to where everything diverges.
_LOW, _HIGH, _STEPS = 1e-6, 10.0, 120


def rates(settings: dict[str, Any], overrides: Sequence[str]) -> tuple[list[float], list[float]]:
    """Returns rates and the smoothed training loss at each, see `rate_curve`."""
    plan = prepare(settings, overrides, Group())
    plan.data.steps, plan.data.chunk = _STEPS, 1
    batches = iter(plan.data.train_dataloader())
    take = _stepper(plan)

    def step(rate: float) -> float:
        items = next(batches)
        assert items is not None
        return take(items[0], rate)

    return rate_curve(step, _LOW, _HIGH, _STEPS)


def sizes(settings: dict[str, Any], overrides: Sequence[str]) -> list[tuple[int, int, float]]:
    """Returns batch sizes, samples and seconds of a training step, see `size_curve`."""
    if "batch_size" not in settings["data"]:
        raise UserError(f"data={settings['data'].get('name')} has no batch_size to find.")

    def seconds(size: int) -> tuple[int, float]:
        trial = copy.deepcopy(settings)
        trial["data"]["batch_size"] = size
        plan = prepare(trial, overrides, Group())
        take, took = _stepper(plan), []
        for _ in range(4):  # the first one warms up
            started = time.perf_counter()
            take(plan.example, 1e-6)
            took.append(time.perf_counter() - started)
        return len(plan.example.lengths), min(took[1:])

    return size_curve(seconds, (2**power for power in range(3, 17)))


def _stepper(plan: Plan) -> Callable[[Batch, float], float]:
    """One training step as the Trainer takes it, at a rate of the caller's; returns the loss before it."""
    on_gpu = plan.trainer["accelerator"] != "cpu" and torch.cuda.is_available()
    model = plan.model.to("cuda" if on_gpu else "cpu").train()
    optimizer = build_optimizer(model.parameters(), plan.settings["optim"])
    clip = plan.settings["fit"]["clip"]

    def take(batch: Batch, rate: float) -> float:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad()
        loss, penalty = model.loss(batch.to(model.device))
        (loss + penalty).backward()
        for member in model.members if clip else ():
            nn.utils.clip_grad_norm_(member.parameters(), clip)
        optimizer.step()
        return float(loss.detach())

    return take
