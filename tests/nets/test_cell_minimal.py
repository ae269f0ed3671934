"""minGRU and minLSTM: by hand, all steps at once as one by one, and what makes them minimal."""

import math

import pytest
import torch

from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.recurrent import Recurrent

torch.set_num_threads(1)

WORDS = ("mingru", "minlstm")


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def g(x):
    return x + 0.5 if x >= 0 else sigmoid(x)


def number(value):
    return torch.full((1, 1), value, dtype=torch.float64)


def scalar_cell(word, weights, biases):
    cell = CELLS[word](1, 1).double()
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(weights).view(-1, 1))
        cell.bias_ih.copy_(torch.tensor(biases))
    return cell


@pytest.mark.parametrize("x", [1.5, -2.0])
def test_mingru_step_by_hand(x):
    cell = scalar_cell("mingru", [0.5, 0.8], [0.1, -0.2])
    z = sigmoid(torch.tensor(0.5).item() * x + torch.tensor(0.1).item())
    new = g(torch.tensor(0.8).item() * x + torch.tensor(-0.2).item())
    output, (h,) = cell.step(number(x), (number(0.7),))
    assert output.item() == h.item() == pytest.approx((1 - z) * 0.7 + z * new, abs=1e-12)


@pytest.mark.parametrize("x", [1.5, -2.0])
def test_minlstm_step_by_hand(x):
    cell = scalar_cell("minlstm", [0.5, -0.25, 0.75], [0.125, 1.0, -0.5])
    i, f = sigmoid(0.5 * x + 0.125), sigmoid(-0.25 * x + 1.0)
    expected = f / (f + i) * 0.7 + i / (f + i) * g(0.75 * x - 0.5)
    output, _ = cell.step(number(x), (number(0.7),))
    assert output.item() == pytest.approx(expected, abs=1e-12)


def test_gates_that_are_both_nearly_shut_still_share():
    """In 32 bits σ(-200) is 0, and 0 / (0 + 0) would be no number: f' = 1 / (1 + e^(i - f)) is."""
    cell = CELLS["minlstm"](1, 1)
    with torch.no_grad():
        cell.weight_ih.zero_()
        cell.bias_ih.copy_(torch.tensor([-200.0, -199.0, 2.0]))
    _, (h,) = cell.step(torch.zeros(1, 1), (torch.full((1, 1), 0.5),))
    keeps = sigmoid(1.0)
    assert h.item() == pytest.approx(keeps * 0.5 + (1 - keeps) * 2.5, rel=1e-5)


@pytest.mark.parametrize(
    ("word", "expected"), [("mingru", [0.715967, 1.393599]), ("minlstm", [0.959675, 1.285079])]
)
def test_literal_outputs_of_a_deterministic_fill(word, expected):
    """The numbers come from the same equations over NumPy arrays, written without the package."""
    cell = CELLS[word](3, 2)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(torch.linspace(-0.4, 0.5, parameter.numel()).view_as(parameter))
    outputs, _ = cell(torch.linspace(-1, 1, 12).view(1, 4, 3))
    torch.testing.assert_close(outputs[0, -1], torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("word", WORDS)
def test_all_steps_at_once_are_the_loop(word, ragged):
    """Outputs, state and gradients, also where a sequence has ended or never begins."""
    torch.manual_seed(0)
    cell = CELLS[word](3, 4).double()
    x = torch.randn(4, 37, 3, dtype=torch.float64, requires_grad=True)
    start = (torch.randn(4, 4, dtype=torch.float64, requires_grad=True),)
    real = torch.arange(37)[None] < torch.tensor([37, 5, 0, 36])[:, None] if ragged else None
    results = []
    for run in (cell.forward, cell.unroll):
        outputs, end = run(x, start, real)
        loss = outputs.sin().sum() + end[0].square().sum()
        results.append((outputs, end, torch.autograd.grad(loss, [x, *start, *cell.parameters()])))
    torch.testing.assert_close(results[0], results[1], atol=1e-12, rtol=0)


@pytest.mark.parametrize("word", WORDS)
def test_gradients_against_finite_differences(word):
    torch.manual_seed(0)
    cell = CELLS[word](2, 3).double()
    x = torch.randn(2, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: cell(given[0])[0], (x, *cell.parameters()))


@pytest.mark.parametrize("word", WORDS)
def test_no_gate_sees_the_state(word):
    """What two states differ by shrinks by the same factor wherever they are."""
    torch.manual_seed(0)
    cell = CELLS[word](3, 4).double()
    assert {name for name, _ in cell.named_parameters()} == {"weight_ih", "bias_ih"}
    x, h = torch.randn(1, 5, 3, dtype=torch.float64), torch.randn(1, 4, dtype=torch.float64)
    apart = [cell(x, (h + far,))[0] - cell(x, (h,))[0] for far in (1.0, 10.0)]
    torch.testing.assert_close(apart[1], 10 * apart[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("word", WORDS)
def test_zoneout_goes_step_by_step(word):
    torch.manual_seed(0)
    net = Recurrent(3, 4, word, zoneout=0.5)
    x = torch.randn(2, 9, 3)
    assert not torch.equal(net.train()(x)[0], net(x)[0])
    outputs, _ = net.eval()(x)
    state = None
    for t in range(9):
        output, state = net.step(x[:, t], state)
        torch.testing.assert_close(output, outputs[:, t])
    assert not torch.allclose(outputs, Recurrent(3, 4, word)(x)[0])
