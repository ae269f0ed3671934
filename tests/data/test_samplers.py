"""Samplers: every sample once a pass, the same batches from the same numbers, little padding where lengths differ."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.loader import ByLength, InOrder, Shuffled
from lstm_lab.errors import UserError

lengths_of_samples = st.lists(st.integers(1, 50), min_size=1, max_size=80).map(torch.tensor)


def shown(batches):
    return sorted(torch.cat(list(batches)).tolist())


@given(count=st.integers(1, 50), size=st.integers(1, 20), seed=st.integers(0, 9), number=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_shuffled_and_ordered_passes_show_everything_once(count, size, seed, number):
    for sampler in (Shuffled(count, size, seed), InOrder(count, size)):
        batches = sampler.draw(number)
        assert len(batches) == sampler.batches
        assert shown(batches) == list(range(count))
        assert all(map(torch.equal, batches, sampler.draw(number)))


@given(lengths=lengths_of_samples, size=st.integers(1, 20), number=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_buckets_of_a_fixed_size_show_everything_once(lengths, size, number):
    sampler = ByLength(lengths, batch_size=size, seed=3)
    batches = sampler.draw(number)
    assert len(batches) == sampler.batches == -(-len(lengths) // size)
    assert shown(batches) == list(range(len(lengths)))
    if number == 0 and size == 1:
        assert lengths[batches[0]].max() == lengths.max()


@given(lengths=lengths_of_samples, budget=st.integers(50, 200), number=st.integers(0, 3))
@settings(max_examples=50, deadline=None)
def test_buckets_keep_to_their_budget_in_every_pass(lengths, budget, number):
    sampler = ByLength(lengths, budget=budget, seed=3)
    batches = sampler.draw(number)
    assert len(batches) == sampler.batches
    assert shown(batches) == list(range(len(lengths)))
    assert all(int(lengths[rows].max()) * len(rows) <= budget for rows in batches)
    if number == 0:
        assert int(lengths[batches[0]].max()) == int(lengths.max())


def test_buckets_waste_little_and_say_how_much():
    lengths = torch.arange(1, 1001)
    sampler = ByLength(lengths, batch_size=50, noise=0.0)
    batches = sampler.draw(1)
    filled = sum(int(lengths[rows].max()) * len(rows) for rows in batches)
    assert sampler.padding == pytest.approx(1 - int(lengths.sum()) / filled)
    assert sampler.padding < 0.06
    mixed = sum(int(lengths[rows].max()) * len(rows) for rows in Shuffled(1000, 50).draw(1))
    assert 1 - int(lengths.sum()) / mixed > 0.4


def test_passes_differ_and_shares_are_equal_where_they_can_be():
    lengths = torch.arange(1, 200)
    sampler = ByLength(lengths, budget=1000, multiple=2)
    assert not all(map(torch.equal, sampler.draw(1), sampler.draw(2)))
    sizes = [len(rows) for rows in sampler.draw(1)]
    assert sum(size % 2 for size in sizes) <= 1


def test_a_sample_that_no_batch_can_hold_is_named():
    with pytest.raises(UserError, match=r"data.budget=40 .* \(41 steps, number 2\)"):
        ByLength(torch.tensor([3, 40, 41]), budget=40)
