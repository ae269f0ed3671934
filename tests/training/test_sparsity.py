"""The smallest weights go, by the cube, and never come back."""

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from lstm_lab.training.sparsity import MagnitudePruning, keeps, zeros


def test_the_share_rises_by_the_cube():
    pruning = MagnitudePruning(0.8, 100)
    assert pruning.share(0) == 0.0
    assert pruning.share(50) == pytest.approx(0.7)  # 0.8 (1 - 1/8)
    assert pruning.share(100) == pruning.share(10_000) == 0.8
    assert MagnitudePruning(0.8).share(0) == 0.8


def test_the_smallest_go_and_zeros_stay_zeros():
    weight = torch.tensor([[0.1, -3.0, 0.0, 2.0], [-0.2, 1.0, 0.3, -4.0]])
    kept = [[False, True, False, True], [True, True, True, True]]
    assert keeps(weight, 0.25).tolist() == kept
    assert keeps(weight, 0.0).sum() == 7  # what is zero has been pruned before


class Model(pl.LightningModule):
    """A linear map towards ones, by steps whose momentum would bring each weight back."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.members = nn.ModuleList([nn.Linear(8, 8)])
        self.seen = []

    def training_step(self, batch, batch_idx):
        self.seen.append(zeros(self.members))
        return (self.members[0](batch) - 1).square().mean()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


def fit(callback, steps, model):
    trainer = pl.Trainer(
        max_steps=steps,
        callbacks=[callback],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
    )
    trainer.fit(model, torch.utils.data.DataLoader(torch.ones(40, 8), batch_size=1))
    return model


def test_the_mask_is_kept_against_momentum_and_biases_are_left_alone():
    model = fit(MagnitudePruning(0.5, 20), 40, Model())
    assert zeros(model.members) == 0.5
    assert (model.members[0].bias != 0).all()
    assert model.seen == sorted(model.seen)
    assert model.seen[0] == 0.0
    assert model.seen[11] == pytest.approx(0.5 * (1 - 0.5**3), abs=0.01)
    mask = model.members[0].weight.detach() == 0
    fit(MagnitudePruning(0.5), 10, model)  # a resumed run sees from the weights what is gone
    assert torch.equal(model.members[0].weight.detach() == 0, mask)
