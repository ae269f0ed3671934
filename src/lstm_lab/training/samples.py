"""Samples while training: what the model writes, or answers, after each validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from lstm_lab.errors import check_at_least


class Samples(pl.Callback):
    """Appends what the model makes of the data's example to ``samples.txt`` in the run directory.

    Args:
        steps: symbols to write.
        every: validations between two samples.
        options: settings of decoding, such as ``temperature``.
    """

    in_rounds = True

    def __init__(self, steps: int = 100, every: int = 1, options: dict[str, Any] | None = None) -> None:
        check_at_least("callbacks.samples.steps", steps, 1)
        check_at_least("callbacks.samples.every", every, 1)
        self.steps, self.every, self.options = steps, every, options or {}
        self._seen = 0

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes a sample; weights, modes and random generators stay as they are."""
        if trainer.sanity_checking or not trainer.is_global_zero:
            return
        self._seen += 1
        home = trainer.logger.save_dir if trainer.logger else None
        if home is None or (self._seen - 1) % self.every:
            return
        text = self._sample(trainer.datamodule.processor, pl_module)  # type: ignore[attr-defined]
        numbers = ", ".join(f"{name} {float(value):.4g}" for name, value in trainer.callback_metrics.items())
        with Path(home, "samples.txt").open("a", encoding="utf-8") as file:
            file.write(f"--- step {trainer.global_step}: {numbers}\n{text}\n\n")

    @torch.no_grad()
    def _sample(self, processor: Any, module: Any) -> str:
        training = [one for one in module.modules() if one.training]
        for one in training:
            one.training = False
        try:
            table = processor.example()
            batch = processor.to_batch(table).to(module.device)
            found = module.task.infer(list(module.members), module.weights, batch, self.steps, **self.options)
            found = processor.finish({name: tensor.cpu() for name, tensor in found.items()})
            frame = processor.to_frame(found, table)
            return str(frame["text"].iloc[0] if "text" in frame else frame["translation"].iloc[0])
        finally:
            for one in training:
                one.training = True

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Hands the samples to the record of the run."""
        home = trainer.logger.save_dir if trainer.logger and trainer.is_global_zero else None
        if home is not None and Path(home, "samples.txt").is_file():
            trainer.logger.experiment.log_artifact(Path(home, "samples.txt"))  # type: ignore[union-attr]
