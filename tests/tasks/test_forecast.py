"""The loss and the error of a forecast, by hand; which members there are, and what is refused."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.errors import UserError
from lstm_lab.tasks import build_task
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.forecast import Forecast

CORE = {
    "cell": "lstm", "hidden_size": 3, "num_layers": 1, "bidirectional": False, "dropout": 0.0,
    "recurrent_dropout": 0.0, "activation": "tanh", "init": "orthogonal", "forget_bias": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def data():
    data = TimeSeriesDataModule("airline", horizon=36, test=36)
    data.setup()
    return data


def untrained(task, data, number=0):
    return task.build_net(Blueprint(data.spec, CORE, data.processor.statistics, number)).eval()


def masked(batch, keep):
    known = batch.targets["horizon_mask"].clone()
    known[:, keep:] = False
    truth = torch.where(known, batch.targets["horizon"], torch.tensor(float("nan")))
    return Batch(batch.inputs, batch.lengths, batch.keys, {"horizon": truth, "horizon_mask": known})


@pytest.mark.parametrize(
    ("loss", "power"), [("mae", lambda e: e.abs()), ("mse", lambda e: e**2)], ids=["mae", "mse"]
)
def test_the_loss_of_an_untrained_net_is_that_of_the_seasonal_naive(loss, power, data):
    task = Forecast(loss=loss, views=["difference"], scales=["raw"])
    net, batch = untrained(task, data), data.windows("train").gather(slice(None))
    (spread,) = data.processor.statistics["scales"]["raw"]["difference"]["spread"]
    error = (batch.inputs[:, -12:, :1] - batch.targets["horizon"]) / spread
    torch.testing.assert_close(task.loss(net, batch), power(error).mean())


@pytest.mark.parametrize("scale", ["raw", "log"])
def test_targets_that_are_masked_count_for_nothing(scale, data):
    task = Forecast(views=["difference"], scales=[scale])
    net, batch = untrained(task, data), data.windows("train").gather(slice(0, 5))
    short = masked(batch, 4)
    loss = task.loss(net, short)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(one.grad).all() for one in net.parameters() if one.grad is not None)
    first = Batch(batch.inputs, batch.lengths, batch.keys, {n: t[:, :4] for n, t in batch.targets.items()})
    torch.testing.assert_close(loss, task.loss(net, first))
    forecast = {"forecast": net(batch.inputs, 12)}
    total, count = task.error(forecast, short)
    assert count == 20
    expected = (forecast["forecast"] - batch.targets["horizon"]).abs()[:, :4].sum()
    torch.testing.assert_close(total, expected)


def test_members_take_views_and_scales_in_turn(data):
    task = Forecast(views=["difference", "level"], scales=["raw", "log"])
    nets = [untrained(task, data, number) for number in range(8)]
    kinds = [(net.view, net.scale) for net in nets]
    assert len(set(kinds[:4])) == 4
    assert kinds[:4] == kinds[4:]
    assert task.members(data.processor.statistics, 108) % 4 == 0


def test_a_series_below_zero_has_no_logarithms_and_one_without_a_season_no_differences():
    data = TimeSeriesDataModule("sine", horizon=1, lookback=5)
    data.setup()
    statistics = data.processor.statistics
    task = Forecast(views=["difference", "level"], scales=["raw", "log"])
    nets = [task.build_net(Blueprint(data.spec, CORE, statistics, number)) for number in range(3)]
    assert {(net.view, net.scale) for net in nets} == {("level", "raw")}
    with pytest.raises(UserError, match="values above zero"):
        Forecast(scales=["log"]).build_net(Blueprint(data.spec, CORE, statistics, 0))
    with pytest.raises(UserError, match="shows its season"):
        Forecast(views=["difference"]).build_net(Blueprint(data.spec, CORE, statistics, 0))


def test_a_task_comes_back_from_its_plain_form():
    task = Forecast(loss="huber", views=["level"], scales=["raw"], interval=0.5)
    assert build_task(task.to_plain(), "horizon").to_plain() == task.to_plain()
    assert build_task(None, "horizon").to_plain() == Forecast().to_plain()


@pytest.mark.parametrize(
    "settings", [{"loss": "l3"}, {"views": ["top"]}, {"scales": ["sqrt"]}, {"interval": 0}, {"interval": 1}]
)
def test_what_is_not_known_is_told(settings):
    with pytest.raises(UserError, match=f"task.{next(iter(settings))}"):
        Forecast(**settings)


def test_differences_of_a_season_need_two_of_them():
    short = TimeSeriesDataModule("airline", horizon=12, lookback=14)
    with pytest.raises(UserError, match=r"data\.lookback=14 must be at least two seasons \(24 rows\)"):
        untrained(Forecast(), short)
    net = untrained(Forecast(views=["level"]), short)
    assert net(short.windows("train").gather(slice(0, 2)).inputs).shape == (2, 12, 1)
