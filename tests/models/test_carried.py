"""A carried state: a stream read in pieces equals the stream read at once, and rows begin anew when told."""

import torch

from lstm_lab.batch import Batch
from lstm_lab.models.carried import Carried
from lstm_lab.nets.recurrent import Recurrent


def piece(x, fresh=None):
    rows = len(x)
    return Batch(
        inputs=x,
        lengths=torch.full((rows,), x.shape[1]),
        keys=torch.arange(rows),
        fresh=None if fresh is None else torch.tensor(fresh),
    )


def test_pieces_equal_the_whole_and_cut_the_graph():
    core, carried = Recurrent(2, 3, num_layers=2), Carried(1)
    x = torch.randn(4, 12, 2)
    whole, _ = core(x)
    for start in (0, 5, 7):
        end = {0: 5, 5: 7, 7: 12}[start]
        (state,) = carried.enter(piece(x[:, start:end]))
        outputs, state = core(x[:, start:end], None, state)
        carried.leave([state])
        torch.testing.assert_close(outputs, whole[:, start:end])
        assert not any(one.requires_grad for layer in carried.states[0] for one in layer)


def test_fresh_rows_begin_from_zero_whatever_they_held():
    core, carried = Recurrent(2, 3), Carried(1)
    x = torch.randn(3, 4, 2)
    _, state = core(x)
    state = [tuple(one.clone() for one in state[0])]
    state[0][0][:, 1] = torch.inf
    carried.leave([state])
    (state,) = carried.enter(piece(x, [False, True, False]))
    assert (state[0][0][:, 1] == 0).all()
    assert (state[0][0][:, 0] != 0).all()
    outputs, _ = core(x, None, state)
    torch.testing.assert_close(outputs[1], core(x)[0][1])


def test_another_width_begins_anew():
    core, carried = Recurrent(2, 3), Carried(1)
    carried.leave([core(torch.randn(3, 4, 2))[1]])
    assert carried.enter(piece(torch.randn(2, 4, 2))) == [None]


def test_plain_form_and_back():
    core, carried, other = Recurrent(2, 3), Carried(2), Carried(2)
    carried.leave([core(torch.randn(3, 4, 2))[1], None])
    other.load(carried.to_plain(), torch.device("cpu"))
    assert torch.equal(other.states[0][0][0], carried.states[0][0][0])
    assert other.states[1] is None
