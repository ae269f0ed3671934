"""Windows are views that equal hand-made ones; loaders show each once, share them out, and remember the place."""

from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.loader import EvaluationLoader, Shuffled, TrainingLoader
from lstm_lab.data.timeseries.windows import Windows


def rows(count, columns=2):
    return torch.arange(count * columns, dtype=torch.float32).view(count, columns)


@given(
    lookback=st.integers(1, 6),
    steps=st.integers(1, 6),
    extra=st.integers(0, 10),
    start=st.integers(0, 5),
    short=st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_windows_equal_hand_made_ones(lookback, steps, extra, start, short):
    first = lookback + start
    last = first + extra
    count = last + steps - min(short, steps - 1)  # rows that the last window lacks
    values, future = rows(count), rows(last + 2 * steps, 3)
    windows = Windows(values, [1], first, last, lookback, steps, future)
    assert len(windows) == extra + 1
    batch = windows.gather(slice(None))
    assert batch.inputs.shape == (extra + 1, lookback, 2)
    for number, origin in enumerate(range(first, last + 1)):
        assert int(batch.keys[number]) == origin
        assert int(batch.lengths[number]) == lookback
        assert torch.equal(batch.inputs[number], values[origin - lookback : origin])
        real = min(steps, count - origin)
        mask = batch.targets["horizon_mask"][number, :, 0]
        assert mask.tolist() == [True] * real + [False] * (steps - real)
        assert torch.equal(batch.targets["horizon"][number, :real], values[origin : origin + real, 1:])
        assert torch.equal(batch.future[number], future[origin : origin + steps])


def test_windows_are_views_until_they_are_gathered():
    values = rows(1000)
    windows = Windows(values, [0], 50, 900, 50, 10)
    assert windows._rows.untyped_storage().nbytes() <= values.untyped_storage().nbytes()


def test_rows_behind_the_part_are_not_in_memory():
    values = rows(30)
    values[20:] = float("nan")
    windows = Windows(values[:20], [0], 10, 19, 4, 5)
    assert not torch.isnan(windows._rows).any()
    assert windows.gather(slice(9, 10)).targets["horizon_mask"].sum() == 1


def origins(items):
    return [batch.keys.tolist() for item in items for batch in item]


def loader(count=10, batch_size=3, steps=4, seed=0, **settings):
    windows = Windows(rows(count + 8), [0], 4, count + 3, 4, 4)
    return TrainingLoader(windows, Shuffled(count, batch_size, seed), steps, **settings)


def test_a_pass_shows_every_window_once_in_an_order_of_its_own():
    one = loader(steps=4)  # 10 windows, batches of 3, 3, 3 and 1
    assert one.batches == 4
    passes = [list(chain(*origins(one))) for _ in range(3)]
    for shown in passes:
        assert sorted(shown) == list(range(4, 14))
    assert len({tuple(shown) for shown in passes}) == 3
    again = loader(steps=4)
    assert [list(chain(*origins(again))) for _ in range(3)] == passes  # the same seed
    assert list(chain(*origins(loader(steps=4, seed=1)))) != passes[0]


@pytest.mark.parametrize("steps", [1, 3, 5, 9])
@pytest.mark.parametrize("chunk", [1, 2, 8])
def test_epochs_and_chunks_cut_the_same_stream(steps, chunk):
    stream = origins(loader(steps=90))
    cut = loader(steps=steps, chunk=chunk)
    shown = []
    while len(shown) < 30:
        items = list(cut)
        assert len(items) == len(cut) == -(-steps // chunk)
        assert [len(item) for item in items[:-1]] == [chunk] * (len(items) - 1)
        assert sum(map(len, items)) == steps
        shown += origins(items)
    assert shown == stream[: len(shown)]


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("batch_size", [4, 64])
def test_ranks_share_each_batch_without_overlap(world, batch_size):
    whole = origins(loader(12, batch_size, steps=6))
    shares = [origins(loader(12, batch_size, steps=6, rank=rank, world=world)) for rank in range(world)]
    for batch, *parts in zip(whole, *shares, strict=True):
        assert sorted(chain(*parts)) == sorted(batch)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("taken", [1, 3, 4, 6])
def test_a_loader_goes_on_in_the_middle_of_a_pass(taken):
    stream = origins(loader(steps=20))
    first = loader(steps=taken)
    list(first)
    second = loader(steps=20 - taken)
    second.load_state_dict(first.state_dict())
    assert origins(second) == stream[taken:]


def test_a_part_that_fits_one_batch_is_gathered_once():
    one = loader(10, 64, steps=3)
    batches = [item[0] for item in one]
    assert batches[0] is batches[1] is batches[2]
    assert len(batches[0]) == 10


@given(count=st.integers(1, 40), size=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_evaluation_shows_each_window_once_in_order(count, size):
    windows = Windows(rows(count + 8), [0], 4, count + 3, 4, 4)
    evaluation = EvaluationLoader(windows, batch_size=size)
    batches = list(evaluation)
    assert len(batches) == len(evaluation)
    assert np.concatenate([batch.keys for batch in batches]).tolist() == list(range(4, count + 4))
