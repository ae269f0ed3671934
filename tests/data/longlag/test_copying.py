"""Copy memory: what is read, what is to be said, and which answers count."""

import random

import pytest

from lstm_lab.data.longlag.copying import CopyMemoryDataModule, copy_memory
from lstm_lab.errors import UserError

SMALL = {"longest": 6, "lags": (3, 12), "letters": 4, "sequences": 100, "tests": 10}


def test_a_sequence_by_hand():
    text, label = copy_memory(3, random.Random(0), letters=2)
    said = label.split()
    assert len(said) == 2
    assert text.split() == [*said, "-", "-", "-", ":", "-", "-"]


def test_only_the_answers_count():
    data = CopyMemoryDataModule(**SMALL)
    batch = next(iter(data.test_dataloader()))
    row = int((batch.lengths == 4 + 3 + 1 + 4).nonzero()[0])
    labels = batch.targets["label"][row]
    assert labels[:8].tolist() == [-100] * 8
    assert bool((labels[8:12] >= 0).all())
    names = data.spec.target.names
    first = [data.processor.tokenizer.symbol(number) for number in batch.inputs[row, :4].tolist()]
    assert [names[number] for number in labels[8:12].tolist()] == first


def test_parts_share_no_sequence_and_the_test_stays():
    data, other = CopyMemoryDataModule(**SMALL), CopyMemoryDataModule(**SMALL | {"sequences": 60}, seed=4)
    texts = ["".join(one) for one in data.tagged.symbols]
    by_part = {
        part: {text for text, one in zip(texts, data.parts, strict=True) if one == part}
        for part in set(data.parts)
    }
    assert not by_part["train"] & by_part["test"]
    assert not by_part["validation"] & by_part["test"] | by_part["validation"] & by_part["train"]
    assert by_part["test"] == {
        "".join(one)
        for one, part in zip(other.tagged.symbols, other.tagged.parts, strict=True)
        if part == "test"
    }
    assert data.lags_of(data.samples("test").keys).tolist() == [3] * 10 + [12] * 10
    assert "4 letters of 10 test sequences of each lag (3, 12 blanks), trained on 0 to 6" in data.protocol


@pytest.mark.parametrize("settings", [{"shortest": 9}, {"lags": ()}, {"letters": 0}, {"lags": (-1,)}])
def test_what_cannot_be(settings):
    with pytest.raises(UserError, match=r"^data\.(longest|lags|letters)="):
        CopyMemoryDataModule(**SMALL | settings)
