"""Attention: numbers by hand, equations written out again, and padding that weighs nothing."""

import math

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.attention import KINDS, AdditiveAttention, build_attention, masked_softmax

REAL = torch.tensor([[True, True, True], [True, False, False]])


def attend(kind, query=6, memory=6, seed=0, **more):
    torch.manual_seed(seed)
    attention = build_attention(kind, query, memory, size=8, heads=2, **more)
    return attention, torch.randn(2, 4, query), torch.randn(2, 3, memory)


def test_dot_products_by_hand():
    attention = build_attention("dot", 2, 2, 2)
    memory = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    context, weights = attention(
        torch.tensor([[[math.log(3.0), 0.0]]]),
        attention.keys(memory),
        memory,
        torch.tensor([[True, True, False]]),
    )
    # Scores ln 3 and 0 on the two real steps: weights 3/4 and 1/4, and nothing on padding.
    torch.testing.assert_close(weights, torch.tensor([[[0.75, 0.25, 0.0]]]))
    torch.testing.assert_close(context, torch.tensor([[[0.75, 0.5]]]))


def test_additive_attention_is_bahdanaus_equation():
    attention, query, memory = attend("bahdanau", 5, 6)
    u, w, b, v = (
        attention.key.weight,
        attention.query.weight,
        attention.query.bias,
        attention.energy.weight[0],
    )
    expected = torch.stack(
        [
            torch.stack([v @ torch.tanh(w @ query[0, t] + b + u @ memory[0, s]) for s in range(3)])
            for t in range(4)
        ]
    ).softmax(-1)
    _, weights = attention(query, attention.keys(memory), memory, REAL)
    torch.testing.assert_close(weights[0], expected)


def test_one_head_without_projections_is_a_scaled_dot_product():
    attention = build_attention("multihead", 4, 4, size=4, heads=1)
    for layer in (attention.query, attention.key, attention.value, attention.out):
        torch.nn.init.eye_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
    query, memory = torch.randn(2, 3, 4), torch.randn(2, 5, 4)
    real = torch.ones(2, 5, dtype=torch.bool)
    context, _ = attention(query, attention.keys(memory), memory, real)
    expected = torch.nn.functional.scaled_dot_product_attention(query, memory, memory)
    torch.testing.assert_close(context, expected)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_sum_to_one_over_real_steps_and_padding_weighs_nothing(kind):
    attention, query, memory = attend(kind)
    context, weights = attention(query, attention.keys(memory), memory, REAL)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 4))
    assert not weights[1, :, 1:].any()
    assert context.shape == (2, 4, attention.output_size)
    # Whatever stands on padding, and however much of it there is.
    wild = torch.where(REAL[..., None], memory, 1e4)
    again, same = attention(query, attention.keys(wild), wild, REAL)
    assert torch.equal(same, weights)
    torch.testing.assert_close(again, context)
    alone, _ = attention(query[1:], attention.keys(memory[1:, :1]), memory[1:, :1], REAL[1:, :1])
    torch.testing.assert_close(alone, context[1:])


@pytest.mark.parametrize("kind", KINDS)
def test_queries_do_not_see_each_other(kind):
    attention, query, memory = attend(kind)
    whole, _ = attention(query, attention.keys(memory), memory, REAL)
    steps = [attention(query[:, t : t + 1], attention.keys(memory), memory, REAL)[0] for t in range(4)]
    torch.testing.assert_close(torch.cat(steps, dim=1), whole)


def test_a_row_without_real_steps_gives_numbers():
    weights = masked_softmax(torch.randn(1, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert weights.tolist() == [[0, 0, 0]]


def test_coverage_moves_attention_away_from_where_it_was():
    attention = AdditiveAttention(2, 2, 3, coverage=True)
    for parameter in attention.parameters():
        torch.nn.init.zeros_(parameter)
    torch.nn.init.ones_(attention.energy.weight)
    torch.nn.init.constant_(attention.coverage, -1.0)
    memory, real = torch.zeros(1, 2, 2), torch.ones(1, 2, dtype=torch.bool)
    _, weights = attention(
        torch.zeros(1, 1, 2), attention.keys(memory), memory, real, torch.tensor([[2.0, 0.0]])
    )
    # Energies 3 tanh(-2) and 0.
    assert weights[0, 0, 1].item() == pytest.approx(1 / (1 + math.exp(-3 * math.tanh(2))))


def test_sizes_that_do_not_fit_are_told():
    with pytest.raises(UserError, match="the decoder has 4 features and the source 6"):
        build_attention("dot", 4, 6, 8)
    with pytest.raises(UserError, match=r"heads=3 must divide"):
        build_attention("multihead", 4, 6, 8, heads=3)
    with pytest.raises(UserError, match="needs attention=bahdanau or concat"):
        build_attention("dot", 4, 4, 8, coverage=True)
