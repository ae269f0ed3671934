"""Several validations within one Trainer step, where Lightning's own loop would cost more than the steps."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn


class Rounds(pl.Callback):
    """Lets a Trainer step reach over several validations, and takes them at the very optimiser steps they are due.

    A Trainer epoch with a validation costs as much as three steps of a 16-unit LSTM. Where validation is one
    batch and comes at least every `steps_per_execution` steps, the epochs of the data are lengthened to as
    many validations as one Trainer step holds. Results are the same to the last digit: weights, metrics and their
    steps, early stopping. It steps aside (each validation is Lightning's own) on several processes, and for any
    callback that has to see each validation from outside: one that overrides a validation hook and does not say
    ``in_rounds = True``, or a foreign one that overrides a hook of training batches or epochs.
    """

    def __init__(self) -> None:
        self._every = 0
        self._since = 0
        self._lengths = (0, 0)
        self._limit: Any = None
        self._batches: list[Any] = []
        self._active: list[nn.Module] = []

    def on_fit_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decides, and lengthens the epochs before their loader is made."""
        data = trainer.datamodule  # type: ignore[attr-defined]
        chunk, every = getattr(pl_module, "steps_per_execution", 1), getattr(data, "steps", 0)
        if chunk < 2 or not 0 < every <= chunk or not trainer.enable_validation or trainer.world_size > 1:
            return
        if any(_watches(callback) for callback in trainer.callbacks):  # type: ignore[attr-defined]
            return
        batches = data.val_dataloader()
        if len(batches) != 1:
            return
        self._every, self._since = every, 0
        self._batches = [trainer.strategy.batch_to_device(batch) for batch in batches]
        self._lengths, self._limit = (every, data.chunk), trainer.limit_val_batches
        data.steps = data.chunk = chunk // every * every
        trainer.limit_val_batches = 0
        pl_module.after_step = lambda: self._after_step(trainer, pl_module)  # type: ignore[assignment]

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Notes which modules train, so that frozen ones stay as they are."""
        self._active = [module for module in pl_module.modules() if module.training]

    def _after_step(self, trainer: pl.Trainer, module: Any) -> bool:
        """Validates if it is time; returns whether training ends here."""
        self._since += 1
        if self._since < self._every:
            return False
        self._since = 0
        numbers = self._validate(module)
        trainer.callback_metrics.update(numbers)
        for logger in trainer.loggers:
            logger.log_metrics({name: float(value) for name, value in numbers.items()}, trainer.global_step)
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            callback.on_validation_end(trainer, module)
        return bool(trainer.should_stop)

    def _validate(self, module: Any) -> dict[str, Tensor]:
        for one in self._active:
            one.training = False
        try:
            with torch.no_grad():
                module.on_validation_epoch_start()
                for number, batch in enumerate(self._batches):
                    module.validation_step(batch, number)
                return module.validation_results()
        finally:
            for one in self._active:
                one.training = True

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Leaves data and Trainer as they were, also after an error."""
        if self._every:
            data = trainer.datamodule  # type: ignore[attr-defined]
            data.steps, data.chunk = self._lengths
            trainer.limit_val_batches = self._limit
            pl_module.after_step = None  # type: ignore[assignment]
            self._every, self._batches, self._active = 0, [], []


def _watches(callback: pl.Callback) -> bool:
    if getattr(callback, "in_rounds", False):
        return False
    foreign = not type(callback).__module__.startswith("lstm_lab.")
    hooks = [name for name in dir(pl.Callback) if "_validation_" in name]
    if foreign:
        hooks += ["on_train_epoch_start", "on_train_epoch_end", "on_train_batch_start", "on_train_batch_end"]
    return any(getattr(type(callback), name) is not getattr(pl.Callback, name) for name in hooks)
