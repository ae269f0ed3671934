"""Optimisers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from lstm_lab.errors import UserError, check_at_least, check_choice

_OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], tuple[str, ...]]] = {
    "adam": (torch.optim.Adam, ("lr", "weight_decay", "betas")),
    "adamw": (torch.optim.AdamW, ("lr", "weight_decay", "betas")),
    "sgd": (torch.optim.SGD, ("lr", "weight_decay", "momentum", "nesterov")),
    "rmsprop": (torch.optim.RMSprop, ("lr", "weight_decay", "alpha", "momentum")),
}
_SCHEDULE_KEYS = ("schedule", "warmup")
_SCHEDULES = ("constant", "linear", "cosine", "onecycle")


def build_optimizer(
    parameters: Iterable[nn.Parameter], settings: Mapping[str, Any], fused: bool = True
) -> torch.optim.Optimizer:
    """Builds an optimiser.

    Args:
        parameters: what it moves.
        settings: ``name`` (``adam``, ``adamw``, ``sgd`` or ``rmsprop``) and the keys of ``conf/optim/<name>.yaml``.
        fused: one kernel for all parameters where torch has it. Only right at 32 bit: with mixed precision
            and clipping together torch raises.

    Raises:
        UserError: for a name or key that is not known, or a value out of range.
    """
    name = settings.get("name", "adam")
    check_choice("optim.name", name, _OPTIMIZERS)
    kind, keys = _OPTIMIZERS[name]
    for key in settings:
        check_choice("optim", key, ("name", *keys, *_SCHEDULE_KEYS))
    chosen = {key: settings[key] for key in keys if key in settings}
    chosen.setdefault("lr", 0.01)
    if not chosen["lr"] > 0:
        raise UserError(f"optim.lr={chosen['lr']} must be above 0.")
    check_at_least("optim.weight_decay", chosen.get("weight_decay", 0), 0)
    if name == "sgd" and not chosen.get("momentum", 0):
        chosen["nesterov"] = False
    if "betas" in chosen:
        chosen["betas"] = tuple(chosen["betas"])
    if name != "rmsprop" and fused:
        chosen["fused"] = True
    return kind(parameters, **chosen)


def build_schedule(
    optimizer: torch.optim.Optimizer, settings: Mapping[str, Any], max_steps: int
) -> torch.optim.lr_scheduler.LambdaLR:
    """Builds a schedule that is stepped once an optimiser step.

    Args:
        optimizer: whose rates it scales.
        settings: ``warmup``, steps in which the rate rises from zero first, and ``schedule``: ``constant``;
            ``linear`` and ``cosine`` fall to zero; ``onecycle`` rises over the first 30 % from a 25th of the
            rate and falls by a cosine (Smith & Topin 2018).
        max_steps: steps from the start to the end of the schedule.
    """
    schedule, warmup = settings.get("schedule", "constant"), settings.get("warmup", 0)
    check_choice("optim.schedule", schedule, _SCHEDULES)
    check_at_least("optim.warmup", warmup, 0)

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / (warmup + 1)
        share = min(1.0, (step - warmup) / max(1, max_steps - warmup))
        if schedule == "linear":
            return 1.0 - share
        if schedule == "cosine":
            return 0.5 * (1.0 + math.cos(math.pi * share))
        if schedule == "onecycle":
            if share < 0.3:
                return 0.04 + 0.96 * 0.5 * (1.0 - math.cos(math.pi * share / 0.3))
            return 0.5 * (1.0 + math.cos(math.pi * (share - 0.3) / 0.7))
        return 1.0

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
