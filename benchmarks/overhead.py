"""What the house costs: our whole training against a hand-written loop that does the same work.

    python benchmarks/overhead.py [--quick] [--repeats 5] [--sizes 1 8 64]

Arms, alternated in one process, on an airline-size LSTM (one member, 37 windows of 24 months, 16 units):

* ``bare``    a loop by hand: forward, backward, clipping, fused AdamW, schedule; validation as often as in the rest.
* ``ours``    `lightning.Trainer` as ``lstm_lab.train`` builds it: best weights, history, live bar on a (pseudo)
              terminal, tracking to an MLflow store in SQLite.
* ``stock``   `lightning.Trainer` as users write it: one `self.log` a step; bar, logger and checkpoints off.

A figure is the slope between two lengths of training, so that fixed costs fall out (building a Trainer, opening
a run), over the same slope of ``bare`` taken right before; on a busy machine the slope between the fastest runs
says more. A result is void unless the last losses of the arms agree to 1e-5. ``+ store`` adds the time after training
until the last number has arrived in the store. ``--ladder`` takes the levers out of ``ours`` one by one:

* ``no rounds``   every validation is Lightning's own, between two Trainer steps.
* ``one by one``  and every optimiser step is a Trainer step (``fit.steps_per_execution=1``).
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import functools
import gc
import logging
import os
import pty
import shutil
import statistics
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.models import LSTM
from lstm_lab.models.optim import build_optimizer, build_schedule
from lstm_lab.tasks.forecast import Forecast
from lstm_lab.tracking.logger import RunLogger
from lstm_lab.tracking.run import open_run
from lstm_lab.training.best import History, KeepBest
from lstm_lab.training.progress import LiveBar
from lstm_lab.training.trainer import build_trainer, choose_chunk

OPTIM = {"name": "adamw", "lr": 0.01, "weight_decay": 0.5, "schedule": "onecycle"}
SCHEDULE_STEPS = 10_000  # of every arm and length, so that all take the same steps
FLOPS = 3.0 * 8 * 37 * 24 * 16 * 17


@dataclass
class Took:
    """What one training took and gave: seconds by the clock, of processor, until the store was done; losses."""

    wall: float
    cpu: float
    stored: float
    train_loss: float
    val_loss: float


def data_and_model(every: int, chunk: int) -> tuple[TimeSeriesDataModule, LSTM]:
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup("fit")
    data.steps, data.chunk = every, chunk
    model = LSTM(
        data.spec,
        Forecast(),
        data.processor.statistics,
        hidden_size=16,
        optim=OPTIM,
        max_steps=SCHEDULE_STEPS,
        steps_per_execution=chunk,
        seed=0,
    )
    torch.manual_seed(0)  # of the noise on the inputs, the same in every arm
    return data, model


@contextlib.contextmanager
def stopwatch() -> Iterator[dict[str, float]]:
    gc.collect()
    gc.disable()
    took: dict[str, float] = {}
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        yield took
        took["wall"], took["cpu"] = time.perf_counter() - wall, time.process_time() - cpu
    finally:
        gc.enable()


def bare(steps: int, every: int) -> Took:
    data, model = data_and_model(every, 1)
    batch, held_out = (data.windows(part).gather(slice(None)) for part in ("train", "validation"))
    task, net = model.task, model.members[0]
    optimizer = build_optimizer(net.parameters(), OPTIM)
    schedule = build_schedule(optimizer, OPTIM, SCHEDULE_STEPS)
    with stopwatch() as took:
        for step in range(1, steps + 1):
            loss = task.loss(net, batch)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            if step % every == 0:
                model.eval()
                with torch.no_grad():
                    total, count = task.error(model(held_out), held_out)
                    val_loss = float(total / count)
                model.train()
    return Took(took["wall"], took["cpu"], took["wall"], float(loss.detach()), val_loss)


def ours(steps: int, every: int, setting: int | str = "auto", extra: Sequence[pl.Callback] = ()) -> Took:
    chunk = choose_chunk(setting, every, FLOPS, True)
    data, model = data_and_model(every, chunk)
    best, history = KeepBest("val/mae", patience=0), History()
    outputs = results()
    with terminal():
        run = open_run(
            outputs / "runs" / f"{time.time_ns()}",
            "benchmark",
            "run",
            uri=f"sqlite:///{outputs}/mlflow.db",
            outputs=outputs,
        )
        callbacks = [best, history, LiveBar("fit", steps, "val/mae"), *extra]
        trainer = build_trainer(steps, accelerator="cpu", callbacks=callbacks, logger=RunLogger(run))
        with stopwatch() as took:
            trainer.fit(model, datamodule=data)
        started = time.perf_counter()
        if not run.close("FINISHED", patience=120.0):
            raise SystemExit("void: the store did not take everything")
        stored = time.perf_counter() - started
    row = history.table()[-1]
    if trainer.global_step != steps or len(history.rows) != steps // every:
        raise SystemExit(f"void: {trainer.global_step} steps, {len(history.rows)} validations")
    return Took(took["wall"], took["cpu"], took["wall"] + stored, row["train/loss"], row["val/mae"])


@functools.cache
def results() -> Path:
    """One store for all runs: making one takes as long as a training."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


