"""A `lightning.Trainer` without what costs time on small networks, and without its advertising."""

from __future__ import annotations

import logging
import math
import os
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments import (
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)

from lstm_lab.errors import UserError, check_at_least, check_choice
from lstm_lab.training.checkpoint import AtomicCheckpointIO
from lstm_lab.training.rounds import Rounds
from lstm_lab.training.signals import keep_ours

# Warnings that are about defaults which are different here on purpose.
_NOISE = (
    ".*does not have many workers.*",
    ".*LeafSpec.*",
    ".*smaller than the logging interval.*",
    ".*defined a `validation_step` but have no `val_dataloader`.*",
    ".*lr_scheduler.step.*",
    ".*train_dataloader yielded None.*",  # a resumed epoch, see `TrainingLoader`
    ".*sync_dist=True.*",  # each process validates on everything
)

# Given by name, because Lightning takes a shell inside a SLURM allocation for a cluster job.
_ENVIRONMENTS: dict[str, Callable[[], Any]] = {
    "us": LightningEnvironment,
    "torchrun": TorchElasticEnvironment,
    "slurm": lambda: SLURMEnvironment(auto_requeue=False),
}

# Floating-point operations of a step below which a second thread costs more than it gives.
_ONE_THREAD_BELOW = 2e8


def build_trainer(
    max_steps: int,
    accelerator: str = "auto",
    devices: int | str = 1,
    strategy: str = "auto",
    precision: str = "32-true",
    deterministic: bool = False,
    num_nodes: int = 1,
    environment: str = "us",
    profile: str | None = None,
    accumulate: int = 1,
    callbacks: Sequence[pl.Callback] = (),
    logger: Any = False,
) -> pl.Trainer:
    """Builds the Trainer of a run.

    Epochs have no meaning of their own here: the loader cuts them so that one ends with each validation.
    `devices`, `num_nodes` and `environment` come from `lstm_lab.training.ranks.Group`.

    Raises:
        UserError: for a device that is not there, or a precision that it does not have.
    """
    quiet()
    check_at_least("trainer.accumulate", accumulate, 1)
    check_choice("trainer.profile", str(profile), ("None", "simple", "advanced"))
    check_precision(precision, accelerator)
    if accelerator == "gpu" and not torch.cuda.is_available():
        raise UserError(
            "trainer.accelerator=gpu: there is no GPU that this torch can use. Allowed: cpu, auto."
        )
    try:
        trainer = pl.Trainer(
            accelerator="cpu" if accelerator == "auto" and not torch.cuda.is_available() else accelerator,
            devices=devices,
            num_nodes=num_nodes,
            strategy=strategy,
            precision=precision,  # type: ignore[arg-type]
            deterministic=deterministic,
            profiler=profile,
            accumulate_grad_batches=accumulate,
            max_steps=max_steps,
            max_epochs=-1,
            callbacks=[Rounds(), *callbacks],
            logger=logger,
            plugins=[AtomicCheckpointIO(), _ENVIRONMENTS[environment]()],
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            log_every_n_steps=1_000_000_000,  # the model logs once a validation
            use_distributed_sampler=False,  # loaders shard themselves
        )
    except (ValueError, RuntimeError, pl.utilities.exceptions.MisconfigurationException) as error:
        raise UserError(f"trainer: {str(error).strip().splitlines()[0]}") from None
    keep_ours(trainer)
    return trainer


def check_precision(precision: str | int, accelerator: str) -> None:
    """Tries a precision on the device with a step of a small LSTM.

    Raises:
        UserError: with the reason, if it is not known or does not work there.
    """
    words = {"32-true": torch.float32, "32": torch.float32}
    words |= {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    if str(precision).endswith("16-true"):
        raise UserError(
            f"trainer.precision={precision}: weights of 16 bits swallow the small steps of an optimiser. "
            f"Allowed: {', '.join(words)}."
        )
    check_choice("trainer.precision", str(precision), words)
    dtype = words[str(precision)]
    if dtype == torch.float32:
        return
    on_gpu = accelerator != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    if dtype == torch.float16 and not on_gpu:
        raise UserError("trainer.precision=16-mixed needs a GPU. Allowed on the CPU: 32-true, bf16-mixed.")
    if on_gpu and dtype == torch.bfloat16 and not torch.cuda.is_bf16_supported(including_emulation=False):
        name = torch.cuda.get_device_name()
        raise UserError(f"trainer.precision={precision}: {name} has no bfloat16. Allowed: 32-true, 16-mixed.")
    try:
        with torch.random.fork_rng(devices=[]), torch.autocast(device.type, dtype):
            net = torch.nn.LSTM(2, 2).to(device)
            net(torch.ones(2, 1, 2, device=device, dtype=dtype))[0].float().sum().backward()
    except (RuntimeError, NotImplementedError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(
            f"trainer.precision={precision} does not work on this {device.type}: {reason}"
        ) from None


def quiet() -> None:
    """Silences the lines and warnings by which libraries speak of themselves."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    for text in _NOISE:
        warnings.filterwarnings("ignore", message=text)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")


def choose_threads(threads: int | str, flops: float) -> int:
    """Returns how many CPU threads to use.

    Args:
        threads: a number, or ``auto``: one for networks so small that a second one only waits.
        flops: floating-point operations of a training step.
    """
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = int(os.environ.get("OMP_NUM_THREADS") or available)
    if threads == "auto":
        return 1 if flops < _ONE_THREAD_BELOW else min(available, limit)
    if not isinstance(threads, int) or threads < 1:
        raise UserError(f"threads={threads} must be auto or a number from 1 to {available}.")
    return threads


def choose_chunk(setting: int | str, steps: int, flops: float, allowed: bool) -> int:
    """Returns how many optimiser steps one Trainer step takes at the most.

    Args:
        setting: a number, or ``auto``: about 50 ms of work, by size.
        steps: optimiser steps between two validations. Fewer than a chunk share it, see `Rounds`; more are cut into
            equal parts, because a short last part costs as much as a whole one.
        flops: floating-point operations of a step.
        allowed: False for mixed precision and other cases in which Lightning has to take each step itself.

    Raises:
        UserError: for a number that is out of range or not allowed.
    """
    if setting == "auto":
        if not allowed:
            return 1
        seconds = 3e-4 + flops / 2e10
        chunk = max(2, min(64, math.ceil(0.05 / seconds)))
        return chunk if steps <= chunk else math.ceil(steps / math.ceil(steps / chunk))
    if not isinstance(setting, int) or setting < 1:
        raise UserError(f"fit.steps_per_execution={setting} must be auto or a number of at least 1.")
    if setting > 1 and not allowed:
        raise UserError(
            "fit.steps_per_execution above 1 needs trainer.precision=32-true, trainer.accumulate=1 and one process."
        )
    return setting
