"""Streams: every target once, readers that go on where they stopped."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.text.streams import Streams


def test_chunks_by_hand():
    """Ten tokens, two readers, chunks of two: targets 1 to 9 as 1-4 and 5-9."""
    streams = Streams(torch.arange(10), readers=2, steps=2)
    assert streams.chunks == 3
    first, last = streams.gather(torch.tensor([0, 1])), streams.gather(torch.tensor([4, 5]))
    assert first.inputs.tolist() == [[0, 1], [4, 5]]
    assert first.targets["next"].tolist() == [[1, 2], [5, 6]]
    assert first.fresh.tolist() == [True, True]
    assert last.lengths.tolist() == [0, 1]
    assert last.inputs.tolist() == [[0], [8]]
    assert last.targets["next"].tolist() == [[0], [9]]
    assert not last.fresh.any()


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.integers(1, 7), st.integers(1, 9), st.booleans())
def test_every_target_once_and_readers_go_on(count, readers, steps, whole):
    streams = Streams(torch.arange(count), readers, steps, whole)
    seen, next_of = [], {}
    for k in range(streams.chunks):
        rows = torch.arange(streams.readers) + k * streams.readers
        batch = streams.gather(rows)
        assert batch.fresh.all() == (k == 0)
        for b, length in enumerate(batch.lengths.tolist()):
            inputs, targets = batch.inputs[b, :length], batch.targets["next"][b, :length]
            assert (targets == inputs + 1).all()
            if length and b in next_of:
                assert inputs[0] == next_of[b]
            if length:
                next_of[b] = int(targets[-1])
            seen += targets.tolist()
        if whole:
            assert (batch.lengths == batch.inputs.shape[1]).all()
    left_out = (count - 1) % streams.readers if whole else 0
    assert sorted(seen) == list(range(1, count - left_out))
    assert len(seen) == streams.targets


@pytest.mark.parametrize("rows", [slice(2, 5), torch.tensor([2, 3, 4])])
def test_slices_and_indices_agree(rows):
    streams = Streams(torch.arange(30), 3, 4)
    assert streams.gather(rows).inputs.tolist() == streams.gather(torch.arange(2, 5)).inputs.tolist()
