"""Covariates that differ between the series of a long file: each series reads its own, and no other's."""

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.covariates import Encoder
from lstm_lab.data.timeseries.own import Own
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.data.timeseries.source import read_csv
from lstm_lab.errors import UserError
from lstm_lab.models import LSTM
from lstm_lab.predictor import Predictor
from lstm_lab.tasks import build_task

ROWS, AHEAD, SHOPS = 72, 3, ("north", "south")


def table(rows=ROWS, ahead=AHEAD, shops=SHOPS):
    """Two shops: a price and a promotion of each, known ahead; visitors of each, known when they came; one weather."""
    parts = []
    for shop in shops:
        place = SHOPS.index(shop) if shop in SHOPS else 5
        at = np.arange(rows + ahead)
        part = pd.DataFrame(
            {
                "shop": shop,
                "month": pd.date_range("2001-01", periods=rows + ahead, freq="MS").strftime("%Y-%m"),
                "sales": 20.0 + at % 12 + 100 * place,
                "price": (1 + 9 * place) * (2 + np.cos(at + place)),
                "promotion": np.where((at + place) % 5 == 0, "sale", "usual"),
                "visitors": 50.0 + (at * (3 + place)) % 7,
                "weather": np.sin(at),
            }
        )
        part.loc[rows:, ["sales", "visitors"]] = np.nan
        parts.append(part)
    return pd.concat(parts)


WORDS = {
    "target": "sales", "past": ["visitors"], "future": ["price", "promotion", "weather"],
    "horizon": 3, "lookback": 13, "test": 6, "validation": 6,
}  # fmt: skip


@pytest.fixture
def made(tmp_path):
    def make(frame=None, **settings):
        path = tmp_path / "shops.csv"
        (table() if frame is None else frame).to_csv(path, index=False)
        data = TimeSeriesDataModule(path=path, **{**WORDS, **settings})
        data.setup()
        return data

    return make


def test_each_series_has_its_own_and_what_is_one_for_all_stays_one(made):
    series = made().series
    assert series.own == ("visitors", "price", "promotion")
    assert series.names == SHOPS
    assert len(series) == ROWS
    assert len(series.covariates) == ROWS + AHEAD
    for number, shop in enumerate(SHOPS):
        own = table().query("shop == @shop")
        assert np.allclose(series.covariates[f"price of {shop}"], own["price"])
        assert series.covariates[f"promotion of {shop}"].tolist() == own["promotion"].tolist()
        assert series.values[:, number].tolist() == own["sales"][:ROWS].tolist()
    assert np.allclose(series.covariates["weather"], np.sin(np.arange(ROWS + AHEAD)))
    assert series.columns(["price", "weather"]) == ["price of north", "price of south", "weather"]


def test_windows_hold_the_covariates_of_each_series_scaled_by_its_training_rows(made):
    data = made(lags=[2])
    names = data.spec.inputs.names
    assert names == (
        "north", "south", "visitors of north", "visitors of south", "north 2 back", "south 2 back", "weather",
        "price of north", "price of south", "promotion=sale of north", "promotion=sale of south",
        "promotion=usual of north", "promotion=usual of south", "phase",
    )  # fmt: skip
    assert data.spec.future == names[6:13]
    assert data.statistics["each"] == {"past": 2, "future": 3}
    batch = data.windows("train").gather(slice(None))
    rows = batch.keys[:, None] + torch.arange(-13, 0)
    ahead = batch.keys[:, None] + torch.arange(batch.future.shape[1])
    for shop in SHOPS:
        own = table().query("shop == @shop")
        price = torch.tensor(own["price"].to_numpy())
        price = (price - price[:60].mean()) / price[:60].std(correction=0)
        sale = torch.tensor((own["promotion"] == "sale").to_numpy())
        place = names.index(f"price of {shop}")
        assert torch.allclose(batch.inputs[..., place], price[rows].float(), atol=1e-6)
        assert torch.allclose(batch.future[..., place - 6], price[ahead].float(), atol=1e-6)
        place = names.index(f"promotion=sale of {shop}")
        assert torch.equal(batch.inputs[..., place], sale[rows].float())
        assert torch.equal(batch.future[..., place - 6], sale[ahead].float())


@pytest.mark.parametrize("head", ["direct", "segment", "encoder_decoder"])
def test_a_series_reads_its_own_covariates_and_no_others(head, made):
    data = made()
    task = build_task({"name": "forecast", "head": head, "segment": 1, "window": "last"}, "horizon")
    net = LSTM(data.spec, task, data.statistics, hidden_size=4, seed=1).members[0].eval()
    for one in net.parameters():  # heads begin at zero
        torch.nn.init.normal_(one, std=0.3, generator=torch.Generator().manual_seed(one.numel()))
    batch = data.windows("test").gather(slice(None))
    before = net(batch.inputs[..., :-1], batch.observed, batch.future)  # (B, S, C, P)
    places = {name: place for place, name in enumerate(data.spec.inputs.names)}
    told = {name: place for place, name in enumerate(data.spec.future)}
    for name in ("visitors of south", "price of south", "promotion=sale of south"):
        inputs = batch.inputs.clone()
        inputs[:, -2:, places[name]] += 1
        after = net(inputs[..., :-1], batch.observed, batch.future)
        assert torch.equal(after[:, :, 0], before[:, :, 0])
        assert not torch.allclose(after[:, :, 1], before[:, :, 1])
    future = batch.future.clone()
    future[:, 1, told["price of north"]] += 1
    after = net(batch.inputs[..., :-1], batch.observed, future)
    assert torch.equal(after[:, :, 1], before[:, :, 1])
    assert not torch.allclose(after[:, 1, 0], before[:, 1, 0])
    future = batch.future.clone()
    future[:, 1, told["weather"]] += 1
    after = net(batch.inputs[..., :-1], batch.observed, future)
    assert not torch.allclose(after[:, 1, 0], before[:, 1, 0])
    assert not torch.allclose(after[:, 1, 1], before[:, 1, 1])


