"""The cells: against numbers worked out by hand, against torch, and against each other."""

import math

import pytest
import torch
from torch import Tensor, nn

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS

torch.set_num_threads(1)

TORCH_CELLS = {"lstm": nn.LSTMCell, "gru": nn.GRUCell, "rnn": nn.RNNCell}
TORCH_NETS = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def phi_in(word: str) -> bool:
    """Whether the equations of a cell have an activation to choose."""
    return "activation" not in CELLS[word].lacks


def number(value: float) -> Tensor:
    """One number as a batch of one."""
    return torch.full((1, 1), value, dtype=torch.float64)


def scalar_cell(word: str, values: dict[str, list[float]], activation: str = "tanh") -> nn.Module:
    """A cell with I = H = 1 and the given parameters, one number a gate."""
    cell = CELLS[word](1, 1, activation).double()
    with torch.no_grad():
        for name, parameter in cell.named_parameters():
            parameter.copy_(torch.tensor(values[name], dtype=torch.float64).view_as(parameter))
    return cell


def test_rnn_step_by_hand() -> None:
    cell = scalar_cell("rnn", {"weight_ih": [0.5], "weight_hh": [-0.3], "bias_ih": [0.1], "bias_hh": [0.2]})
    output, (h,) = cell.step(number(2.0), (number(0.4),))
    assert output.item() == h.item() == pytest.approx(math.tanh(0.5 * 2 + 0.1 - 0.3 * 0.4 + 0.2), abs=1e-12)


def test_gru_step_by_hand_resets_after_the_product() -> None:
    weights = {"weight_ih": [0.5, -0.4, 0.7], "weight_hh": [0.3, 0.2, -0.6], "bias_ih": [0.1, 0.0, -0.2]}
    cell = scalar_cell("gru", {**weights, "bias_hh": [0.0, 0.1, 0.9]})
    x, h = 1.5, -0.8
    reset = sigmoid(0.5 * x + 0.1 + 0.3 * h)
    update = sigmoid(-0.4 * x + 0.2 * h + 0.1)
    new = math.tanh(
        0.7 * x - 0.2 + reset * (-0.6 * h + 0.9)
    )  # the 0.9 would stand outside of reset otherwise
    output, _ = cell.step(number(x), (number(h),))
    assert output.item() == pytest.approx((1 - update) * new + update * h, abs=1e-12)


