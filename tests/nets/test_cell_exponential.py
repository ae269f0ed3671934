"""sLSTM and mLSTM: the equations without the stabiliser, by hand and at exponents that would overflow."""

import math

import pytest
import torch

from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.cell_exponential import CHUNK

torch.set_num_threads(1)

DOUBLE = torch.float64


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def number(value):
    return torch.full((1, 1), value, dtype=DOUBLE)


def filled(word, size=2, **options):
    torch.manual_seed(0)
    cell = CELLS[word](3, size, **options).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=DOUBLE))
    return cell


def plain_slstm(cell, x):
    """Eqs. 8 to 14 as they stand, without m: h (T, H) of one sequence (T, I)."""
    h = c = n = torch.zeros(cell.hidden_size, dtype=DOUBLE)
    outputs = []
    for x_t in x:
        gates = cell.weight_ih @ x_t + cell.bias_ih + cell.weight_hh @ h + cell.bias_hh
        i, f, z, o = gates.chunk(4)
        c = f.sigmoid() * c + i.exp() * z.tanh()
        n = f.sigmoid() * n + i.exp()
        h = o.sigmoid() * c / n
        outputs.append(h)
    return torch.stack(outputs)


def plain_mlstm(cell, x):
    """Eqs. 19 to 27 as they stand, without m, a head at a time: h (T, H) of one sequence (T, I)."""
    size = cell.hidden_size // cell.heads
    c = torch.zeros(cell.heads, size, size, dtype=DOUBLE)
    n = torch.zeros(cell.heads, size, dtype=DOUBLE)
    outputs = []
    for x_t in x:
        gates = cell.weight_ih @ x_t + cell.bias_ih
        vectors, scalars = gates[: 4 * cell.hidden_size], gates[4 * cell.hidden_size :]
        query, key, value, o = vectors.view(4, cell.heads, size)
        i, f = scalars.view(2, cell.heads)
        read = []
        for head in range(cell.heads):
            k = key[head] / math.sqrt(size)
            c[head] = f[head].sigmoid() * c[head] + i[head].exp() * torch.outer(value[head], k)
            n[head] = f[head].sigmoid() * n[head] + i[head].exp() * k
            read.append(c[head] @ query[head] / max(abs(n[head] @ query[head]).item(), 1.0))
        outputs.append((o.sigmoid() * torch.stack(read)).flatten())
    return torch.stack(outputs)


def test_slstm_two_steps_by_hand():
    cell = CELLS["slstm"](1, 1).double()
    names = {
        "weight_ih": [0.5, -0.25, 0.75, 0.25],
        "weight_hh": [1.5, 0.5, -0.5, 1.0],
        "bias_ih": [0.25, 1.0, -0.5, 0.0],
        "bias_hh": [0.0, 0.125, 0.0, -0.25],
    }
    with torch.no_grad():
        for name, values in names.items():
            cell.get_parameter(name).copy_(torch.tensor(values).view_as(cell.get_parameter(name)))
    h = c = n = 0.0
    state = cell.initial_state(number(0))
    for x in (1.5, -0.75):
        i, f, z, o = (w * x + r * h + b + d for w, r, b, d in zip(*names.values(), strict=True))
        c = sigmoid(f) * c + math.exp(i) * math.tanh(z)
        n = sigmoid(f) * n + math.exp(i)
        h = sigmoid(o) * c / n
        output, state = cell.step(number(x), state)
        assert output.item() == pytest.approx(h, abs=1e-14)
        _, kept_c, kept_n, m = (part.item() for part in state)
        assert (kept_c * math.exp(m), kept_n * math.exp(m)) == pytest.approx((c, n), rel=1e-12)


def test_mlstm_two_steps_by_hand():
    """One unit, so that the matrix is a number."""
    cell = CELLS["mlstm"](1, 1).double()
    weights, biases = [0.5, -1.5, 2.0, 0.25, 1.0, -0.25], [0.25, 0.5, -0.5, 0.0, -0.25, 1.0]
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(weights).view(-1, 1))
        cell.bias_ih.copy_(torch.tensor(biases))
    c = n = 0.0
    state = cell.initial_state(number(0))
    for x in (1.5, -0.75):
        q, k, v, o, i, f = (w * x + b for w, b in zip(weights, biases, strict=True))
        c = sigmoid(f) * c + math.exp(i) * v * k
        n = sigmoid(f) * n + math.exp(i) * k
        output, state = cell.step(number(x), state)
        assert output.item() == pytest.approx(sigmoid(o) * c * q / max(abs(n * q), 1), abs=1e-14)


