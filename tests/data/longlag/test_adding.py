"""The adding problem: marks, sums, and the way from a table."""

import pandas as pd
import pytest
import torch

from lstm_lab.data.longlag.adding import AddingDataModule, MarkedNumbersProcessor, draw
from lstm_lab.errors import UserError

SMALL = {"shortest": 6, "longest": 9, "lags": (5, 12), "sequences": 400, "tests": 50}


def test_one_mark_in_each_half_and_their_sum():
    lengths = torch.tensor([2, 3, 10, 11] * 50)
    found = draw(lengths, seed=0)
    for values, length, total in zip(found.inputs, lengths.tolist(), found.sums, strict=True):
        places = values[:, 1].nonzero().flatten().tolist()
        assert len(places) == 2
        assert places[0] < length // 2 <= places[1] < length
        assert float(values[places, 0].sum()) == pytest.approx(float(total))
        assert not values[length:].any()


def test_the_sum_has_a_variance_of_a_sixth():
    sums = draw(torch.full((20_000,), 4), seed=1).sums
    assert float(sums.var()) == pytest.approx(1 / 6, rel=0.03)


def test_parts_and_lags():
    data = AddingDataModule(**SMALL)
    assert data.digest == AddingDataModule(seed=3, **SMALL).digest
    assert data.digest != AddingDataModule(**SMALL, data_seed=1).digest
    assert data.lags_of(torch.arange(100)).tolist() == [5] * 50 + [12] * 50
    batch = data.samples("train").gather(torch.tensor([3, 5]))
    assert batch.inputs.shape == (2, int(batch.lengths.max()), 2)
    assert set(data.samples("train").lengths.tolist()) == {6, 7, 8, 9}
    assert "50 test sequences of each length (5, 12), trained on 6 to 9 steps" in data.protocol


def test_sequences_from_a_table():
    processor = MarkedNumbersProcessor(torch.ones(3, 2))
    table = pd.DataFrame({"sequence": ["b", "b", "a"], "number": [0.25, 0.5, 1.0], "mark": [1, 0, 1]})
    batch = processor.to_batch(table)
    assert batch.lengths.tolist() == [2, 1]
    assert batch.inputs.tolist() == [[[0.25, 1.0], [0.5, 0.0]], [[1.0, 1.0], [0.0, 0.0]]]
    frame = processor.to_frame({"number": torch.tensor([[0.5], [2.0]])}, table)
    assert frame.to_dict("list") == {"sequence": ["b", "a"], "prediction": [0.5, 2.0]}
    again = MarkedNumbersProcessor.from_plain(processor.to_plain())
    assert len(again.example()) == 3


@pytest.mark.parametrize(
    ("table", "line"),
    [
        ({"number": [1.0]}, "no column 'mark'"),
        ({"number": [1.0, "x"], "mark": [0, 1]}, "row 2 holds no number"),
    ],
)
def test_a_wrong_table_is_told_in_one_line(table, line):
    processor = MarkedNumbersProcessor(torch.ones(3, 2))
    with pytest.raises(UserError, match=line):
        processor.to_batch(processor.table(pd.DataFrame(table)))


@pytest.mark.parametrize(
    "settings", [{"shortest": 1}, {"longest": 5, "shortest": 6}, {"lags": ()}, {"lags": (1,)}]
)
def test_lengths_that_cannot_be(settings):
    with pytest.raises(UserError, match=r"^data\.(shortest|longest|lags)="):
        AddingDataModule(**settings)
