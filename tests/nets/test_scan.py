"""The scan: the loop that it stands for, for every length, and the logarithms of the paper that it replaces."""

import pytest
import torch

from lstm_lab.nets.scan import linear_scan

torch.set_num_threads(1)


def loop(decay, added, h):
    outputs = []
    for a, b in zip(decay.unbind(1), added.unbind(1), strict=True):
        h = a * h + b
        outputs.append(h)
    return torch.stack(outputs, dim=1)


def drawn(steps, dtype=torch.float64, hardest=False):
    torch.manual_seed(steps)
    decay = torch.rand(2, steps, 3, dtype=dtype)
    decay = decay**8 if hardest else decay
    return decay, torch.randn(2, steps, 3, dtype=dtype), torch.randn(2, 3, dtype=dtype)


def test_by_hand():
    numbers = lambda *values: torch.tensor(values, dtype=torch.float64).view(1, -1, 1)  # noqa: E731
    found = linear_scan(numbers(0.5, 0.1, 0.0, 1.0, 0.25), numbers(1, 2, -3, 4, 0.5), numbers(8.0)[:, 0])
    assert found.flatten().tolist() == pytest.approx([5, 2.5, -3, 1, 0.75])


@pytest.mark.parametrize("steps", [*range(1, 18), 31, 32, 33, 100])
def test_equals_the_loop(steps):
    given = [one.requires_grad_() for one in drawn(steps)]
    expected, found = loop(*given), linear_scan(*given)
    torch.testing.assert_close(found, expected, atol=1e-13, rtol=0)
    weights = torch.randn_like(found)
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), given),
        torch.autograd.grad((expected * weights).sum(), given),
        atol=1e-12,
        rtol=0,
    )


def test_gradients_of_gradients_are_right():
    assert torch.autograd.gradcheck(linear_scan, [one.requires_grad_() for one in drawn(5)])


@pytest.mark.parametrize("hardest", [False, True])
def test_nothing_is_lost_over_many_steps_in_32_bits(hardest):
    """The reason not to sum logarithms: there the error grows with the steps."""
    given = [one.requires_grad_() for one in drawn(2000, torch.float32, hardest)]
    exact = [one.detach().double().requires_grad_() for one in given]
    found, expected = linear_scan(*given), loop(*exact)
    torch.testing.assert_close(found.double(), expected, atol=2e-6, rtol=1e-5)
    ours = torch.autograd.grad(found.square().sum(), given)
    theirs = torch.autograd.grad(expected.square().sum(), exact)
    torch.testing.assert_close([one.double() for one in ours], list(theirs), atol=1e-4, rtol=1e-4)


def test_equals_the_logarithms_of_the_paper():
    """Feng et al. (2024), appendix B: ``log h_t = A_t + logcumsumexp(log b - A)_t`` with A the sum of log a."""
    decay, added, start = drawn(40)
    added, start = added.abs(), start.abs()
    total = torch.cat([torch.zeros(2, 1, 3, dtype=torch.float64), decay.log().cumsum(1)], dim=1)
    logs = torch.cat([start[:, None], added], dim=1).log()
    expected = (total + (logs - total).logcumsumexp(1)).exp()[:, 1:]
    torch.testing.assert_close(linear_scan(decay, added, start), expected, atol=1e-12, rtol=1e-12)