class Watching(pl.Callback):
    """Asks to see each validation from outside, which ends the sharing of Trainer steps."""

    def on_validation_start(self, *_: Any) -> None:
        pass


def no_rounds(steps: int, every: int) -> Took:
    return ours(steps, every, extra=[Watching()])


def one_by_one(steps: int, every: int) -> Took:
    return ours(steps, every, 1)


class Plain(pl.LightningModule):
    """The same work as a user of Lightning writes it."""

    def __init__(self, model: LSTM) -> None:
        super().__init__()
        self.model, self.task = model, model.task

    def training_step(self, batches: Any, batch_idx: int) -> torch.Tensor:
        loss = self.task.loss(self.model.members[0], batches[0])
        self.log("train/loss", loss, batch_size=1)
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        total, count = self.task.error(self.model(batch), batch)
        self.log("val/mae", total / count, batch_size=1)

    def configure_optimizers(self) -> Any:
        optimizer = build_optimizer(self.parameters(), OPTIM)
        schedule = build_schedule(optimizer, OPTIM, SCHEDULE_STEPS)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        torch.nn.utils.clip_grad_norm_(self.parameters(), 1.0)  # Lightning's own refuses fused optimisers


def stock(steps: int, every: int) -> Took:
    data, model = data_and_model(every, 1)
    trainer = pl.Trainer(
        accelerator="cpu",
        max_steps=steps,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
    )
    module = Plain(model)
    with stopwatch() as took:
        trainer.fit(module, datamodule=data)
    numbers = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return Took(took["wall"], took["cpu"], took["wall"], numbers["train/loss"], numbers["val/mae"])


@contextlib.contextmanager
def terminal() -> Iterator[None]:
    """Makes stderr a pseudo-terminal whose other end is read and thrown away, so that the bar is drawn."""
    reader, writer = pty.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(reader, 65536):
                pass

    threading.Thread(target=drain, daemon=True).start()
    before, sys.stderr = sys.stderr, os.fdopen(writer, "w")
    try:
        yield
    finally:
        sys.stderr.close()
        sys.stderr = before
        os.close(reader)


def slope(short: Took, long: Took, steps: int) -> Took:
    """Milliseconds a step between two lengths that are `steps` apart; the losses are those of the longer."""
    per = 1e3 / steps
    return Took(
        (long.wall - short.wall) * per,
        (long.cpu - short.cpu) * per,
        (long.stored - short.stored) * per,
        long.train_loss,
        long.val_loss,
    )


def fastest(runs: list[Took]) -> Took:
    """The least time of each kind: what the machine takes when nothing else runs on it."""
    return Took(*(min(getattr(run, what) for run in runs) for what in ("wall", "cpu", "stored")), 0.0, 0.0)


