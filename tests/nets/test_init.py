"""How weights begin: statistics and identities of each scheme, in both backends."""

import math

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.init import initialise, set_forget_bias
from lstm_lab.nets.recurrent import Recurrent

torch.set_num_threads(1)

NETS = [("lstm", "torch"), ("gru", "torch"), ("rnn", "torch"), *((cell, "reference") for cell in CELLS)]
every_net = pytest.mark.parametrize(("cell", "backend"), NETS)


def build(cell: str, backend: str, size: int = 12) -> Recurrent:
    torch.manual_seed(0)
    return Recurrent(5, [size, size - 2], cell, bidirectional=True, backend=backend)


def each(net: Recurrent):
    for layer in range(2):
        for direction in range(2):
            yield net.layer_parameters(layer, direction)


def forget_bias(net: Recurrent) -> torch.Tensor:
    index = CELLS[net.cell].gates.index("forget")
    return torch.cat(
        [
            (b_ih if b_hh is None else b_ih + b_hh).split(rows)[index]
            for (_, _, b_ih, b_hh), rows in zip(each(net), rows_of(net), strict=True)
        ]
    )


def rows_of(net: Recurrent):
    return [net.gate_sizes[layer] for layer in range(2) for _ in range(2)]


@every_net
def test_orthogonal_blocks(cell, backend) -> None:
    net = initialise(build(cell, backend), "orthogonal", forget_bias=None)
    gates = len(CELLS[cell].gates)
    for (weight_ih, weight_hh, *biases), rows in zip(each(net), rows_of(net), strict=True):
        for block in weight_hh.split(rows) if CELLS[cell].recurs else ():
            torch.testing.assert_close(block @ block.T, torch.eye(len(block)), atol=1e-5, rtol=0)
        for block in weight_ih.split(rows):
            bound = math.sqrt(6 / sum(block.shape))
            assert block.abs().max() <= bound
            assert block.abs().max() > 0.9 * bound or len(block) == 1  # a gate of one row has few numbers
        assert not any(bias.any() for bias in biases if bias is not None)
    if CELLS[cell].recurs and gates > 1:
        blocks = net.layer_parameters(0, 0)[1].chunk(gates)
        assert not torch.equal(blocks[0], blocks[1])


@every_net
def test_gaussian_has_deviation_one_over_root_fan_in(cell, backend) -> None:
    net = initialise(build(cell, backend, size=60), "gaussian", forget_bias=None)
    for weight_ih, weight_hh, *biases in each(net):
        for weight in (weight_ih, weight_hh) if CELLS[cell].recurs else (weight_ih,):
            assert weight.std().item() * math.sqrt(weight.shape[1]) == pytest.approx(1, abs=0.15)
            assert abs(weight.mean().item()) * math.sqrt(weight.shape[1]) < 0.2
        assert not any(bias.any() for bias in biases if bias is not None)


@every_net
def test_torch_scheme_is_what_torch_draws(cell, backend) -> None:
    fresh = build(cell, backend)
    again = initialise(build(cell, backend), "gaussian")
    torch.manual_seed(0)
    initialise(again, "torch", forget_bias=None)
    drawn = [part for parts in each(again) for part in parts if part is not None]
    assert all((part.abs() <= 1 / math.sqrt(10)).all() for part in drawn)
    if cell not in ("lstm_peephole", "lstm_layernorm", "lstm_mogrifier"):  # they draw twice when built
        for one, other in zip(fresh.parameters(), again.parameters(), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("scheme", ["orthogonal", "gaussian", "torch"])
@pytest.mark.parametrize(("cell", "backend"), [net for net in NETS if "forget" in CELLS[net[0]].gates])
def test_forget_bias_of_one_means_one(cell, backend, scheme) -> None:
    net = initialise(build(cell, backend), scheme)
    assert (forget_bias(net) == 1).all()
    set_forget_bias(net, -2.5)
    assert (forget_bias(net) == -2.5).all()
    gate_of_input = torch.cat([bias_ih.chunk(4)[0] for *_, bias_ih, _ in each(net)])
    assert (scheme == "torch") == bool(gate_of_input.any()), "other gates keep what the scheme gave"


def test_forget_bias_acts_where_the_equations_have_it() -> None:
    """A gate held open keeps the cell, one held shut loses it, with no input and no output fed back."""
    for value, share in ((1e4, 1.0), (-1e4, 0.0), (1.0, 1 / (1 + math.exp(-1)))):
        net = initialise(Recurrent(3, 4), "gaussian", forget_bias=value)
        h, c = torch.zeros(1, 2, 4), torch.rand(1, 2, 4)
        _, ((_, kept),) = net(torch.zeros(2, 1, 3), state=[(h, c)])
        torch.testing.assert_close(kept, share * c)


def test_peepholes_begin_closed() -> None:
    net = initialise(build("lstm_peephole", "reference"))
    assert not any(p.any() for name, p in net.named_parameters() if "peephole" in name)
    initialise(net, "torch")
    assert all(p.any() for name, p in net.named_parameters() if "peephole" in name)


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm1997", "mingru"])
def test_cells_without_forget_gate_are_left_alone(cell) -> None:
    net = build(cell, "auto")
    before = [parameter.clone() for parameter in net.parameters()]
    set_forget_bias(net, 3.0)
    for one, other in zip(before, net.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_same_seed_gives_the_same_weights() -> None:
    one, other = build("lstm", "torch"), build("lstm", "torch")
    for net in (one, other):
        torch.manual_seed(7)
        initialise(net)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_an_unknown_scheme_is_told() -> None:
    with pytest.raises(UserError, match="Did you mean 'orthogonal'"):
        initialise(Recurrent(3, 4), "orthogonl")
