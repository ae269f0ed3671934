"""Matrices of eight bits: literal numbers, half a step at the most, one table for both ends."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from lstm_lab.compression.rows import Rounding, Rows, rounded
from lstm_lab.nets.heads import AdaptiveHead, SoftmaxHead


def test_each_row_has_its_scale():
    weight = torch.tensor([[31.75, -15.85, 0.0], [0.0, 0.0, 0.0], [254.0, 3.0, 0.9], [1.0, 0.0, 0.0]])
    numbers, scales = rounded(weight)
    assert numbers.tolist() == [
        [127, -63, 0],
        [0, 0, 0],
        [127, 2, 0],
        [126, 0, 0],
    ]  # 1.5 goes to the even number
    assert numbers.dtype == torch.int8
    assert scales.tolist() == [0.25, 1.0, 2.0, 130 / 2**14]  # 1/127 is 129.007… of these


@given(
    st.integers(1, 6).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(-1e6, 1e6, width=32), min_size=width, max_size=width), min_size=1, max_size=6
        )
    )
)
def test_no_weight_is_off_by_more_than_half_a_step(values):
    weight = torch.tensor(values)
    numbers, scales = rounded(weight)
    assert numbers.abs().max() <= 127
    off = (numbers.double() * scales[:, None].double() - weight.double()).abs()
    assert (off <= 0.5001 * scales[:, None] + 1e-37).all()


@pytest.mark.parametrize("tied", [True, False])
def test_a_softmax_and_its_table_are_one_matrix_where_they_were(tied):
    torch.manual_seed(0)
    net = nn.ModuleDict({"table": nn.Embedding(11, 6)})
    net["head"] = SoftmaxHead(8, 11, net["table"] if tied else None)
    hidden, symbols = torch.randn(4, 8), torch.tensor([[3, 10]])
    before = net["head"].logits(hidden), net["table"](symbols)
    Rounding().apply(net)
    assert (net["head"].linear.rows is net["table"].rows) is tied
    torch.testing.assert_close(net["head"].logits(hidden), before[0], rtol=0, atol=0.05)
    torch.testing.assert_close(net["table"](symbols), before[1], rtol=0, atol=0.02)
    assert {name.rpartition(".")[2] for name in net.state_dict()} == {"numbers", "scales", "bias"}


@pytest.mark.parametrize("tied", [True, False])
def test_an_adaptive_head_is_that_of_its_rounded_weights(tied):
    torch.manual_seed(0)
    table = nn.Embedding(11, 6)
    head = AdaptiveHead(6, 11, [3, 7], table if tied else None).requires_grad_(False)
    nn.init.normal_(head.bias)
    hidden, targets = torch.randn(5, 6), torch.tensor([0, 2, 3, 6, 10])
    twin = copy.deepcopy(head)  # the equations of the float head, over rounded weights
    for weight in twin.parameters():
        if weight.ndim == 2:
            weight.copy_(Rows(weight).weight)
    net = nn.ModuleDict({"head": head})
    Rounding().apply(net)
    found = net["head"].log_probabilities(hidden), net["head"].nats(hidden, targets)
    torch.testing.assert_close(found[0], twin.log_probabilities(hidden), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found[1], twin.nats(hidden, targets), rtol=1e-5, atol=1e-5)
