"""Everything that the next optimiser step depends on, as plain data, and back."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor

FORMAT = "lstm_lab.resume/1"


def capture(trainer: pl.Trainer, module: Any) -> dict[str, Any]:
    """Returns the state between two optimiser steps, as copies on the CPU that training does not change.

    Weights, optimisers, schedules, the scaler of mixed precision, callbacks, the position of the loader, losses
    that have not been logged yet, and where the Trainer's counters stand. Random generators are not in it, because
    each process has its own: `random_state`.

    Raises:
        TypeError: if a callback's state is more than plain data.
    """
    loader: Any = trainer.train_dataloader
    return {
        "format": FORMAT,
        "step": trainer.global_step,
        "epoch": trainer.current_epoch,
        "logged": trainer.fit_loop.epoch_loop._batches_that_stepped,
        "model": plain(module.state_dict()),
        "progress": _progress(module),
        "optimizers": [plain(optimizer.state_dict()) for optimizer in trainer.optimizers],
        "schedules": [plain(config.scheduler.state_dict()) for config in trainer.lr_scheduler_configs],
        "precision": plain(trainer.precision_plugin.state_dict()),
        "callbacks": {
            callback.state_key: plain(state, f"the state of {callback.state_key}")
            for callback in trainer.callbacks  # type: ignore[attr-defined]
            if (state := callback.state_dict())
        },
        "loader": plain(loader.state_dict()) if hasattr(loader, "state_dict") else {},
    }


def _progress(module: pl.LightningModule) -> dict[str, Any]:
    held: dict[str, Any] = {}
    module.on_save_checkpoint(held)
    return plain(held, "the model's on_save_checkpoint")


def place(trainer: pl.Trainer, state: Mapping[str, Any]) -> None:
    """Puts the loader where it was; before its first item is asked for."""
    loader: Any = trainer.train_dataloader
    if state["loader"]:
        loader.load_state_dict(state["loader"])
    progress: Any = trainer.fit_loop.epoch_progress.current
    progress.ready = progress.started = progress.processed = progress.completed = state["epoch"]


def restore(trainer: pl.Trainer, module: Any, state: Mapping[str, Any]) -> None:
    """Puts back what `capture` took, but for the loader; right before the next optimiser step."""
    module.load_state_dict(state["model"])
    module.on_load_checkpoint(dict(state["progress"]))
    for optimizer, one in zip(trainer.optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(one)
    for config, one in zip(trainer.lr_scheduler_configs, state["schedules"], strict=True):
        config.scheduler.load_state_dict(one)
    trainer.precision_plugin.load_state_dict(state["precision"])
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if callback.state_key in state["callbacks"]:
            callback.load_state_dict(state["callbacks"][callback.state_key])
    loop = trainer.fit_loop.epoch_loop
    loop._batches_that_stepped = state["logged"]
    counters = (
        loop.automatic_optimization.optim_progress.optimizer.step
        if module.automatic_optimization
        else loop.manual_optimization.optim_step_progress
    )
    counters.total.ready = counters.total.completed = state["step"]


def random_state(device: torch.device | None = None) -> dict[str, Any]:
    """Returns the state of every random generator of this process: torch, its GPU, NumPy and Python."""
    name, keys, position, has_gauss, cached = np.random.get_state()
    state = {
        "torch": torch.get_rng_state(),
        "numpy": [name, torch.from_numpy(np.asarray(keys, np.int64)), position, has_gauss, cached],
        "python": random.getstate(),
    }
    if device is not None and device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(state: Mapping[str, Any], device: torch.device | None = None) -> None:
    """Puts back what `random_state` took."""
    torch.set_rng_state(state["torch"])
    name, keys, position, has_gauss, cached = state["numpy"]
    np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    if "cuda" in state and device is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["cuda"], device)


def plain(value: Any, name: str = "the state") -> Any:
    """Returns a copy as what a checkpoint takes: tensors on the CPU, numbers, strings, None, lists, tuples, dicts.

    NumPy's numbers and arrays become Python's and torch's, which is what loads without running code.

    Args:
        value: what to copy.
        name: what it is, for the error.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, np.ndarray):
        return torch.from_numpy(value.copy())
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return value
    if isinstance(value, Mapping):
        return {plain(key, name): plain(one, name) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return (
            type(value)([plain(one, name) for one in value])
            if type(value) in (list, tuple)
            else [plain(one, name) for one in value]
        )
    raise TypeError(f"{name} holds a {type(value).__name__}, which a checkpoint of plain data does not take.")
