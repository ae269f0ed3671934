"""Averaged weights, from when validation no longer improves: NT-ASGD."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from lstm_lab.errors import check_at_least


class AveragedWeights(pl.Callback):
    """Averages the weights of all steps once validation has stopped improving, and validates the average.

    Non-monotonically triggered averaged SGD: Merity, Keskar & Socher (2018), "Regularizing and optimizing LSTM
    language models", algorithm 1. Training itself goes on with its own weights; the average takes their place for
    each validation, so what is kept as best is the average. Use it with plain SGD and a constant rate.

    Args:
        patience: n of the paper: averaging begins when the metric is worse than its best of all but the last n
            validations.
        start: begin at this optimiser step instead, whatever validation says; 0 waits for it.

    Attributes:
        count: weights that are in the average; 0 before it begins.
    """

    def __init__(self, patience: int = 5, start: int = 0) -> None:
        check_at_least("callbacks.averaging.patience", patience, 1)
        check_at_least("callbacks.averaging.start", start, 0)
        self.patience, self.start = patience, start
        self.count = 0
        self._log: list[float] = []
        self._mean: dict[str, Tensor] = {}
        self._own: dict[str, Tensor] = {}

    @torch.no_grad()
    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Takes the weights after this step into the mean."""
        if not self.count and not (self.start and trainer.global_step >= self.start):
            return
        weights = dict(pl_module.named_parameters())
        if not self._mean:
            self._mean = {name: weight.detach().clone() for name, weight in weights.items()}
            self.count = 1
            return
        self.count += 1
        for name, mean in self._mean.items():
            mean.lerp_(weights[name].to(mean), 1 / self.count)

    @torch.no_grad()
    def on_validation_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Puts the average into the place of the weights."""
        if not self._mean:
            return
        for name, weight in pl_module.named_parameters():
            self._own[name] = weight.detach().clone()
            weight.copy_(self._mean[name])

    @torch.no_grad()
    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Decides whether averaging begins, and puts the weights of training back."""
        for name, weight in pl_module.named_parameters():
            if name in self._own:
                weight.copy_(self._own[name])
        self._own = {}
        metric = pl_module.task.metric  # type: ignore[union-attr]
        if trainer.sanity_checking or metric not in trainer.callback_metrics:
            return
        value = float(trainer.callback_metrics[metric])  # type: ignore[index]
        before = self._log[: -self.patience] if len(self._log) > self.patience else []
        if before and value > min(before) and not self.count and not self.start:
            self._mean = {name: weight.detach().clone() for name, weight in pl_module.named_parameters()}
            self.count = 1
        self._log.append(value)

    def state_dict(self) -> dict[str, Any]:
        """The average, how many weights it holds, and what validation has said so far."""
        return {"count": self.count, "log": list(self._log), "mean": dict(self._mean)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on from what `state_dict` gave."""
        self.count, self._log = int(state_dict["count"]), list(state_dict["log"])
        self._mean = dict(state_dict["mean"])
