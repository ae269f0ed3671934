"""Transforms come back exactly, look at nothing but their own numbers, and say what they cannot do."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.timeseries.statistics import fit_moments
from lstm_lab.errors import UserError
from lstm_lab.features.instance import WINDOWS, Affine, Difference, lags_of
from lstm_lab.features.transforms import Transform

ALL = [
    [curve, scale]
    for curve in ("none", "log", "log1p", "boxcox")
    for scale in ("none", "standard", "minmax", "robust")
]


def moments(rows=60, channels=3):
    values = np.random.default_rng(0).lognormal(1, 0.5, size=(rows, channels)) * [1, 10, 0.1]
    return values, fit_moments(values)


@pytest.mark.parametrize("words", ALL, ids="-".join)
def test_every_transform_comes_back(words):
    values, fitted = moments()
    transform = Transform(words, fitted)
    given_ = torch.tensor(values, dtype=torch.float32)
    assert transform.inverse(transform(given_)).numpy() == pytest.approx(values, rel=1e-4)


@pytest.mark.parametrize("words", ALL, ids="-".join)
def test_every_transform_rises(words):
    transform = Transform(words, moments()[1])
    line = torch.linspace(0.2, 30, 50)[:, None].expand(-1, 3)
    assert (transform(line).diff(dim=0) > 0).all()


def test_scales_by_hand():
    fitted = fit_moments(np.array([[0.0], [2.0], [4.0], [6.0], [8.0]]))
    value = torch.tensor([[6.0]])
    assert float(Transform(["standard"], fitted)(value)) == pytest.approx(2 / 8**0.5)
    assert float(Transform(["minmax"], fitted)(value)) == pytest.approx(0.75)
    assert float(Transform(["robust"], fitted)(value)) == pytest.approx(0.5)
    assert float(Transform([], fitted)(value)) == 6


def test_a_logarithm_stops_where_training_never_was():
    _, fitted = moments()
    assert torch.isfinite(Transform(["log", "standard"], fitted)(torch.tensor([[0.0, -5.0, 1e-9]]))).all()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["log"], "needs positive values.*-2"),
        (["log1p"], "needs values above -1"),
        (["logs"], "Did you mean 'log'"),
        (["standard", "log"], "stands first"),
        (["minmax", "robust"], "two scales"),
    ],
)
def test_what_cannot_be_transformed_is_told(words, told):
    with pytest.raises(UserError, match=told):
        Transform(words, fit_moments(np.array([[-2.0], [3.0]])))


@pytest.mark.parametrize("word", ["none", "last", "mean", "revin"])
def test_a_window_is_its_normal_form_times_scale_plus_shift(word):
    u = torch.randn(4, 3, 20) * 5 + 7
    norm = Affine(word, 3)
    if word == "revin":
        torch.nn.init.uniform_(norm.slope, 0.5, 2)
        torch.nn.init.uniform_(norm.offset, -1, 1)
    z, shift, scale = norm(u)
    assert torch.allclose(z * scale + shift, u, atol=1e-4)
    if word == "last":
        assert (z[..., -1] == 0).all()


def test_revin_of_a_constant_window_is_not_blown_up():
    z, _, _ = Affine("revin", 1)(torch.full((1, 1, 9), 3.0))
    assert torch.isfinite(z).all()
    assert z.abs().max() < 1e-3


@given(
    lags=st.lists(st.integers(1, 4), min_size=1, max_size=2), steps=st.integers(1, 9), seed=st.integers(0, 99)
)
@settings(max_examples=40, deadline=None)
def test_differences_of_the_truth_add_up_to_the_truth(lags, steps, seed):
    torch.manual_seed(seed)
    whole = torch.randn(2, 3, 12 + steps, dtype=torch.float64)
    difference = Difference(tuple(lags))
    _, ends = difference(whole[..., :12])
    moved, _ = difference(whole)
    assert torch.allclose(difference.inverse(moved[..., 12:], ends), whole[..., 12:])


def test_words_and_their_lags():
    assert {word: lags_of(word, 12) for word in WINDOWS} == {
        "none": (), "last": (), "mean": (), "revin": (), "difference": (1,), "seasonal": (12,), "both": (12, 1)
    }  # fmt: skip