def check(name: str, found: Took, truth: Took, every: int) -> None:
    """Ours gives the mean training loss of an epoch, which is the last loss for one step an epoch only."""
    losses = [("validation", found.val_loss, truth.val_loss)]
    if every == 1 or name == "stock":
        losses.append(("training", found.train_loss, truth.train_loss))
    for what, value, wanted in losses:
        if abs(value - wanted) > 1e-5 * max(1.0, abs(wanted)):
            raise SystemExit(f"void: {what} loss of {name} is {value!r}, of bare {wanted!r}")


ARMS: dict[str, Callable[[int, int], Took]] = {"bare": bare, "ours": ours, "stock": stock}
LADDER = {"no rounds": no_rounds, "one by one": one_by_one}


def compare(
    every: int, repeats: int, span: int, arms: dict[str, Callable[[int, int], Took]]
) -> dict[str, tuple[list[Took], Took]]:
    """Returns, by arm, the slope of each repeat and the slope of the fastest runs."""
    lengths = (max(every, span // 4 // every * every), max(2 * every, (span + span // 4) // every * every))
    runs: dict[str, list[tuple[Took, Took]]] = {name: [] for name in arms}
    for _ in range(repeats):
        for name, arm in arms.items():
            runs[name].append((arm(lengths[0], every), arm(lengths[1], every)))
            for taken, truth in zip(runs[name][-1], runs["bare"][-1], strict=True):
                check(name, taken, truth, every)
    steps = lengths[1] - lengths[0]
    return {
        name: (
            [slope(short, long, steps) for short, long in pairs],
            slope(fastest([short for short, _ in pairs]), fastest([long for _, long in pairs]), steps),
        )
        for name, pairs in runs.items()
    }


def ratios(taken: dict[str, tuple[list[Took], Took]], name: str, what: str) -> tuple[str, str]:
    """Returns the ratio to ``bare``: median (min-max) over the repeats, and that of the fastest runs."""
    base = "cpu" if what == "cpu" else "wall"
    (slopes, best), (bare_slopes, bare_best) = taken[name], taken["bare"]
    found = [getattr(a, what) / getattr(b, base) for a, b in zip(slopes, bare_slopes, strict=True)]
    quiet = getattr(best, what) / getattr(bare_best, base)
    return f"{statistics.median(found):.2f} ({min(found):.2f}-{max(found):.2f})", f"{quiet:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="one short repeat: shows that it works, no figures"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--span", type=int, default=512, help="steps between the two lengths")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 8, 64], help="steps between validations")
    parser.add_argument("--ladder", action="store_true", help="also without each lever")
    arguments = parser.parse_args()
    arms = {**ARMS, **LADDER} if arguments.ladder else ARMS
    repeats, span = (1, 128) if arguments.quick else (arguments.repeats, arguments.span)
    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "alembic", "mlflow"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    for arm in arms.values():  # first calls: kernels are chosen, modules imported, code cached
        arm(64, 8)
    print(
        f"{torch.get_num_threads()} thread, gc off while timed, {repeats} repeats, slopes over {span} steps"
    )
    print("ratios to the bare loop: median (min-max) of the repeats | fastest runs alone")
    print(f"{'steps/epoch':<13}{'':<14}{'wall':<28}{'processor, all threads':<28}")
    for every in arguments.sizes:
        taken = compare(every, repeats, span, arms)
        best = taken["bare"][1]
        print(f"{every:<13}{'bare, ms':<14}{best.wall:<28.3f}{best.cpu:<28.3f}")
        rows = [(name, name, "wall") for name in list(arms)[1:]]
        rows.insert(1, ("ours + store", "ours", "stored"))
        for title, name, wall in rows:
            cells = [" | ".join(ratios(taken, name, what)) for what in (wall, "cpu")]
            print(f"{'':<13}{title:<14}{cells[0]:<28}{cells[1]:<28}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
