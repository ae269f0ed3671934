"""ConvLSTM and ST-LSTM: against their equations, written out once more, and against themselves."""

import math

import pytest
import torch
import torch.nn.functional as F

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.convlstm import ConvLSTM, ConvLSTMCell
from lstm_lab.nets.st_lstm import STLSTM, STLSTMCell

torch.set_num_threads(1)

CORES = {
    "convlstm": lambda: ConvLSTM(2, [3, 4], kernel=3),
    "st_lstm": lambda: STLSTM(2, 3, num_layers=2, kernel=3),
}


@pytest.fixture(params=list(CORES))
def core(request):
    torch.manual_seed(0)
    return CORES[request.param]().double()


def clips(batch=3, steps=5):
    return torch.randn(batch, steps, 2, 4, 6, dtype=torch.float64)


def test_convlstm_with_one_pixel_is_an_lstm():
    torch.manual_seed(0)
    ours, theirs = ConvLSTMCell(2, 3, kernel=1).double(), CELLS["lstm"](2, 3).double()
    with torch.no_grad():
        theirs.weight_ih.copy_(ours.weight_ih[..., 0, 0])
        theirs.weight_hh.copy_(ours.weight_hh[..., 0, 0])
        theirs.bias_ih.copy_(ours.bias)
        theirs.bias_hh.zero_()
    x = torch.randn(4, 5, 2, dtype=torch.float64)
    outputs, (h, c) = ours(x[..., None, None], ours.initial_state(x[:, 0, :, None, None]))
    expected, (their_h, their_c) = theirs(x)
    torch.testing.assert_close(outputs[..., 0, 0], expected)
    torch.testing.assert_close(h[..., 0, 0], their_h)
    torch.testing.assert_close(c[..., 0, 0], their_c)


def test_convlstm_step_by_hand():
    # One map of 1 × 3, kernel 3: the middle pixel sees both neighbours, the left one only itself and the middle.
    cell = ConvLSTMCell(1, 1, kernel=3, forget_bias=0.0).double()
    with torch.no_grad():
        cell.weight_ih.zero_()
        cell.weight_hh.zero_()
        cell.weight_ih[:, 0, 1] = torch.tensor(
            [[0.5, 1.0, -0.5], [0.0, 0.3, 0.0], [1.0, 0.2, 0.1], [0.0, -1.0, 0.4]], dtype=torch.float64
        )
        cell.weight_hh[:, 0, 1, 1] = torch.tensor([0.7, -0.2, 0.3, 0.5], dtype=torch.float64)
        cell.bias.copy_(torch.tensor([0.1, 0.9, -0.3, 0.0], dtype=torch.float64))
    x, h, c = [1.0, 2.0, -1.0], [0.2, -0.4, 0.6], [0.5, 1.5, -0.5]

    def sigmoid(value):
        return 1 / (1 + math.exp(-value))

    def as_map(values):
        return torch.tensor(values, dtype=torch.float64).reshape(1, 1, 1, 3)

    expected = []
    for place in range(3):
        left, middle, right = (x[place + k] if 0 <= place + k < 3 else 0.0 for k in (-1, 0, 1))
        i = sigmoid(0.5 * left + middle - 0.5 * right + 0.7 * h[place] + 0.1)
        f = sigmoid(0.3 * middle - 0.2 * h[place] + 0.9)
        g = math.tanh(left + 0.2 * middle + 0.1 * right + 0.3 * h[place] - 0.3)
        o = sigmoid(-middle + 0.4 * right + 0.5 * h[place])
        expected.append((o * math.tanh(f * c[place] + i * g), f * c[place] + i * g))
    new_h, new_c = cell.advance(cell.project(as_map(x)), (as_map(h), as_map(c)))
    assert new_h.flatten().tolist() == pytest.approx([h for h, _ in expected], abs=1e-12)
    assert new_c.flatten().tolist() == pytest.approx([c for _, c in expected], abs=1e-12)


