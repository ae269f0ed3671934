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


@pytest.mark.parametrize("init", [0.0, -1.0])
def test_vectors_that_are_all_alike_are_refused(init):
    with pytest.raises(UserError, match="told apart"):
        Embedding(Tokens(9, 0), {}, init=init)
