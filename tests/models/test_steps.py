"""Several optimiser steps per Trainer step change the speed and nothing else; a stock Trainer trains the models."""

import lightning.pytorch as pl
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.errors import DivergedError, UserError
from lstm_lab.models import GRU, LSTM, RNN
from lstm_lab.training.best import KeepBest
from lstm_lab.training.trainer import build_trainer

OPTIM = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1, "schedule": "linear", "warmup": 3}


def fitted(chunk, max_steps=24, epoch=24, model=LSTM, optim=OPTIM, callbacks=(), **settings):
    data = TimeSeriesDataModule("airline", horizon=36, test=36, batch_size=16)
    data.setup()
    data.steps, data.chunk = epoch, chunk
    net = model(
        data.spec,
        statistics=data.processor.statistics,
        hidden_size=4,
        optim=optim,
        ensemble=2,
        seed=0,
        max_steps=100,  # the rate is still high when training ends: one step too many would show
        steps_per_execution=chunk,
        **settings,
    )
    pl.seed_everything(3, verbose=False)  # the noise on the inputs
    trainer = build_trainer(max_steps, accelerator="cpu", callbacks=list(callbacks))
    trainer.fit(net, datamodule=data)
    return trainer, net


def vector(net):
    return torch.nn.utils.parameters_to_vector(net.parameters()).detach()


def test_one_step_equals_eight():
    trainer, one = fitted(1)
    faster, eight = fitted(8)
    torch.testing.assert_close(vector(eight), vector(one), atol=1e-6, rtol=0)
    assert trainer.global_step == faster.global_step == 24
    rates = [net._schedule.get_last_lr()[0] for net in (one, eight)]
    assert rates[0] == rates[1] == pytest.approx(0.01 * (1 - 21 / 97), abs=1e-12)
    assert one.automatic_optimization
    assert not eight.automatic_optimization
    assert trainer.callback_metrics["train/loss"] == pytest.approx(
        float(faster.callback_metrics["train/loss"])
    )
    assert trainer.callback_metrics["val/mae"] == pytest.approx(float(faster.callback_metrics["val/mae"]))


@pytest.mark.parametrize("epoch", [24, 10, 7])
def test_max_steps_is_exact_also_when_it_is_no_multiple_of_the_chunk(epoch):
    _, one = fitted(1, max_steps=20, epoch=epoch)
    trainer, eight = fitted(8, max_steps=20, epoch=epoch)
    assert trainer.global_step == 20
    assert eight._schedule.last_epoch == 20
    torch.testing.assert_close(vector(eight), vector(one), atol=1e-6, rtol=0)


def test_gradients_are_clipped_member_by_member():
    tight, loose = (
        {"clip": clip, "optim": {"name": "sgd", "lr": 1.0, "momentum": 0.0}} for clip in (0.01, 0)
    )
    start = vector(fitted(1, max_steps=1, optim={"name": "sgd", "lr": 1e-30})[1])
    for chunk in (1, 2):
        clipped = vector(fitted(chunk, max_steps=1, epoch=2, **tight)[1]) - start
        free = vector(fitted(chunk, max_steps=1, epoch=2, **loose)[1]) - start
        # Two members, each with a gradient of norm 0.01 at the most.
        assert clipped.norm() == pytest.approx(0.01 * 2**0.5, rel=1e-3)
        assert free.norm() > 10 * clipped.norm()


@pytest.mark.parametrize("kind", [LSTM, GRU, RNN])
def test_a_stock_trainer_trains_them(kind, tmp_path):
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()
    model = kind(data.spec, statistics=data.processor.statistics, hidden_size=4, seed=0)
    before = vector(model)
    trainer = pl.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_progress_bar=False, default_root_dir=tmp_path
    )
    trainer.fit(model, datamodule=data)
    assert trainer.global_step == 3 * data.train_dataloader().batches
    assert not torch.equal(vector(model), before)
    assert {"train/loss", "val/mae"} <= trainer.callback_metrics.keys()
    best = trainer.checkpoint_callback.best_model_path
    back = kind.load_from_checkpoint(best, weights_only=True)
    assert torch.equal(vector(back), vector(model))
    batch = data.windows("validation").gather(slice(0, 1))
    with torch.no_grad():
        assert torch.equal(back.eval()(batch)["forecast"], model.eval()(batch)["forecast"])


def test_chunks_and_automatic_optimisation_do_not_mix():
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()
    data.steps, data.chunk = 4, 4
    model = LSTM(data.spec, statistics=data.processor.statistics, hidden_size=4)
    with pytest.raises(UserError, match="steps_per_execution > 1"):
        build_trainer(4, accelerator="cpu").fit(model, datamodule=data)


def test_seed_zero_is_a_seed_and_members_differ():
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()

    def made(seed):
        return vector(
            LSTM(data.spec, statistics=data.processor.statistics, hidden_size=4, ensemble=2, seed=seed)
        )

    state = torch.random.get_rng_state()
    assert torch.equal(made(0), made(0))
    assert not torch.equal(made(0), made(1))
    assert torch.equal(torch.random.get_rng_state(), state)  # a seed of its own leaves torch's alone
    assert not torch.equal(made(0)[: len(made(0)) // 2], made(0)[len(made(0)) // 2 :])


@pytest.mark.parametrize("chunk", [1, 4])
def test_a_loss_that_is_not_finite_ends_training_and_names_the_step(chunk):
    class Poison(pl.Callback):
        def on_train_batch_end(self, trainer, module, *_):
            if trainer.global_step == 8:
                torch.nn.init.constant_(module.members[0].head.bias, float("nan"))

    best = KeepBest("val/mae")
    with pytest.raises(DivergedError, match="the loss was nan at step 9: training diverged"):
        fitted(chunk, max_steps=24, epoch=4, callbacks=[Poison(), best])
    assert best.step == 4
    assert best.score is not None


@pytest.mark.parametrize(("weight", "power"), [("l1", 1), ("l2", 2)])
def test_penalties_are_on_the_weights_alone(weight, power):
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()
    model = LSTM(data.spec, statistics=data.processor.statistics, hidden_size=4, seed=0, **{weight: 0.5})
    batch = data.windows("train").gather(slice(0, 4))
    _, penalty = model.loss(batch)
    weights = [tensor for name, tensor in model.named_parameters() if "bias" not in name and tensor.ndim > 1]
    expected = 0.5 * sum(tensor.abs().pow(power).sum() for tensor in weights)
    torch.testing.assert_close(penalty, expected)