def test_a_covariate_that_training_saw_still_in_one_series_is_scaled_by_the_others():
    frame = pd.DataFrame({"x of a": [0.0, 2.0, 9.0], "x of b": [5.0, 5.0, 7.0]})
    own = Own(["a", "b"], ["x"]).fit(frame, 2)
    assert own.centres["x"] == [[1.0, 1.0], [5.0, 0.5**0.5]]
    assert own.code(frame, ["x"])[:, 0].tolist() == [-1, 1, 8]
    assert Encoder(["x"], []).fit(pd.DataFrame({"x": [3.0, 3.0, 4.0]}), 2).centres["x"] == [3.0, 1.0]


def test_lags_are_those_of_the_series_itself(made):
    data = made(past=None, future=None, lags=[1, 12])
    assert data.statistics["each"] == {"past": 2, "future": 0}
    net = LSTM(data.spec, build_task({"name": "forecast", "head": "direct"}, "horizon"), data.statistics)
    assert net.members[0].embed.in_features == 1 + 2


# -- predicting ------------------------------------------------------------------------------------------------


def test_a_new_file_makes_the_batch_that_the_windows_have(made, tmp_path):
    data = made(lags=[2], calendar=["month"])
    processor = SeriesProcessor.from_plain(data.processor.to_plain())
    origin = 69
    frame = table(rows=origin, shops=("west", "south", "north"), ahead=AHEAD)  # another order, and one more
    frame.to_csv(tmp_path / "new.csv", sep=";", index=False)
    batch = processor.to_batch(processor.table(tmp_path / "new.csv"))
    window = data.windows("test").gather(slice(3, 4))
    assert int(window.keys) == origin
    assert torch.allclose(batch.inputs, window.inputs, atol=1e-6)
    assert torch.allclose(batch.future, window.future, atol=1e-6)


def test_what_was_own_may_be_one_for_all_in_a_new_file_but_not_the_other_way_round(made, tmp_path):
    processor = made().processor
    table().assign(price=3.0).to_csv(tmp_path / "new.csv", index=False)
    found = processor.table(tmp_path / "new.csv")
    assert (found[["price of north", "price of south"]] == 3).all(axis=None)
    frame = table()
    frame["weather"] = np.arange(len(frame))
    frame.to_csv(tmp_path / "new.csv", index=False)
    with pytest.raises(UserError, match=r"new.csv, column 'weather': at 2001-01-01 00:00:00 it differs"):
        processor.table(tmp_path / "new.csv")


def test_the_end_of_the_data_knows_its_plans_and_a_missing_one_names_series_and_stamp(made, tmp_path):
    frame = table().reset_index(drop=True)
    processor = made(frame).processor
    assert processor.to_batch(processor.example()).future.shape == (1, 3, 7)
    place = frame.index[(frame["shop"] == "south") & (frame["month"] == "2007-02")]
    frame.loc[place, "promotion"] = ""
    frame.to_csv(tmp_path / "new.csv", index=False)
    told = r"'promotion' of series 'south' is missing at 2007-02-01.*3 rows ahead"
    with pytest.raises(UserError, match=told):
        processor.to_batch(processor.table(tmp_path / "new.csv"))
    with pytest.raises(UserError, match=r"'weather' is missing at 2007-01-01"):
        processor.to_batch(processor.example().iloc[:13])


def test_all_origins_in_one_pass_equal_those_one_by_one(made):
    data = made()
    task = build_task({"name": "forecast", "head": "encoder_decoder"}, "horizon")
    model = LSTM(data.spec, task, data.statistics, hidden_size=4, seed=1)
    predictor, windows = Predictor(model, data.processor), data.windows("test")
    together = predictor.predict_batch(windows.gather(slice(None)))["forecast"]
    alone = [
        predictor.predict_batch(windows.gather(slice(at, at + 1)))["forecast"] for at in range(len(windows))
    ]
    assert torch.allclose(together, torch.cat(alone), atol=1e-5)


# -- what is broken is told ------------------------------------------------------------------------------------


def broken(cell, column, row):
    frame = table().reset_index(drop=True).astype(object)
    frame.loc[row, column] = cell
    return frame


WRONG = {
    "a word": (broken("dear", "price", 80), r"shops.csv, row 82, column 'price': 'dear' stands where"),
    "nothing in a series": (
        table().assign(price=lambda one: one["price"].where(one["shop"] == "north")),
        r"shops.csv, column 'price': series 'south' holds nothing in it",
    ),
}


@pytest.mark.parametrize(("frame", "told"), WRONG.values(), ids=list(WRONG))
def test_a_broken_covariate_is_one_line(frame, told, made):
    with pytest.raises(UserError, match=told) as error:
        made(frame)
    assert len(str(error.value).splitlines()) == 1


def test_a_covariate_is_of_the_past_or_of_the_future(made):
    with pytest.raises(UserError, match="'price' cannot be known up to the present and ahead at once"):
        made(past=["price"])


def test_rows_of_a_long_file_that_stand_there_twice_are_dropped(tmp_path):
    frame = table()
    pd.concat([frame, frame.iloc[:4]]).to_csv(tmp_path / "twice.csv", index=False)
    series = read_csv(tmp_path / "twice.csv", "sales", future=["price"])
    assert "4 repeated rows were dropped" in series.notes
    assert len(series) == ROWS
