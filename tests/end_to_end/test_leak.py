"""Nothing behind the cut is seen by anything before it: the future is overwritten, and not a bit may change."""

import math

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.source import Series
from lstm_lab.models import LSTM
from lstm_lab.predictor import Predictor
from lstm_lab.training.trainer import build_trainer

TEST = 12  # rows behind the cut


def same(ours, other):
    """Equal to the last bit, through dicts, lists and tensors."""
    if isinstance(ours, dict):
        assert ours.keys() == other.keys()
        for key in ours:
            same(ours[key], other[key])
    elif isinstance(ours, (list, tuple)):
        assert len(ours) == len(other)
        for one, two in zip(ours, other, strict=True):
            same(one, two)
    elif isinstance(ours, torch.Tensor):
        assert torch.equal(ours, other)
    else:
        assert ours == other


@pytest.mark.parametrize("refit", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_a_whole_run_does_not_see_the_test_rows(train, monthly, refit):
    words = ("data=csv", f"data.horizon={TEST}", f"refit={refit}", "fit.max_steps=20", "fit.validate_every=5")

    def overwrite(table):
        table.loc[len(table) - TEST :, "sales"] = 1e6

    true = train(*words, f"data.path={monthly('true.csv')}")
    false = train(*words, f"data.path={monthly('false.csv', overwrite)}")

    pd.testing.assert_frame_equal(true.history, false.history, check_exact=True)
    ours, other = true.checkpoint, false.checkpoint
    same(ours["state_dict"], other["state_dict"])
    same(ours["hyper_parameters"], other["hyper_parameters"])  # statistics, and all that was chosen
    assert ours["processor"]["tail"] != other["processor"]["tail"], "the test rows were not overwritten"
    for key in ("statistics", "uncertainty", "phase", "lookback"):
        same(ours["processor"][key], other["processor"][key])
    for column in ("origin", "time", "forecast", "lower", "upper"):
        assert true.predictions[column].equals(false.predictions[column]), column
    assert true.metrics["metrics"]["test/rmse"] < 1e5 < false.metrics["metrics"]["test/rmse"]


class Poisoned(TimeSeriesDataModule):
    """The airline with every row from `cut` on replaced; NaN is what no reader lets through."""

    def __init__(self, cut, poison, **settings):
        super().__init__(name="airline", test=36, **settings)
        self.cut, self.poison = cut, poison

    def read(self):
        series = super().read()
        values = np.where(np.arange(len(series))[:, None] < self.cut, series.values, self.poison)
        return Series(values, series.names, series.index, series.season, series.name)


def trained(data, steps=6):
    data.steps = data.chunk = 3
    model = LSTM(
        data.spec,
        statistics=data.processor.statistics,
        hidden_size=4,
        ensemble=4,  # both views on both scales
        steps_per_execution=3,
        max_steps=steps,
        seed=1,
    )
    pl.seed_everything(1, verbose=False)
    build_trainer(steps).fit(model, train_dataloaders=data.train_dataloader())
    return model


@pytest.mark.parametrize("poison", [1e6, -1e6, math.nan], ids=str)
@pytest.mark.parametrize("refit", [False, True], ids=["fit", "refit"])
def test_training_sees_no_row_behind_its_part(poison, refit):
    clean, dirty = (
        Poisoned(cut, poison, horizon=36, validation=27, batch_size=16) for cut in (144, 108 if refit else 81)
    )
    for data in (clean, dirty):
        data.setup()
        if refit:
            data.fit_again()
    same(clean.processor.statistics, dirty.processor.statistics)
    for items in zip(clean.train_dataloader(), dirty.train_dataloader(), strict=True):
        for ours, other in zip(*items, strict=True):
            same(dict(ours.tensors()), dict(other.tensors()))
    ours, other = trained(clean), trained(dirty)
    same(ours.state_dict(), other.state_dict())
    assert not torch.isnan(torch.nn.utils.parameters_to_vector(other.parameters())).any()

    # Every origin up to the cut reads only what lies before it.
    last = "test" if refit else "validation"
    for part, rows in (("train", slice(None)), (last, slice(0, 1))):
        forecasts = [
            Predictor(model, data.processor).predict_batch(data.windows(part).gather(rows))
            for model, data in ((ours, clean), (other, dirty))
        ]
        same(*forecasts)


def test_the_last_value_before_the_cut_does_matter():
    """The leak test can fail: a changed row inside the training part changes the weights."""
    clean, dirty = (Poisoned(cut, 1e3, horizon=36, validation=27) for cut in (144, 80))
    clean.setup()
    dirty.setup()
    assert clean.processor.statistics != dirty.processor.statistics
    ours, other = trained(clean).state_dict(), trained(dirty).state_dict()
    assert any(not torch.equal(ours[name], other[name]) for name in ours)
