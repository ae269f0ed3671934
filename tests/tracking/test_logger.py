"""The logger under a stock Trainer."""

import lightning.pytorch as pl
import pytest
import torch

from lstm_lab.tracking.logger import RunLogger


class Tiny(pl.LightningModule):
    def __init__(self, width=3):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)

    def training_step(self, batch, index):
        loss = self.layer(batch).square().mean()
        self.log("train/loss", loss)
        return loss

    def validation_step(self, batch, index):
        self.log("val/loss", self.layer(batch).square().mean())

    def test_step(self, batch, index):
        self.log("test/rmse", self.layer(batch).square().mean().sqrt())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.01)


@pytest.fixture
def fitted(start, tmp_path):
    def fit(**given):
        run = start(**given)
        loader = torch.utils.data.DataLoader(torch.randn(8, 3), batch_size=2)
        trainer = pl.Trainer(
            max_epochs=2,
            logger=RunLogger(run),
            log_every_n_steps=1,
            accelerator="cpu",
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        trainer.fit(Tiny(), loader, loader)
        trainer.test(trainer.model, loader, verbose=False)
        return run

    return fit


def test_a_stock_trainer_logs_and_leaves_the_status_alone(fitted, client, tmp_path):
    before = set(tmp_path.iterdir())
    run = fitted(params={"lr": 0.1})
    assert client.get_run(run.id).info.status == "RUNNING"
    run.close("FINISHED")
    points = client.get_metric_history(run.id, "train/loss")
    assert [point.step for point in points] == list(range(8))
    assert [point.step for point in client.get_metric_history(run.id, "val/loss")] == [3, 7]
    assert [point.value for point in client.get_metric_history(run.id, "epoch")][:8] == [
        0,
        0,
        0,
        0,
        1,
        1,
        1,
        1,
    ]
    assert client.get_run(run.id).data.metrics["test/rmse"] > 0
    assert client.get_run(run.id).data.params == {"lr": "0.1"}
    assert set(tmp_path.iterdir()) == before


def test_without_a_config_the_models_own_settings_are_logged(fitted, client):
    run = fitted()
    run.close("FINISHED")
    assert client.get_run(run.id).data.params == {"width": "3"}


def test_other_ranks_are_silent(start, monkeypatch):
    from lightning.pytorch.utilities.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    run = start(uri="off")
    logger = RunLogger(run)
    size = run._events.path.stat().st_size
    logger.log_metrics({"loss": 1.0}, 0)
    logger.log_hyperparams({"a": 1})
    logger.experiment.log_metrics({"loss": 1.0}, 0)
    assert run._events.path.stat().st_size == size
