"""Losses equal torch's and scipy's own, and quantiles cannot cross."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from lstm_lab.errors import UserError
from lstm_lab.nets.outputs import KINDS, build_outputs

LEVELS = (0.05, 0.1, 0.5, 0.9, 0.95)


@given(seed=st.integers(0, 999), size=st.floats(0.01, 100))
@settings(max_examples=30, deadline=None)
def test_quantiles_never_cross(seed, size):
    torch.manual_seed(seed)
    head = build_outputs("quantiles", levels=LEVELS)
    placed = head.place(torch.randn(7, 5) * size, torch.randn(7, 1), torch.rand(7, 1) + 0.1)
    assert (placed.diff(dim=-1) >= 0).all()
    assert torch.equal(head.centre(placed), placed[..., 2])


def test_the_loss_of_a_median_alone_is_the_absolute_error():
    head = build_outputs("quantiles", levels=(0.4, 0.5, 0.6))
    same = torch.tensor([[2.0, 2.0, 2.0]])
    assert head.loss(same, torch.tensor([5.0])) == pytest.approx(3.0)


def test_densities_are_scipys():
    truth = torch.tensor([0.3, -2.0, 4.0])
    parameters = torch.tensor([[0.1, 1.3, 3.5]]).expand(3, -1)
    normal = build_outputs("normal").loss(parameters[:, :2], truth)
    assert normal.numpy() == pytest.approx(-stats.norm.logpdf(truth, 0.1, 1.3), rel=1e-5)
    student = build_outputs("student_t").loss(parameters, truth)
    assert student.numpy() == pytest.approx(-stats.t.logpdf(truth, 3.5, 0.1, 1.3), rel=1e-5)
    counts = torch.tensor([0.0, 3.0, 11.0])
    binomial = build_outputs("negative_binomial").loss(torch.tensor([[4.0, 0.5]]).expand(3, -1), counts)
    assert binomial.numpy() == pytest.approx(-stats.nbinom.logpmf(counts, 2, 2 / (2 + 4)), rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_placed_is_possible_and_moves_with_the_window(kind):
    head = build_outputs(kind, levels=LEVELS)
    raw = torch.randn(50, head.size) * 10
    shift, scale = torch.full((50, 1), 3.0), torch.full((50, 1), 2.0)
    placed = head.place(raw, shift, scale)
    assert placed.shape == raw.shape
    assert torch.isfinite(head.loss(placed, torch.ones(50))).all()
    if kind in ("normal", "student_t"):
        assert (placed[:, 1] > 0).all()
        plain = head.place(raw, torch.zeros(50, 1), torch.ones(50, 1))
        assert torch.allclose(placed[:, 0], plain[:, 0] * 2 + 3)
        assert torch.allclose(placed[:, 1], plain[:, 1] * 2)


@pytest.mark.parametrize("levels", [(0.5,), (0.1, 0.5, 0.4), (0.1, 0.9), (0.1, 0.4, 0.9), (0.0, 0.5, 1.0)])
def test_levels_that_cannot_be_are_told(levels):
    with pytest.raises(UserError, match=r"task\.levels"):
        build_outputs("quantiles", levels=levels)
