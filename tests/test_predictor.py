"""A checkpoint predicts from a table in the user's units, whatever the table looks like."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.data.timeseries.uncertainty import Uncertainty
from lstm_lab.errors import UserError
from lstm_lab.models import LSTM
from lstm_lab.predictor import Predictor, load
from lstm_lab.training.checkpoint import write_checkpoint


@pytest.fixture(scope="module")
def data():
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()
    return data


@pytest.fixture(scope="module")
def predictor(data):
    model = LSTM(data.spec, statistics=data.processor.statistics, hidden_size=4, ensemble=2, seed=0)
    torch.manual_seed(0)
    for parameter in model.parameters():  # an untrained head reads nothing but the last season
        torch.nn.init.normal_(parameter, std=0.3)
    return Predictor(model, data.processor)


@pytest.fixture
def table(data):
    series = data.series
    return pd.DataFrame(series.values, index=series.index, columns=list(series.names))


def test_a_checkpoint_gives_the_same_forecast(predictor, table, tmp_path):
    write_checkpoint(tmp_path / "best.ckpt", predictor.checkpoint())
    again = load(tmp_path / "best.ckpt")
    pd.testing.assert_frame_equal(again.predict(table), predictor.predict(table), check_exact=True)
    pd.testing.assert_frame_equal(again.predict(), predictor.predict(), check_exact=True)


def test_only_the_last_rows_count(predictor, table):
    shown = predictor.predict(table)
    other = table.copy()
    other.iloc[: -predictor.processor.lookback] = 1e6
    pd.testing.assert_frame_equal(predictor.predict(other), shown, check_exact=True)
    other.iloc[-predictor.processor.lookback] += 100
    assert not predictor.predict(other)["forecast"].equals(shown["forecast"])


def test_the_forecast_begins_after_the_last_row(predictor, table):
    for rows in (50, 100, 144):
        shown = predictor.predict(table.iloc[:rows])
        assert shown.index[0] == table.index[rows - 1] + pd.DateOffset(months=1)
        assert len(shown) == 36
        assert shown.index.name == "time"


def test_years_before_and_after_the_training_data_keep_their_season(predictor, table):
    shown = predictor.predict(table)
    for years in (-30, 7, 60):
        moved = table.set_axis(table.index + pd.DateOffset(years=years))
        assert np.array_equal(predictor.predict(moved)["forecast"], shown["forecast"]), years


def test_columns_are_found_by_name(predictor, table):
    shuffled = table.assign(other="text")[["other", *table.columns]]
    pd.testing.assert_frame_equal(predictor.predict(shuffled), predictor.predict(table), check_exact=True)


def broken(table, kind):
    if kind == "a column less":
        return table.rename(columns={table.columns[0]: "elsewhere"})
    if kind == "too few rows":
        return table.iloc[:5]
    if kind == "a hole":
        return pd.concat([table.iloc[:140], table.iloc[140:141] * float("nan"), table.iloc[141:]])
    if kind == "a month less":
        return table.drop(table.index[140])
    if kind == "another clock":
        return table.set_axis(pd.date_range("1949-01-01", periods=144, freq="D"))
    return table.reset_index(drop=True)


TOLD = {
    "a column less": "no column",
    "too few rows": "the table has 5",
    "a hole": "no number at 1960-09",
    "a month less": "not regular",
    "another clock": "not regular",
    "no clock": "needs a clock",
}


@pytest.mark.parametrize(("kind", "told"), TOLD.items(), ids=list(TOLD))
def test_a_table_that_does_not_fit_is_told(kind, told, predictor, table):
    with pytest.raises(UserError, match=told) as error:
        predictor.predict(broken(table, kind))
    assert len(str(error.value).splitlines()) == 1


def test_the_processor_is_plain_and_comes_back(data):
    plain = data.processor.to_plain()
    assert SeriesProcessor.from_plain(plain).to_plain() == plain


def test_the_interval_is_conformal_and_widens_with_the_seasons(data):
    processor = SeriesProcessor.from_plain(data.processor.to_plain())
    block = processor.statistics["block"]
    # 99 errors of size 1 … 99 in the first season: 80 % of 100 values lie within the 80th.
    errors = torch.arange(1.0, 100.0)[:, None, None].expand(99, 2 * block, 1)
    known = torch.zeros_like(errors, dtype=torch.bool)
    known[:, 0] = True
    batch = Batch(
        inputs=errors,
        lengths=torch.ones(99),
        keys=torch.arange(99),
        targets={"horizon": 0 * errors, "horizon_mask": known},
    )
    processor.uncertainty = Uncertainty.calibrated([({"forecast": errors}, batch)], block, 0.8, None)
    again = SeriesProcessor.from_plain(processor.to_plain())
    found = again.finish({"forecast": torch.zeros(1, 2 * block, 1)})
    assert found["upper"][0, 0].item() == pytest.approx(80)
    assert found["lower"][0, 0].item() == pytest.approx(-80)
    assert found["upper"][0, block].item() == pytest.approx(80 * 2**0.5)


def test_a_foreign_checkpoint_is_told(predictor, tmp_path):
    write_checkpoint(tmp_path / "best.ckpt", {**predictor.checkpoint(), "format": "other/3"})
    with pytest.raises(UserError, match="not written by this version of lstm_lab"):
        load(tmp_path / "best.ckpt")
