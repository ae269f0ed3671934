"""Pooling by hand on small numbers, and blind to padding."""

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.nets.pooling import POOLINGS, Pooling
from lstm_lab.nets.recurrent import Recurrent

OUTPUTS = torch.tensor([[[1.0, 4.0], [3.0, 0.0], [9.0, 9.0]], [[2.0, 2.0], [4.0, 6.0], [0.0, 1.0]]])
LENGTHS = torch.tensor([2, 3])


def test_mean_and_max_by_hand():
    assert Pooling("mean", 2)(OUTPUTS, LENGTHS, []).tolist() == [[2, 2], [2, 3]]
    assert Pooling("max", 2)(OUTPUTS, LENGTHS, []).tolist() == [[3, 4], [4, 6]]


def test_attention_by_hand():
    pooling = Pooling("attention", 2)
    with torch.no_grad():
        pooling.project.weight.copy_(torch.eye(2))
        pooling.project.bias.zero_()
        pooling.score.weight.copy_(torch.tensor([[1.0, 0.0]]))
    # softmax over tanh(1) and tanh(3), the third step is padding
    first, second = torch.tensor([1.0, 3.0]).tanh().exp()
    share = float(first / (first + second))
    weights = pooling.weights(OUTPUTS, LENGTHS)
    assert weights[0].tolist() == pytest.approx([share, 1 - share, 0.0])
    assert weights.sum(1).tolist() == pytest.approx([1, 1])
    expected = [share * 1 + (1 - share) * 3, share * 4]
    assert pooling(OUTPUTS, LENGTHS, [])[0].tolist() == pytest.approx(expected)


@pytest.mark.parametrize("kind", POOLINGS)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(kind, bidirectional):
    torch.manual_seed(0)
    core = Recurrent(3, 4, bidirectional=bidirectional, num_layers=2).eval()
    pooling = Pooling(kind, core.output_size)
    x, lengths = torch.randn(3, 6, 3), torch.tensor([6, 2, 4])
    together = pooling(*core(x, lengths)[:1], lengths, core(x, lengths)[1])
    assert together.shape == (3, core.output_size)
    for row, length in enumerate(lengths.tolist()):
        alone_x, alone_length = x[row : row + 1, :length], lengths[row : row + 1]
        outputs, state = core(alone_x, alone_length)
        alone = pooling(outputs, alone_length, state)
        torch.testing.assert_close(alone[0], together[row], rtol=1e-6, atol=1e-6)


def test_last_is_the_end_of_both_directions():
    core = Recurrent(2, 3, bidirectional=True)
    x, lengths = torch.randn(1, 5, 2), torch.tensor([5])
    outputs, state = core(x, lengths)
    last = Pooling("last", 6)(outputs, lengths, state)[0]
    assert torch.equal(last[:3], outputs[0, -1, :3])
    assert torch.equal(last[3:], outputs[0, 0, 3:])


def test_an_unknown_word_names_the_nearest():
    with pytest.raises(UserError, match="Did you mean 'attention'"):
        Pooling("atention", 2)
