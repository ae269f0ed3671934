"""Saves what a resumed run needs, now and then and when the run is told to stop; puts it back once."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from torch import distributed

from lstm_lab.training.best import KeepBest
from lstm_lab.training.checkpoint import write_checkpoint
from lstm_lab.training.ranks import Group
from lstm_lab.training.signals import Stop
from lstm_lab.training.state import capture, place, plain, random_state, restore, set_random_state

# Trainer steps between two exchanges among processes about signals and the clock: each waits for the device.
_EXCHANGE = 50


@dataclass
class Session:
    """How a run is kept: told to stop, saved, gone on with.

    Attributes:
        stop: hears signals.
        directory: of the run.
        state: what a resumed run goes on from, None for a new one.
    """

    stop: Stop
    directory: Path
    state: dict[str, Any] | None = None

    def ended(self, stage: str) -> bool:
        """Whether the run goes on behind this stage."""
        if self.state is None:
            return False
        return (self.state["stage"] == stage and self.state["ended"]) or (stage, self.state["stage"]) == (
            "fit",
            "refit",
        )

    def restore(self, best: KeepBest, group: Group) -> None:
        """Puts back what `fit` ended with."""
        assert self.state is not None
        best.load_state_dict(self.state.get("fit") or self.state["callbacks"][best.state_key])
        processes = self.state["processes"]
        set_random_state(processes[group.rank % len(processes)]["random"])

    def load(self, model: pl.LightningModule) -> None:
        """Gives a model the weights that its stage ended with."""
        assert self.state is not None
        model.load_state_dict(self.state["model"])

    def saver(self, stage: str, every: float, best: KeepBest | None = None) -> Saver:
        """Returns the callback of a stage.

        Args:
            stage: ``fit`` or ``refit``.
            every: seconds between two saves.
            best: what `fit` ended with, for the stages behind it.
        """
        state = self.state if self.state is not None and self.state["stage"] == stage else None
        more = {"fit": plain(best.state_dict())} if best is not None else {}
        return Saver(self.directory / "checkpoints" / "last.ckpt", stage, self.stop, every, state, more)


class Saver(pl.Callback):
    """Writes ``last.ckpt`` between two Trainer steps, at most every so often and before the run ends.

    On the training path stands one look at the clock a Trainer step, and once in `every` seconds a copy of the
    state; writing is the work of a thread. A resumed stage begins with a loader that skips what was trained
    before and gets the state back right before its first real batch, so that it goes on to the last bit.

    Several processes agree on what to do in one exchange at each end of an epoch and every 50 Trainer steps. The
    first of them writes, with the random state of each.

    Args:
        path: of ``last.ckpt``.
        stage: ``fit`` or ``refit``.
        stop: hears signals.
        every: seconds between two saves; 0 saves only at the end of the stage and at signals.
        resumed: what to go on from, None to start anew.
        more: what else goes into the file.
    """

    def __init__(
        self,
        path: Path,
        stage: str,
        stop: Stop,
        every: float = 60.0,
        resumed: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        self.path, self.stage, self.stop, self.every = path, stage, stop, every
        self._more = dict(more or {})
        self._pending = resumed
        self._next = time.monotonic() + every
        self._thread: threading.Thread | None = None
        self._warned = False

    # -- going on -------------------------------------------------------------------------------------------

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Places the loader of a resumed stage; processes of a new one get random numbers of their own."""
        if self._pending is not None:
            place(trainer, self._pending)
        elif trainer.global_rank:
            torch.manual_seed(torch.initial_seed() + 7919 * trainer.global_rank)

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Puts the state back, once."""
        if self._pending is not None:
            restore(trainer, pl_module, self._pending)
            # A run that goes on with another number of processes cannot be the same to the last bit.
            states = self._pending["processes"]
            own = states[trainer.global_rank % len(states)]
            set_random_state(own["random"], trainer.strategy.root_device)
            if own["carried"] and len(states) == trainer.world_size:  # else other streams are this process's
                pl_module.carry_on(own["carried"])  # type: ignore[operator]
            self._pending = None

    # -- saving ---------------------------------------------------------------------------------------------

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Saves within an epoch. At its end validation comes first: `on_train_epoch_start`."""
        if batch is None or trainer.is_last_batch or trainer.should_stop or self._ends(trainer):
            return
        if (
            batch_idx + 1
        ) % trainer.accumulate_grad_batches:  # gradients wait for more: no state to come back to
            return
        if trainer.world_size == 1 or batch_idx % _EXCHANGE == _EXCHANGE - 1:
            self._act(trainer, pl_module)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves between two epochs."""
        if self._pending is None and trainer.global_step:
            self._act(trainer, pl_module)

    def _ends(self, trainer: pl.Trainer) -> bool:
        return 0 <= trainer.max_steps <= trainer.global_step

    def _act(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        number, due = self._agree(trainer)
        if number or due:
            self.save(trainer, module, wait=bool(number))
        if number:
            self.stop.pending = number
            self.stop.check()

    def _agree(self, trainer: pl.Trainer) -> tuple[int, bool]:
        number = self.stop.pending or 0
        due = self.every > 0 and time.monotonic() >= self._next
        if trainer.world_size > 1:
            wishes = torch.tensor([number, int(due)], device=trainer.strategy.root_device)
            distributed.all_reduce(wishes, distributed.ReduceOp.MAX)
            number, due = int(wishes[0]), bool(wishes[1])
        return number, due

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Saves the end of the stage, so that a resumed run begins with the next."""
        if self._pending is None:
            self.save(trainer, pl_module, ended=True)

    def save(
        self, trainer: pl.Trainer, module: pl.LightningModule, wait: bool = True, ended: bool = False
    ) -> None:
        """Saves; all processes have to call it together.

        Args:
            trainer: the Trainer.
            module: the model.
            wait: until the file is on the disk, which a save on the way does not need.
            ended: whether the stage is over.
        """
        self._next = time.monotonic() + self.every
        mine: dict[str, Any] = {"random": random_state(trainer.strategy.root_device), "carried": []}
        if hasattr(module, "carried_state"):
            mine["carried"] = plain(module.carried_state())  # type: ignore[operator]
        states: list[Any] = [mine]
        if trainer.world_size > 1:
            states = [None] * trainer.world_size
            distributed.all_gather_object(states, mine)
        if not trainer.is_global_zero:
            return
        try:
            content = {**capture(trainer, module), "stage": self.stage, "ended": ended, "processes": states}
        except TypeError as error:
            self._warn(str(error))
            return
        content |= self._more
        self._join()
        self._thread = threading.Thread(target=self._write, args=(content,), name="saver")
        self._thread.start()
        if wait:
            self._join()

    def _write(self, content: dict[str, Any]) -> None:
        try:
            write_checkpoint(self.path, content, generations=2)
        except OSError as error:
            self._warn(f"{error.strerror or error}")
        except RuntimeError as error:  # torch's own writer tells a full disk in this way
            self._warn(str(error).strip().splitlines()[0])

    def _warn(self, reason: str) -> None:
        if not self._warned:
            print(f"lstm_lab: {self.path} was not written: {reason}. What it held is kept.", file=sys.stderr)
        self._warned = True

    def _join(self) -> None:
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Waits for the last write."""
        self._join()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Waits for the last write."""
        self._join()