@pytest.mark.parametrize(
    ("word", "plain", "options"),
    [
        ("slstm", plain_slstm, {}),
        ("mlstm", plain_mlstm, {}),
        ("mlstm", plain_mlstm, {"heads": 2}),
        ("mlstm", plain_mlstm, {"heads": 4}),
    ],
)
def test_the_stabiliser_cancels_out(word, plain, options):
    cell = filled(word, 4, **options)
    x = torch.randn(1, 12, 3, dtype=DOUBLE)
    expected = plain(cell, x[0])
    for run in (cell.forward, cell.unroll):
        torch.testing.assert_close(run(x)[0][0], expected, atol=1e-11, rtol=1e-11)


@pytest.mark.parametrize("word", ["slstm", "mlstm"])
@pytest.mark.parametrize("bias", [-300.0, 300.0])
def test_exponents_that_would_overflow(word, bias):
    """exp(±300) is no float32; a constant in all exponents leaves the sLSTM's quotient as it is."""
    cell = filled(word, 4).float()
    row = cell.gates.index("input")
    x = torch.randn(2, 150, 3)
    expected = cell(x)[0].detach()
    with torch.no_grad():
        cell.bias_ih.split(cell.gate_sizes)[row].add_(bias)
    for run in (cell.forward, cell.unroll):
        outputs, end = run(x)
        outputs.sum().backward()
        assert all(part.isfinite().all() for part in (outputs, *end))
        assert all(parameter.grad.isfinite().all() for parameter in cell.parameters())
    if word == "slstm":
        torch.testing.assert_close(outputs, expected, atol=1e-3, rtol=1e-3)
    elif bias < 0:
        assert outputs.abs().max() < 1e-30  # next to nothing was written


@pytest.mark.parametrize("ragged", [False, True])
@pytest.mark.parametrize("heads", [1, 2])
def test_the_parallel_mlstm_is_the_loop(heads, ragged):
    """Outputs, state and gradients, across the borders of chunks."""
    cell = filled("mlstm", 4, heads=heads)
    steps = 2 * CHUNK + 3
    x = torch.randn(4, steps, 3, dtype=DOUBLE, requires_grad=True)
    start = [part.detach().requires_grad_() for part in cell(torch.randn(4, 5, 3, dtype=DOUBLE))[1]]
    lengths = torch.tensor([steps, 5, 0, CHUNK])
    real = torch.arange(steps)[None] < lengths[:, None] if ragged else None
    results = []
    for run in (cell.forward, cell.unroll):
        outputs, end = run(x, tuple(start), real)
        loss = outputs.sin().sum() + end[1].sin().sum()
        given = [x, *start[1:3], *cell.parameters()]
        results.append((outputs, end, torch.autograd.grad(loss, given)))
    torch.testing.assert_close(results[0], results[1], atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize(("word", "options"), [("slstm", {}), ("mlstm", {}), ("mlstm", {"heads": 3})])
def test_gradients_against_finite_differences(word, options):
    """No gradient goes through m, and none is missing."""
    cell = filled(word, 3, **options)
    x = torch.randn(2, 5, 3, dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(lambda *given: cell(given[0])[0], (x, *cell.parameters()))
    half = lambda *given: cell(given[0][:, 2:], cell(given[0][:, :2])[1])[0]  # noqa: E731
    assert torch.autograd.gradcheck(half, (x, *cell.parameters()))


def test_an_exponential_gate_outweighs_what_was_remembered():
    """The reason for the exponent: one step may replace the mean of many."""
    cell = CELLS["slstm"](2, 1).double()
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.zero_()
        cell.weight_ih.copy_(torch.tensor([[9.0, 0.0], [0, 0], [0, 1], [0, 0]]))
        cell.bias_ih[1] = 20.0  # forgets nothing
    x = torch.tensor([[0.0, 1.0]] * 50 + [[1.0, -1.0]], dtype=DOUBLE)[None]
    outputs, _ = cell(x)
    mean = math.tanh(1.0)
    assert outputs[0, 49].item() == pytest.approx(0.5 * mean, rel=1e-6)
    weight = math.exp(9) / (math.exp(9) + 50)
    assert outputs[0, 50].item() == pytest.approx(0.5 * mean * (1 - 2 * weight), rel=1e-6)
