"""Whole series left out: each is the test once, training sees nothing of it, and scale comes from its own past."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.folding import Folds
from lstm_lab.data.timeseries.source import Series
from lstm_lab.data.timeseries.unseen import count_turns, left_out
from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.errors import UserError
from lstm_lab.evaluation import leak
from lstm_lab.nets.segments import SegmentForecaster
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.forecast import Forecast

ROWS, AHEAD, SHOPS = 60, 3, ("north", "south", "east")
CORE = {
    "cell": "lstm", "hidden_size": 4, "num_layers": 1, "bidirectional": False, "dropout": 0.0,
    "recurrent_dropout": 0.0, "activation": "tanh", "init": "orthogonal", "forget_bias": 1.0,
}  # fmt: skip


def written(path, other=None):
    """Three shops with a price and a promotion each, in two towns; all that `other` holds is something else."""
    parts, at = [], np.arange(ROWS + AHEAD)
    for place, shop in enumerate(SHOPS):
        changed = shop == other
        sales = 30.0 + 5 * place + 3 * np.sin(2 * np.pi * at / 12) + (at * (place + 3)) % 7
        part = pd.DataFrame({"shop": shop, "month": pd.date_range("2001-01", periods=len(at), freq="MS")})
        part["sales"] = np.where(at < ROWS, sales**2 if changed else sales, np.nan).round(3)
        part["price"] = (2 + np.cos(at + place) * (9 if changed else 1)).round(3)
        part["promotion"] = np.where((at + place) % 5 == 0, "gift" if changed else "sale", "usual")
        parts.append(part.assign(town="elsewhere" if changed else "ab"[place % 2], size=7.0**place))
    pd.concat(parts).to_csv(path, index=False)
    return path


def shops(path, **words):
    return TimeSeriesDataModule(
        path=path, target="sales", horizon=3, test=6, validation=12, lookback=14, **{"group": "shop", **words}
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abcde"), min_size=2, max_size=12), st.data())
def test_each_series_is_left_out_once_and_groups_whole(towns, data):
    names = tuple(f"s{n}" for n in range(len(towns)))
    values = np.ones((8, len(names)))
    static = pd.DataFrame({"town": towns}, index=list(names))
    series = Series(values, names, pd.RangeIndex(8), 0, "many", static=static)
    if len(set(towns)) < 2:
        with pytest.raises(UserError, match=r"must lie between 2 and 1, the number of different groups"):
            left_out(series, "town", Folds(None, 0), 6)
        return
    count = data.draw(st.one_of(st.none(), st.integers(2, len(set(towns)))))
    turns = count_turns(series, "town", Folds(count, 0), 6)
    assert turns == (count or len(set(towns)))
    each = [left_out(series, "town", Folds(count, number), 6).which for number in range(turns)]
    assert np.stack(each).sum(axis=0).tolist() == [1] * len(names)
    for which in each:
        out = {town for town, one in zip(towns, which, strict=True) if one}
        kept = {town for town, one in zip(towns, which, strict=True) if not one}
        assert kept
        assert not out & kept


HEADS = [
    Forecast(head="recursive", noise={"level": 0.0, "difference": 0.0, "smooth": 0.0}),
    Forecast(head="segment", window="revin"),
    Forecast(head="direct"),
    Forecast(head="encoder_decoder", sampling=0.5),
]


@pytest.mark.parametrize("task", HEADS, ids=lambda task: task.head)
def test_training_sees_nothing_of_a_series_that_is_left_out(task, tmp_path):
    """Whatever stood in it: the same loss, gradients, validation error and choice of members, to the last bit."""
    beside = (
        {} if task.head == "recursive" else {"future": ["price", "promotion"], "static": ["town", "size"]}
    )
    found = []
    for other in (None, "south"):
        path = written(tmp_path / "shops.csv", other)
        data = shops(path, folds="all", fold=2, **beside)  # by their names: east, north, south
        data.suit(task.to_plain())
        torch.manual_seed(0)
        net = task.build_net(Blueprint(data.spec, CORE, data.statistics, 0))
        batch = data.samples("train").gather(slice(None))
        torch.manual_seed(1)
        loss = task.loss(net, batch)
        loss.backward()
        gradients = {name: one.grad for name, one in net.named_parameters() if one.grad is not None}
        judged = data.samples("validation").gather(slice(None))
        with torch.no_grad():
            predictions = task.predict([net.eval()], torch.ones(1), judged)
            weights = task.weigh([net, net], [data.calibration().gather(slice(None))])
        found.append((loss, task.error(predictions, judged), gradients, weights, predictions["forecast"]))
        if isinstance(net, SegmentForecaster):
            assert net.series is None
    (loss, error, gradients, weights, told), (loss2, error2, gradients2, weights2, told2) = found
    assert loss == loss2
    assert error == error2
    assert torch.equal(weights, weights2)
    assert gradients.keys() == gradients2.keys()
    assert all(torch.equal(one, gradients2[name]) for name, one in gradients.items())
    assert torch.equal(told[..., [0, 2]], told2[..., [0, 2]])
    assert not torch.equal(told[..., 1], told2[..., 1])  # it was something else indeed


def test_what_each_part_asks_for(tmp_path):
    data = shops(written(tmp_path / "shops.csv"), folds=3, fold="2/3")
    masks = {
        part: data.windows(part).gather(slice(None)).targets["horizon_mask"].any(dim=(0, 1))
        for part in ("train", "validation", "calibration", "test")
    }
    out = masks["test"]
    assert int(out.sum()) == 1
    assert all(torch.equal(mask, ~out) for part, mask in masks.items() if part != "test")
    assert data.fold_count == 3
    left = data.series.names[int(out.int().argmax())]
    assert f"left out of training: '{left}'; 2 series train" in data.describe()
    assert f"fold 2 of 3 by series: '{left}', scaled by own earlier rows" in data.protocol


def test_the_scale_of_an_unseen_series_is_that_of_its_own_past(tmp_path):
    path = written(tmp_path / "shops.csv")
    data = shops(path, folds="all", fold=1)
    own = data.series.values[: data.split.train, 0]
    moments = data.statistics["moments"]["raw"]
    assert moments["mean"][0] == pytest.approx(own.mean())
    table = pd.read_csv(path)
    late = (table["shop"] == "north") & (table["month"] >= "2005-07") & table["sales"].notna()
    assert late.sum() == 6
    table.loc[late, "sales"] += 1000  # the test rows
    table.to_csv(path, index=False)
    assert shops(path, folds="all", fold=1).statistics == data.statistics


def test_its_interval_is_that_of_its_own_validation_rows(tmp_path):
    data = shops(written(tmp_path / "shops.csv"), folds="all", fold=1)
    batch = data.calibration().gather(slice(None))
    forecast = torch.nan_to_num(batch.targets["horizon"]) + torch.tensor([5.0, 1.0, 1.0])
    data.calibrate([({"forecast": forecast}, batch)], {"interval": 0.8})
    widths = np.array(data.processor.uncertainty.widths) * np.array(data.processor.uncertainty.usual) / 2
    assert np.allclose(widths[0], [5, 1, 1])


def test_a_series_that_ended_takes_no_turn(tmp_path):
    path = written(tmp_path / "shops.csv")
    table = pd.read_csv(path)
    table = table[(table["shop"] != "east") | (table["month"] < "2005-01")]
    table.to_csv(path, index=False)
    data = shops(path, folds="all", fold=1)
    assert data.fold_count == 2
    assert data.asked("test").tolist() == [False, True, False]
    assert data.asked("train").tolist() == [True, False, True]


def test_the_future_of_no_series_is_seen(tmp_path):
    """The leak test of the command line, on a fold."""
    words = [
        "data=csv", f"data.path={written(tmp_path / 'shops.csv')}", "data.target=sales", "data.horizon=3",
        "data.test=6", "data.validation=12", "data.group=shop", "data.fold=1/3", "task.head=segment",
        "model.hidden_size=3", "ensemble=1",
    ]  # fmt: skip
    found = leak.run(plain_settings(compose_config(words)))
    assert found.checked
    assert not found.leaks


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({}, r"data\.group=shop leaves whole series out in turn: say data\.folds=all"),
        ({"folds": 4}, r"data\.folds=4 must lie between 2 and 3, the number of different groups by 'shop'"),
        (
            {"folds": 2, "group": "twon", "static": ["town"]},
            r"Did you mean 'town'\? Allowed: series, shop, town, prefix",
        ),
        ({"folds": 2, "group": "town"}, r"data\.group=town is not known"),
    ],
)
def test_mistakes_are_one_line(words, told, tmp_path):
    with pytest.raises(UserError, match=told) as found:
        shops(written(tmp_path / "shops.csv"), **words).setup()
    assert "\n" not in str(found.value)


def test_one_series_cannot_be_left_out():
    with pytest.raises(UserError, match=r"leaves whole series out; airline is a single one"):
        TimeSeriesDataModule("airline", horizon=12, group="series", folds="all").setup()
