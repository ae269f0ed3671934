"""A live bar for people at a terminal; silence for pipes and files."""

from __future__ import annotations

import sys
import time
from typing import Any

import lightning.pytorch as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class LiveBar(pl.Callback):
    """Steps done, the monitored metric, and the time left, redrawn a few times a second at the most.

    Lightning's Rich bar redraws by step, which costs more than a small step itself.

    Args:
        title: what stands at the left.
        total: optimiser steps at the most.
        monitor: metric to show.
        every: seconds between two redraws.
    """

    def __init__(self, title: str, total: int, monitor: str, every: float = 0.25) -> None:
        self.title, self.total, self.monitor, self.every = title, total, monitor, every
        self._progress: Progress | None = None
        self._next = 0.0

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Opens the bar on rank zero of a terminal."""
        if not (sys.stderr.isatty() and trainer.is_global_zero):
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("step {task.completed:>5.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[shown]}"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._progress.add_task(self.title, total=self.total, shown="")
        self._progress.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Redraws if it is time; costs one look at the clock otherwise."""
        if self._progress is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every
        value = trainer.callback_metrics.get(self.monitor)
        shown = "" if value is None else f"{self.monitor} {float(value):.4g}"
        self._progress.update(self._task, completed=trainer.global_step, shown=shown, refresh=True)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Takes the bar away, also after an error."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
