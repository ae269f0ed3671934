"""What a forecaster is before it has learned anything, and what cannot change its answer."""

import pytest
import torch

from lstm_lab.nets.forecaster import VIEWS, BlockForecaster
from lstm_lab.nets.recurrent import Recurrent

M, SEASONS = 4, 3  # block, and seasons in a window


def core(cell="lstm"):
    return Recurrent(
        1, cell=cell, hidden_size=5, num_layers=1, bidirectional=False, dropout=0.0, recurrent_dropout=0.0,
        activation="tanh",
    )  # fmt: skip


def forecaster(view, scale="raw", profile=(3.0, -1.0, -2.0, 0.0), trained=False, **settings):
    torch.manual_seed(0)
    rows = M * SEASONS
    net = BlockForecaster(
        core(), view=view, scale=scale, block=M, spread=[2.0], profile=[list(profile)] if profile else None,
        floor=[1.0], window=rows - M, horizon=6, **settings,
    )  # fmt: skip
    if trained:
        for parameter in net.parameters():
            torch.nn.init.normal_(parameter, std=0.3)
    return net.eval()


def window(batch=2, phase=0, rows=M * SEASONS):
    torch.manual_seed(1)
    values = 5 + torch.rand(batch, rows) * 10
    phases = (phase + torch.arange(rows)) % M
    return torch.stack([values, phases.expand(batch, rows).float()], dim=-1)


@pytest.mark.parametrize("scale", ["raw", "log"])
def test_untrained_differences_are_the_seasonal_naive_forecast(scale):
    inputs = window()
    forecast = forecaster("difference", scale)(inputs)[..., 0]
    last = inputs[:, -M:, 0]
    torch.testing.assert_close(forecast, torch.cat([last, last[:, :2]], dim=1))


@pytest.mark.parametrize("phase", range(M))
def test_an_untrained_level_is_the_seasonally_adjusted_naive_forecast(phase):
    profile = torch.tensor([3.0, -1.0, -2.0, 0.0])
    inputs = window(phase=phase)
    last, last_phase = inputs[:, -1, 0], int(inputs[0, -1, 1])
    ahead = (last_phase + 1 + torch.arange(6)) % M
    expected = (last - profile[last_phase])[:, None] + profile[ahead]
    torch.testing.assert_close(forecaster("level")(inputs)[..., 0], expected)


def test_an_untrained_level_on_logarithms_multiplies():
    profile = torch.tensor([0.3, -0.1, -0.2, 0.0])
    inputs = window()
    expected = inputs[:, -1:, 0] * torch.exp(profile[torch.arange(6) % M] - profile[3])
    torch.testing.assert_close(forecaster("level", "log", profile.tolist())(inputs)[..., 0], expected)


@pytest.mark.parametrize("view", VIEWS)
def test_a_forecast_does_not_depend_on_its_neighbours_or_on_the_steps_after_it(view):
    net, inputs = forecaster(view, trained=True), window(5)
    whole = net(inputs)
    torch.testing.assert_close(whole[2:3], net(inputs[2:3]))
    torch.testing.assert_close(whole.flip(0), net(inputs.flip(0)))
    for steps in (1, 3, 4, 5):
        torch.testing.assert_close(net(inputs, steps), whole[:, :steps])
    assert net(inputs, 11).shape == (5, 11, 1)
    torch.testing.assert_close(net(inputs, 11)[:, :6], whole)


@pytest.mark.parametrize("view", ["difference", "level"])
def test_a_shifted_series_has_a_shifted_forecast(view):
    net, inputs = forecaster(view, trained=True), window()
    moved = inputs.clone()
    moved[..., 0] += 100
    torch.testing.assert_close(net(moved), net(inputs) + 100, atol=1e-3, rtol=0)


@pytest.mark.parametrize("view", ["difference", "level"])
def test_on_logarithms_a_scaled_series_has_a_scaled_forecast(view):
    net, inputs = forecaster(view, "log", trained=True), window()
    moved = inputs.clone()
    moved[..., 0] *= 7
    torch.testing.assert_close(net(moved), net(inputs) * 7, rtol=1e-4, atol=0)


@pytest.mark.parametrize("view", VIEWS)
def test_several_series_are_forecast_one_by_one(view):
    torch.manual_seed(0)
    pair = BlockForecaster(
        core(), view=view, scale="raw", block=M, spread=[2.0, 3.0], profile=None, floor=[1.0, 1.0],
        window=M * (SEASONS - 1), horizon=6,
    ).eval()  # fmt: skip
    torch.nn.init.normal_(pair.head.weight)
    one, two = window(), window().flip(1)
    two[..., 1] = one[..., 1]
    both = torch.cat([one[..., :1], two[..., :1], one[..., 1:]], dim=-1)
    forecast = pair(both)
    assert forecast.shape == (2, 6, 2)
    for number, inputs in enumerate((one, two)):
        alone = BlockForecaster(
            pair.core, view=view, scale="raw", block=M, spread=[[2.0, 3.0][number]], profile=None, floor=[1.0],
            window=M * (SEASONS - 1), horizon=6,
        ).eval()  # fmt: skip
        alone.head.load_state_dict(pair.head.state_dict())
        torch.testing.assert_close(forecast[..., number : number + 1], alone(inputs))


def test_noise_is_for_training_alone():
    net, inputs = forecaster("level", noise=1.0, trained=True), window()
    assert torch.equal(net(inputs), net(inputs))
    net.train()
    assert not torch.equal(net(inputs), net(inputs))


def test_every_weight_learns():
    for view in VIEWS:
        net = forecaster(view, trained=True)
        net(window()).sum().backward()
        assert all(
            parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in net.parameters()
        )


def test_a_value_below_the_floor_does_not_reach_minus_infinity():
    inputs = window()
    inputs[0, 3, 0] = 0
    inputs[1, 3, 0] = -5
    assert torch.isfinite(forecaster("level", "log", trained=True)(inputs)).all()
