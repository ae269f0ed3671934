"""Forecasters in segments: shapes, identities of their decoders, and what they may not see."""

import numpy as np
import pytest
import torch

from lstm_lab.data.timeseries.statistics import fit_moments
from lstm_lab.errors import UserError
from lstm_lab.features.instance import WINDOWS
from lstm_lab.features.transforms import Transform
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.init import build_core
from lstm_lab.nets.outputs import build_outputs
from lstm_lab.nets.segments import DECODERS, SegmentForecaster

B, L, S, C = 3, 24, 10, 2


def net(cell="gru", decoder="parallel", output="point", transform=("standard",), **settings):
    torch.manual_seed(0)
    values = np.random.default_rng(0).normal(size=(50, settings.get("channels", C))) + 9
    settings = {"channels": C, "lookback": L, "horizon": S, "embedding": 6, "segment": 4, **settings}
    core = build_core(6, {"cell": cell, "hidden_size": 5})
    transform = Transform(list(transform), fit_moments(values))
    made = SegmentForecaster(core, transform, build_outputs(output), decoder=decoder, **settings).eval()
    for weight in made.head.parameters():  # what writes begins at zero
        torch.nn.init.normal_(weight)
    return made


def inputs(columns=C, seed=1):
    torch.manual_seed(seed)
    return torch.randn(B, L, columns) + 9


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("cell", CELLS)
def test_every_cell_with_every_decoder(cell, decoder):
    found = net(cell, decoder, covariates=3, future=2, masked=True, skip=True, convolution=3)(
        inputs(C + 3), torch.ones(B, L, C + 3, dtype=torch.bool), torch.randn(B, S, 2)
    )
    assert found.shape == (B, S, C, 1)
    found.sum().backward()


@pytest.mark.parametrize("decoder", DECODERS)
@pytest.mark.parametrize("output", ["quantiles", "normal", "student_t"])
def test_every_output(output, decoder):
    head = net(decoder=decoder, output=output, skip=True)
    assert head(inputs()).shape == (B, S, C, head.outputs.size)


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("decoder", DECODERS)
def test_rows_of_a_batch_do_not_meet(window, decoder):
    head = net(decoder=decoder, window=window, season=4)
    x = inputs()
    assert torch.allclose(head(x)[1:2], head(x[1:2]), atol=1e-5)


@pytest.mark.parametrize("decoder", DECODERS)
def test_series_do_not_meet(decoder):
    head, x = net(decoder=decoder), inputs()
    other = x.clone()
    other[..., 1] += 5
    assert torch.allclose(head(x)[:, :, 0], head(other)[:, :, 0], atol=1e-6)


@pytest.mark.parametrize("decoder", DECODERS)
def test_with_the_last_value_taken_off_a_shift_is_a_shift(decoder):
    head, x = net(decoder=decoder, window="last", transform=()), inputs()
    assert torch.allclose(head(x + 100), head(x) + 100, atol=1e-3)


def test_a_single_segment_makes_parallel_the_same_as_one_step():
    head = net(horizon=4)
    found = head(inputs())
    z = head.transform(inputs()).transpose(1, 2)
    z, shift, scale = head.affine(z)
    state, _ = head._encode(head._features(z, inputs()[..., C:], None))
    where = torch.cat([head.position.expand(B * C, -1, -1)[:, 0], head.series.repeat(B, 1)], -1)
    output, _ = head.core.step(where, state)
    by_hand = head.head(output).unflatten(0, (B, C)) * scale + shift
    assert torch.allclose(found[..., 0].transpose(1, 2), by_hand, atol=1e-5)


def test_the_future_is_read_segment_by_segment():
    """A plan for a later segment changes nothing before it, in the decoder that goes step by step."""
    head = net(decoder="recurrent", future=2)
    future = torch.randn(B, S, 2)
    later = future.clone()
    later[:, 4:] += 3
    one, two = head(inputs(), future=future), head(inputs(), future=later)
    assert torch.equal(one[:, :4], two[:, :4])
    assert not torch.allclose(one[:, 4:], two[:, 4:])


def test_scheduled_sampling_feeds_the_truth_in_training_alone():
    head = net(decoder="recurrent", sampling=1.0)
    truth = torch.randn(B, S, C) + 9
    assert torch.equal(head(inputs(), truth=truth), head(inputs()))
    head.train()
    assert not torch.allclose(head(inputs(), truth=truth), head(inputs()))


@pytest.mark.parametrize("decoder", DECODERS)
def test_an_untrained_net_is_the_naive_forecast(decoder):
    core = build_core(6, {"cell": "gru", "hidden_size": 5})
    transform = Transform(["log", "standard"], fit_moments(np.random.default_rng(0).lognormal(size=(50, C))))
    settings = {
        "channels": C,
        "lookback": L,
        "horizon": S,
        "embedding": 6,
        "segment": 4,
        "future": 2,
        "skip": True,
    }
    made = SegmentForecaster(core, transform, build_outputs("point"), decoder=decoder, **settings)
    x = inputs().abs() + 1
    found = transform.inverse(made(x, future=torch.randn(B, S, 2))[..., 0])
    assert torch.allclose(found, x[:, -1:].expand(-1, S, -1), rtol=1e-5)


def test_static_numbers_tell_series_apart():
    x = inputs()
    x[..., 1] = x[..., 0]
    for decoder in DECODERS:
        same = net(decoder=decoder, static=[[1.0, 2.0], [1.0, 2.0]], transform=())
        torch.nn.init.zeros_(same.series)
        other = net(decoder=decoder, static=[[1.0, 2.0], [3.0, 1.0]], transform=())
        torch.nn.init.zeros_(other.series)
        assert torch.allclose(same(x)[:, :, 0], same(x)[:, :, 1])
        assert not torch.allclose(other(x)[:, :, 0], other(x)[:, :, 1])


def test_what_cannot_be_is_told():
    with pytest.raises(UserError, match=r"task\.segment=30 is longer than the 24 rows"):
        net(segment=30)
    with pytest.raises(UserError, match=r"task\.window=seasonal needs more than 24 rows"):
        net(window="seasonal", season=24)
