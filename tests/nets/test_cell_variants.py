"""Layer-normalised and Mogrifier cells, by hand with one or two units."""

import math

import pytest
import torch

from lstm_lab.nets.cell import CELLS


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def test_layer_norm_step_by_hand():
    """Two units: LN of the four gates' eight sums, gains and biases apart; LN of two values is ±d/sqrt(d²+ε)."""
    cell = CELLS["lstm_layernorm"](1, 2).double()
    x, h0, c0 = 0.7, (0.1, -0.4), (0.5, 0.2)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(torch.randn(parameter.shape, dtype=torch.float64))

    def normalised(values, gain):
        mean = sum(values) / len(values)
        scale = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values) + 1e-5)
        return [g * (v - mean) / scale for v, g in zip(values, gain, strict=True)]

    numbers = {name: parameter.tolist() for name, parameter in cell.named_parameters()}
    inward = normalised([row[0] * x for row in numbers["weight_ih"]], numbers["gain_ih"])
    again = normalised([r[0] * h0[0] + r[1] * h0[1] for r in numbers["weight_hh"]], numbers["gain_hh"])
    sums = [sum(four) for four in zip(inward, numbers["bias_ih"], again, numbers["bias_hh"], strict=True)]
    i, f, g, o = (sums[k : k + 2] for k in (0, 2, 4, 6))
    c = [sigmoid(f[k]) * c0[k] + sigmoid(i[k]) * math.tanh(g[k]) for k in range(2)]
    shown = [v + b for v, b in zip(normalised(c, numbers["gain_c"]), numbers["bias_c"], strict=True)]
    h = [sigmoid(o[k]) * math.tanh(shown[k]) for k in range(2)]
    state = tuple(torch.tensor([part], dtype=torch.float64) for part in (h0, c0))
    output, (_, c_new) = cell.step(torch.tensor([[x]], dtype=torch.float64), state)
    assert output[0].tolist() == pytest.approx(h, abs=1e-12)
    assert c_new[0].tolist() == pytest.approx(c, abs=1e-12)


def test_mogrifier_step_by_hand():
    cell, plain = CELLS["lstm_mogrifier"](1, 1).double(), CELLS["lstm"](1, 1).double()
    q, r = [0.5, -0.3, 0.8], [0.4, -0.7]
    with torch.no_grad():
        cell.mix_x.copy_(torch.tensor(q, dtype=torch.float64).view(3, 1, 1))
        cell.mix_h.copy_(torch.tensor(r, dtype=torch.float64).view(2, 1, 1))
        for name, parameter in plain.named_parameters():
            parameter.copy_(cell.get_parameter(name))
    x, h = 0.9, -0.6
    for i in range(5):
        if i % 2 == 0:
            x = 2 * sigmoid(q[i // 2] * h) * x
        else:
            h = 2 * sigmoid(r[i // 2] * x) * h
    number = lambda value: torch.full((1, 1), value, dtype=torch.float64)  # noqa: E731
    expected, _ = plain.step(number(x), (number(h), number(0.3)))
    output, _ = cell.step(number(0.9), (number(-0.6), number(0.3)))
    torch.testing.assert_close(output, expected)