def naive_st_lstm(cell, x, h, c, m):
    """Eq. 3 of the paper, each gate with a convolution of its own."""
    xi, xf, xg, xi2, xf2, xg2, xo = cell.weight_x.chunk(7)
    hi, hf, hg, ho = cell.weight_h.chunk(4)
    mi, mf, mg = cell.weight_m.chunk(3)
    oc, om = cell.weight_o.chunk(2, dim=1)
    bias = [one[:, None, None] for one in cell.bias.chunk(7)]

    def conv(value, weight):
        return F.conv2d(value, weight, padding="same")

    i = torch.sigmoid(conv(x, xi) + conv(h, hi) + bias[0])
    f = torch.sigmoid(conv(x, xf) + conv(h, hf) + bias[1])
    g = torch.tanh(conv(x, xg) + conv(h, hg) + bias[2])
    c = f * c + i * g
    i = torch.sigmoid(conv(x, xi2) + conv(m, mi) + bias[3])
    f = torch.sigmoid(conv(x, xf2) + conv(m, mf) + bias[4])
    g = torch.tanh(conv(x, xg2) + conv(m, mg) + bias[5])
    m = f * m + i * g
    o = torch.sigmoid(conv(x, xo) + conv(h, ho) + conv(c, oc) + conv(m, om) + bias[6])
    return o * torch.tanh(F.conv2d(torch.cat([c, m], 1), cell.weight_last)), c, m


def test_st_lstm_equals_its_equations():
    torch.manual_seed(0)
    cell = STLSTMCell(2, 3, kernel=3).double()
    x, h, c, m = (torch.randn(2, n, 4, 5, dtype=torch.float64) for n in (2, 3, 3, 3))
    (new_h, new_c), new_m = cell.advance(cell.project(x), (h, c), m)
    for found, expected in zip((new_h, new_c, new_m), naive_st_lstm(cell, x, h, c, m), strict=True):
        torch.testing.assert_close(found, expected)


def test_the_climbing_memory_goes_from_the_top_of_a_step_to_the_bottom_of_the_next():
    torch.manual_seed(0)
    core, x = CORES["st_lstm"]().double(), clips(batch=2, steps=2)
    zeros = torch.zeros(2, 3, 4, 6, dtype=torch.float64)
    low, high, m = (zeros, zeros), (zeros, zeros), zeros
    for x_t in x.unbind(1):
        h, c, m = naive_st_lstm(core.cells[0], x_t, *low, m)
        low = (h, c)
        h, c, m = naive_st_lstm(core.cells[1], h, *high, m)
        high = (h, c)
    outputs, state = core(x)
    torch.testing.assert_close(outputs[:, -1], high[0])
    torch.testing.assert_close(state[-1][0], m)


def test_a_loop_of_steps_is_forward(core):
    x, state, outputs = clips(), None, []
    for x_t in x.unbind(1):
        output, state = core.step(x_t, state)
        outputs.append(output)
    whole, end = core(x)
    torch.testing.assert_close(torch.stack(outputs, 1), whole)
    for ours, theirs in zip(state, end, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(one, other)


def test_a_state_carries_on(core):
    x = clips()
    first, state = core(x[:, :2])
    second, _ = core(x[:, 2:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), core(x)[0])


def test_padding_and_neighbours_change_nothing(core):
    x = clips()
    lengths = torch.tensor([5, 2, 4])
    real = torch.arange(5) < lengths[:, None]
    _, together = core(torch.where(real[..., None, None, None], x, 1e3), real=real)
    for row, length in enumerate(lengths):
        _, alone = core(x[row : row + 1, :length])
        for ours, theirs in zip(together, alone, strict=True):
            for one, other in zip(ours, theirs, strict=True):
                torch.testing.assert_close(one[row : row + 1], other)


def test_free_running_reads_nothing():
    torch.manual_seed(0)
    cell = ConvLSTMCell(0, 3, kernel=3).double()
    assert not hasattr(cell, "weight_ih")
    start = tuple(torch.randn(2, 3, 4, 4, dtype=torch.float64) for _ in range(2))
    outputs, end = cell.free_run(3, start)
    reading = ConvLSTMCell(1, 3, kernel=3).double()
    reading.load_state_dict({**cell.state_dict(), "weight_ih": torch.randn(12, 1, 3, 3)})
    expected, _ = reading(torch.zeros(2, 3, 1, 4, 4, dtype=torch.float64), start)
    torch.testing.assert_close(outputs, expected)
    torch.testing.assert_close(end[0], outputs[:, -1])


def test_gradients(core):
    x = clips(batch=1, steps=2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: core(x)[0], (x,))


def test_sizes_that_cannot_be():
    with pytest.raises(UserError, match="kernel=4 has no middle"):
        ConvLSTM(1, 2, kernel=4)
    with pytest.raises(UserError, match=r"num_layers=3 contradicts hidden_size=\[2, 2\]"):
        ConvLSTM(1, [2, 2], num_layers=3)
    with pytest.raises(UserError, match="share a memory"):
        STLSTM(1, [2, 3])
