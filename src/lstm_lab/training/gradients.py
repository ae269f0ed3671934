"""The norm of the gradient as a curve: how often, and how hard, clipping bites."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
import torch


class GradientNorm(pl.Callback):
    """Logs mean and largest norm of the gradients since the last validation, before they are clipped.

    The norms stay on the device until a validation reads them, once.
    """

    in_rounds = True

    def on_fit_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Asks the model to keep the norms."""
        pl_module.gradient_norms = []

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Logs at the optimiser step, beside the losses."""
        norms = pl_module.gradient_norms
        if trainer.sanity_checking or not norms:
            return
        pl_module.gradient_norms = []
        mean, largest = torch.stack([torch.stack(norms).mean(), torch.stack(norms).max()]).tolist()
        for logger in trainer.loggers:
            logger.log_metrics({"train/grad_norm": mean, "train/grad_norm_max": largest}, trainer.global_step)

    def on_fit_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Ends the keeping, so that nothing gathers in a refit."""
        pl_module.gradient_norms = None
