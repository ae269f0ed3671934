import torch
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab.batch import Batch


def test_padding_on_the_right_with_literal_numbers():
    batch = Batch.pad(
        [torch.tensor([1.0, 2.0]), torch.tensor([3.0])],
        keys=[7, 5],
        targets={
            "class": [torch.tensor(1), torch.tensor(0)],
            "label": [torch.tensor([4, 5]), torch.tensor([6])],
        },
        value=-1,
    )
    assert batch.inputs.tolist() == [[1.0, 2.0], [3.0, -1.0]]
    assert batch.lengths.tolist() == [2, 1]
    assert batch.mask.tolist() == [[True, True], [True, False]]
    assert batch.keys.tolist() == [7, 5]
    assert batch.targets["class"].tolist() == [1, 0]
    assert batch.targets["label"].tolist() == [[4, 5], [6, -1]]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_what_was_padded_can_be_taken_apart(lengths):
    sequences = [torch.randn(length, 3) for length in lengths]
    batch = Batch.pad(sequences)
    assert int(batch.mask.sum()) == sum(lengths)
    for row, sequence in zip(batch.inputs, sequences, strict=True):
        assert torch.equal(row[: len(sequence)], sequence)
        assert not row[len(sequence) :].any()


def test_rows_devices_and_names():
    batch = Batch.pad(
        [torch.ones(2, 1), torch.ones(3, 1)], targets={"class": [torch.tensor(0), torch.tensor(1)]}
    )
    second = batch[1:]
    assert (len(second), second.keys.tolist(), second.targets["class"].tolist()) == (1, [1], [1])
    assert batch.to("cpu") is batch
    assert [name for name, _ in batch.tensors()] == ["inputs", "lengths", "keys", "targets.class"]
    assert batch.to("meta").targets["class"].device.type == "meta"
