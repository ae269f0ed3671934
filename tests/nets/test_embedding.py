import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.embedding import Embedding
from lstm_lab.spec import Tokens


def test_vectors_fill_the_range_they_are_drawn_from_and_padding_is_nothing():
    table = Embedding(Tokens(2000, 0), {}, size=16, init=0.5).table.weight
    assert 0.49 < float(table.detach().abs().max()) <= 0.5
    assert table.detach()[1:].std().item() == pytest.approx(0.5 / 3**0.5, rel=0.02)  # of an even spread
    assert torch.equal(table[0], torch.zeros(16))


@pytest.mark.parametrize("init", [0.0, -1.0, "wide"])
def test_a_width_that_is_none_is_refused(init):
    with pytest.raises(UserError, match="above 0"):
        Embedding(Tokens(9, 0), {}, init=init)


def test_few_symbols_begin_ten_times_as_far_apart_as_thousands():
    characters, words = (Embedding(Tokens(count), {}, size=64).table.weight for count in (65, 10_000))
    assert float(characters.detach().abs().max()) == pytest.approx(1.0, abs=0.01)
    assert float(words.detach().abs().max()) == pytest.approx(0.1, abs=0.001)
