"""Front ends: padding stays zero, statistics are those of the training part, words are checked."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.frontend import build_frontend
from lstm_lab.spec import Tokens, Values


def test_values_are_standardised_and_padding_is_zero():
    front = build_frontend(Values(("a", "b")), None, {"mean": [1.0, 5.0], "std": [2.0, 0.0]})
    batch = Batch.pad([torch.tensor([[3.0, 5.0], [-1.0, 6.0]]), torch.tensor([[1.0, 5.0]])])
    x, lengths = front(batch)
    assert x.tolist() == [[[1, 0], [-1, 1]], [[0, 0], [0, 0]]]
    assert lengths.tolist() == [2, 1]
    assert front.output_size == 2


def test_without_statistics_values_pass():
    x, _ = build_frontend(Values(("a",)))(Batch.pad([torch.tensor([[3.0]])]))
    assert x.item() == 3


def test_the_pad_symbol_is_a_zero_vector():
    front = build_frontend(Tokens(5, pad=0), {"name": "embedding", "size": 7})
    x, _ = front(Batch.pad([torch.tensor([1, 2, 3]), torch.tensor([4])]))
    assert x.shape == (2, 3, 7)
    assert x[1, 1:].abs().sum() == 0
    assert x[0].abs().min() > 0


@pytest.mark.parametrize(
    ("inputs", "settings", "told"),
    [
        (Values(("a",)), {"name": "embeding"}, "Did you mean 'embedding'"),
        (Values(("a",)), {"name": "embedding"}, "does not read values. Usual: standardise"),
        (Tokens(4), {"sizes": 3}, "sizes"),
    ],
)
def test_wrong_words_are_told(inputs, settings, told):
    with pytest.raises(UserError, match=told):
        build_frontend(inputs, settings)