LSTM_WEIGHTS = {
    "weight_ih": [0.5, -0.4, 0.7, 0.3],
    "weight_hh": [0.2, 0.6, -0.5, 0.1],
    "bias_ih": [0.1, 1.0, -0.2, 0.0],
    "bias_hh": [0.0, 0.3, 0.05, -0.1],
}


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("word", ["lstm", "lstm_peephole", "lstm1997"])
def test_lstm_steps_by_hand(word: str, activation: str) -> None:
    phi = math.tanh if activation == "tanh" else lambda v: max(v, 0.0)
    peep = {"input": 0.25, "forget": -0.35, "output": 0.45} if word == "lstm_peephole" else {}
    values: dict[str, list[float]] = {f"peephole_{gate}": [weight] for gate, weight in peep.items()}
    for name, rows in LSTM_WEIGHTS.items():
        values[name] = [row for i, row in enumerate(rows) if word != "lstm1997" or i != 1]
    x, h, c = 1.5, 0.4, 0.9
    to_input, to_forget, to_cell, to_output = (
        LSTM_WEIGHTS["weight_ih"][k] * x
        + LSTM_WEIGHTS["weight_hh"][k] * h
        + LSTM_WEIGHTS["bias_ih"][k]
        + LSTM_WEIGHTS["bias_hh"][k]
        for k in range(4)
    )
    keep = 1.0 if word == "lstm1997" else sigmoid(to_forget + peep.get("forget", 0) * c)
    new_c = keep * c + sigmoid(to_input + peep.get("input", 0) * c) * phi(to_cell)
    new_h = sigmoid(to_output + peep.get("output", 0) * new_c) * phi(new_c)

    state = (number(h), number(c))
    output, (got_h, got_c) = scalar_cell(word, values, activation).step(number(x), state)
    assert got_c.item() == pytest.approx(new_c, abs=1e-12)
    assert output.item() == got_h.item() == pytest.approx(new_h, abs=1e-12)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("rnn", [-0.800865, 0.974686]),
        ("gru", [0.585161, 0.548241]),
        ("lstm", [0.091113, 0.273872]),
        ("lstm1997", [-0.039938, 0.324033]),
        ("lstm_peephole", [0.087293, 0.304535]),
    ],
)
def test_literal_outputs_of_a_deterministic_fill(word: str, expected: list[float]) -> None:
    """The numbers come from the same equations over NumPy arrays, written without the package."""
    cell = CELLS[word](3, 2)
    with torch.no_grad():
        for parameter in cell.parameters():
            parameter.copy_(torch.linspace(-0.4, 0.5, parameter.numel()).view_as(parameter))
    x = torch.linspace(-1, 1, 12).view(1, 4, 3)
    outputs, _ = cell(x)
    torch.testing.assert_close(outputs[0, -1], torch.tensor(expected), atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("word", TORCH_CELLS)
def test_outputs_and_gradients_equal_torch(word: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    theirs = TORCH_NETS[word](3, 5, batch_first=True).to(dtype)
    ours = CELLS[word](3, 5).to(dtype)
    ours.load_state_dict({name.removesuffix("_l0"): value for name, value in theirs.state_dict().items()})
    x = torch.randn(2, 7, 3, dtype=dtype, requires_grad=True)
    start = tuple(torch.randn(2, 5, dtype=dtype, requires_grad=True) for _ in ours.remembers)

    out_ours, end_ours = ours(x, start)
    stacked = tuple(part[None] for part in start)
    out_theirs, end_theirs = theirs(x, stacked if len(stacked) > 1 else stacked[0])
    end_theirs = end_theirs if isinstance(end_theirs, tuple) else (end_theirs,)

    def gradients(outputs: Tensor, end: tuple[Tensor, ...], net: nn.Module) -> tuple[Tensor, ...]:
        loss = outputs.square().sum() + sum(part.sin().sum() for part in end)
        return torch.autograd.grad(loss, [x, *start, *net.parameters()])

    close = {"atol": 1e-6 if dtype == torch.float32 else 1e-12, "rtol": 1e-6 if dtype == torch.float32 else 0}
    torch.testing.assert_close(out_ours, out_theirs, **close)
    for one, other in zip(end_ours, end_theirs, strict=True):
        torch.testing.assert_close(one, other[0], **close)
    pairs = zip(gradients(out_ours, end_ours, ours), gradients(out_theirs, end_theirs, theirs), strict=True)
    for one, other in pairs:
        torch.testing.assert_close(one, other, **close)


def test_relu_rnn_equals_torch() -> None:
    theirs = nn.RNN(3, 5, batch_first=True, nonlinearity="relu").double()
    ours = CELLS["rnn"](3, 5, "relu").double()
    ours.load_state_dict({name.removesuffix("_l0"): value for name, value in theirs.state_dict().items()})
    x = torch.randn(2, 7, 3).double()
    torch.testing.assert_close(ours(x)[0], theirs(x)[0], atol=1e-12, rtol=0)


@pytest.mark.parametrize("word", TORCH_CELLS)
def test_a_torch_cell_loads_as_it_is(word: str) -> None:
    theirs, ours = TORCH_CELLS[word](3, 5), CELLS[word](3, 5)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3)
    expected = theirs(x)
    expected = expected[0] if isinstance(expected, tuple) else expected
    torch.testing.assert_close(ours.step(x, ours.initial_state(x))[0], expected, atol=1e-6, rtol=1e-6)


def test_peepholes_of_zero_make_a_plain_lstm() -> None:
    plain, peephole = CELLS["lstm"](3, 4), CELLS["lstm_peephole"](3, 4)
    peephole.load_state_dict(plain.state_dict(), strict=False)
    x = torch.randn(2, 6, 3)
    assert not torch.allclose(peephole(x)[0], plain(x)[0], atol=1e-4)
    with torch.no_grad():
        for gate in ("input", "forget", "output"):
            getattr(peephole, f"peephole_{gate}").zero_()
    torch.testing.assert_close(peephole(x)[0], plain(x)[0])


def test_a_forget_gate_held_open_makes_the_lstm_of_1997() -> None:
    plain, first = CELLS["lstm"](3, 4), CELLS["lstm1997"](3, 4)
    with torch.no_grad():
        plain.bias_ih[4:8] = 1e4
        for name, parameter in first.named_parameters():
            i, _, g, o = getattr(plain, name).chunk(4)
            parameter.copy_(torch.cat([i, g, o]))
    x = torch.randn(2, 6, 3)
    torch.testing.assert_close(first(x)[0], plain(x)[0])


@pytest.mark.parametrize(
    ("word", "activation"),
    [(word, phi) for word in CELLS for phi in ("tanh", "relu") if phi == "tanh" or phi_in(word)],
)
def test_a_loop_of_step_is_forward(word: str, activation: str) -> None:
    cell = CELLS[word](3, 4, activation).double()
    x = torch.randn(2, 5, 3).double()
    outputs, end = cell(x)
    assert outputs.shape == (2, 5, 4)
    assert len(end) == len(cell.remembers)
    assert tuple(part.shape[1] for part in end) == cell.state_sizes
    state = cell.initial_state(x)
    for t in range(5):
        output, state = cell.step(x[:, t], state)
        torch.testing.assert_close(output, outputs[:, t], atol=1e-12, rtol=0)
    torch.testing.assert_close(state, end, atol=1e-12, rtol=0)


@pytest.mark.parametrize("word", [word for word in CELLS if CELLS[word].recurs])
def test_dropout_acts_on_the_recurrent_product_only(word: str) -> None:
    """With h dropped, ``W_hh`` must not matter, whatever it holds, but what is remembered still counts."""
    cell = CELLS[word](3, 4)
    x, nothing = torch.randn(2, 5, 3), torch.zeros(2, 4)
    before, _ = cell(x, drop=nothing)
    with torch.no_grad():
        cell.weight_hh.mul_(7)
    torch.testing.assert_close(cell(x, drop=nothing)[0], before)
    start = tuple(torch.ones(2, 4) for _ in cell.remembers)
    assert (word == "rnn") == torch.allclose(cell(x, start, drop=nothing)[0], before)


@pytest.mark.parametrize("arguments", [(0, 4), (3, 0), (3, 4, "gelu")])
def test_what_cannot_be_is_told(arguments: tuple) -> None:
    with pytest.raises(UserError):
        CELLS["lstm"](*arguments)
