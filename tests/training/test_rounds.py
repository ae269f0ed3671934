"""Validations within a Trainer step give what validations between Trainer steps give, at the same steps."""

import lightning.pytorch as pl
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.errors import DivergedError
from lstm_lab.models import LSTM
from lstm_lab.tracking.events import read_events
from lstm_lab.tracking.logger import RunLogger
from lstm_lab.tracking.run import open_run
from lstm_lab.training.best import History, KeepBest
from lstm_lab.training.trainer import build_trainer

OPTIM = {"name": "adamw", "lr": 0.05, "weight_decay": 0.1, "schedule": "linear"}


class Epochs(pl.Callback):
    """Counts Trainer epochs without being anything that they have to be kept for."""

    in_rounds = True

    def __init__(self):
        self.steps = []

    def on_train_batch_end(self, trainer, *_):
        self.steps.append(trainer.global_step)


def trained(folder, chunk, every, max_steps=20, patience=0, lr=0.05, extra=()):
    data = TimeSeriesDataModule("airline", horizon=36, test=36, batch_size=16)
    data.setup()
    data.steps, data.chunk = every, chunk
    optim = {**OPTIM, "lr": lr}
    statistics = data.processor.statistics
    sizes = {"hidden_size": 4, "max_steps": 40, "steps_per_execution": chunk, "seed": 0}
    net = LSTM(data.spec, statistics=statistics, optim=optim, **sizes)
    pl.seed_everything(3, verbose=False)
    best, history, epochs = KeepBest("val/mae", patience=patience), History(), Epochs()
    run = open_run(folder / f"run{chunk}", "test", "run", uri="off", system_metrics=False, outputs=folder)
    callbacks = [best, history, epochs, *extra]
    trainer = build_trainer(max_steps, accelerator="cpu", callbacks=callbacks, logger=RunLogger(run))
    try:
        trainer.fit(net, datamodule=data)
    finally:
        run.close("FINISHED")
    events = [event for _, event in read_events(run.directory) if event["kind"] == "metrics"]
    points = [(event["step"], event["values"]) for event in events]
    assert (data.steps, data.chunk) == (every, chunk)
    assert net.after_step is None
    return net, trainer, best, history.table(), epochs.steps, points


def same(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one == pytest.approx(other, abs=1e-6)


@pytest.mark.parametrize("every", [1, 3])
def test_nothing_but_the_number_of_trainer_steps_changes(tmp_path, every):
    one, slow, best, table, ends, points = trained(tmp_path, 1, every)
    eight, fast, best8, table8, ends8, points8 = trained(tmp_path, 8, every)
    assert ends == list(range(1, 21))
    assert ends8 == ([8, 16, 20] if every == 1 else [6, 12, 18, 20])
    for a, b in zip(one.parameters(), eight.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=0)
    assert slow.global_step == fast.global_step == 20
    assert [row["step"] for row in table] == list(range(every, 21, every))
    same(table, table8)
    assert (best8.score, best8.step) == (pytest.approx(best.score, abs=1e-6), best.step)
    # One point a validation, and the loss of the steps that no validation followed.
    assert [step for step, _ in points] == [step for step, _ in points8]
    same([values for _, values in points], [values for _, values in points8])
    assert all(module.training for module in eight.modules())


def test_a_loss_stands_beside_the_validation_that_followed_it(tmp_path):
    _, _, _, table, _, _ = trained(tmp_path, 1, 1, max_steps=1)
    _, _, _, longer, _, _ = trained(tmp_path, 2, 1, max_steps=3)
    assert table[0]["train/loss"] == pytest.approx(longer[0]["train/loss"])
    assert longer[0]["train/loss"] != longer[1]["train/loss"]


def test_early_stopping_ends_training_in_the_middle_of_a_chunk(tmp_path):
    _, slow, best, *_ = trained(tmp_path, 1, 1, max_steps=40, patience=2, lr=0.5)
    _, fast, best8, table8, _, _ = trained(tmp_path, 16, 1, max_steps=40, patience=2, lr=0.5)
    assert best.stopped
    assert slow.global_step % 16 != 0
    assert slow.global_step == fast.global_step == len(table8)
    assert (best8.reason, best8.step) == (best.reason, best.step)


def test_a_foreign_callback_gets_every_validation_and_epoch_of_its_own(tmp_path):
    class Watching(pl.Callback):
        seen = 0

        def on_validation_start(self, *_):
            self.seen += 1

        def on_train_epoch_end(self, trainer, *_):
            assert trainer.global_step == 2 * self.seen

    watching = Watching()
    *_, ends, points = trained(tmp_path, 8, 2, extra=[watching])
    assert watching.seen == 10
    assert ends == list(range(2, 21, 2))
    assert len(points) == 10


@pytest.mark.parametrize("chunk", [1, 8])
def test_divergence_is_found_before_diverged_weights_are_validated(tmp_path, chunk):
    seen = []

    class Last(pl.Callback):
        in_rounds = True

        def on_validation_end(self, trainer, *_):
            seen.append(float(trainer.callback_metrics["val/mae"]))

    with pytest.raises(DivergedError, match="at step 3"):
        trained(tmp_path, chunk, 1, lr=1e30, extra=[Last()])
    assert len(seen) == 2
