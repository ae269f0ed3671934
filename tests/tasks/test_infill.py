"""Gap filling: neither side sees the gap, padding is not seen, strands agree, and beams find the best filling."""

import itertools
import math

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.spec import Spec, Target, Tokens
from lstm_lab.tasks.blueprint import Blueprint
from lstm_lab.tasks.infill import Infill

torch.set_num_threads(1)

SPEC = Spec(Tokens(8, specials=4), Target("gap", 8), length=6)  # A C G T are 4 5 6 7
STRANDS = {"complement": [0, 1, 2, 3, 7, 6, 5, 4]}
ONE = torch.ones(1)


def build(strands=False, **settings):
    torch.manual_seed(0)
    task = Infill(longest=3, **settings)
    net = task.build_net(
        Blueprint(SPEC, {"hidden_size": 6}, STRANDS if strands else {}, 0, {"size": 4})
    ).eval()
    with torch.no_grad():
        net.distance.weight.normal_()
    return task, net


def sequences(lengths):
    torch.manual_seed(1)
    return Batch.pad([torch.randint(4, 8, (length,)) for length in lengths])


def test_a_symbol_is_not_seen_by_what_predicts_it():
    task, net = build()
    batch = sequences([7])
    log = task.predict([net], ONE, batch)["log"]
    for step in range(7):
        changed = batch.inputs.clone()
        changed[0, step] = 4 + (changed[0, step] - 3) % 4
        other = task.predict([net], ONE, Batch.pad(list(changed)))["log"]
        torch.testing.assert_close(other[0, step], log[0, step])
        assert not torch.allclose(other[0, (step + 1) % 7], log[0, (step + 1) % 7])


def test_the_left_side_alone_does_not_see_what_follows():
    task, net = build(sides="left")
    batch = sequences([7])
    log = task.predict([net], ONE, batch)["log"]
    short = task.predict([net], ONE, Batch.pad([batch.inputs[0, :4]]))["log"]
    torch.testing.assert_close(short[0], log[0, :4])


def test_the_distance_says_where_the_right_side_begins():
    """Three symbols are missing: the two behind the first are not seen either."""
    _, net = build()
    batch = sequences([7])
    scores = net(batch, distance=3)
    changed = batch.inputs.clone()
    changed[0, 3:5] = 11 - changed[0, 3:5]
    torch.testing.assert_close(net(Batch.pad(list(changed)), distance=3)[0, 2], scores[0, 2])


@pytest.mark.parametrize("strands", [False, True])
def test_padding_and_company_change_nothing(strands):
    task, net = build(strands)
    batch = sequences([7, 2, 5])
    together = task.predict([net], ONE, batch)["log"]
    for row, length in enumerate(batch.lengths.tolist()):
        alone = task.predict([net], ONE, Batch.pad([batch.inputs[row, :length]]))["log"]
        torch.testing.assert_close(together[row, :length], alone[0], atol=1e-6, rtol=1e-5)


def test_both_strands_give_the_same_answer():
    task, net = build(strands=True)
    batch = sequences([6])
    other = torch.tensor(STRANDS["complement"])
    turned = task.predict([net], ONE, Batch.pad([other[batch.inputs[0].flip(0)]]))["log"][0]
    torch.testing.assert_close(turned.flip(0)[:, other], task.predict([net], ONE, batch)["log"][0])


def test_symbols_that_do_not_count_enter_neither_loss_nor_score():
    task, net = build()
    batch = sequences([5])
    batch.targets["gap"] = torch.tensor([[4, -100, 6, -100, 7]])
    log = task.predict([net], ONE, batch)["log"][0]
    total, count = task.error({"log": log[None]}, batch)
    assert count == 3
    assert total.item() == pytest.approx(
        -sum(log[t, k].item() for t, k in ((0, 4), (2, 6), (4, 7))) / math.log(2)
    )
    assert math.isfinite(task.loss(net, batch))


def fill(task, net, before, behind, size, beam):
    tokens = torch.tensor([*before, *[1] * size, *behind])
    batch = Batch.pad([tokens])
    batch.targets.update(start=torch.tensor([len(before)]), size=torch.tensor([size]))
    return task.infer([net], ONE, batch, beam=beam)


@pytest.mark.parametrize(("before", "behind"), [([4, 5, 6], [7, 7]), ([], [5]), ([6, 4], [])])
def test_a_wide_beam_finds_the_likeliest_filling(before, behind):
    """Each filling's probability is the product over its symbols of `forward` with the filled part in place."""
    task, net = build()
    size, costs = 2, {}
    for symbols in itertools.product(range(4, 8), repeat=size):
        whole, bits = torch.tensor([*before, *symbols, *behind]), 0.0
        for place, symbol in enumerate(symbols):
            log = net(Batch.pad([whole]), distance=size - place).log_softmax(-1)
            bits -= log[0, len(before) + place, symbol].item() / math.log(2)
        costs[symbols] = bits
    found = fill(task, net, before, behind, size, beam=16)
    best = min(costs, key=costs.get)
    assert tuple(found["filled"][0].tolist()) == best
    assert found["bits"][0].item() == pytest.approx(costs[best], abs=1e-4)
    greedy = fill(task, net, before, behind, size, beam=1)
    assert greedy["bits"][0] >= found["bits"][0] - 1e-6


def test_settings_are_checked():
    with pytest.raises(UserError, match=r"task\.sides=right is not known"):
        Infill(sides="right")
    with pytest.raises(UserError, match="each side of a gap is read towards it"):
        Infill().build_net(Blueprint(SPEC, {"hidden_size": 3, "bidirectional": True}, {}, 0))
    with pytest.raises(UserError, match="beam=0"):
        fill(*build(), [4], [5], 1, beam=0)
