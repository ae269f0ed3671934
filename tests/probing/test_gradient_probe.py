"""Gradients by lag of nets that can be done by hand."""

import pandas as pd
import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.probing import gradients, memory
from lstm_lab.spec import Spec, Target, Tokens, Values
from lstm_lab.tasks import Language, Regress, Tag
from lstm_lab.tasks.blueprint import Blueprint

SPEC = Spec(Values(("a",)), Target("number", 1, names=("y",)), length=6)


def shrinking(factor):
    """h_t = relu(factor · h_{t-1} + x_t), and the answer is the last h: ∂h_T/∂x_t = factor^lag."""
    task = Regress()
    net = task.build_net(Blueprint(SPEC, {"cell": "rnn", "hidden_size": 1, "activation": "relu"}, {}, 0))
    for name, value in {
        "weight_ih_l0": 1.0,
        "weight_hh_l0": factor,
        "bias_ih_l0": 0.0,
        "bias_hh_l0": 0.0,
    }.items():
        torch.nn.init.constant_(getattr(net.core.kernels[0], name), value)
    torch.nn.init.ones_(net.head.weight)
    torch.nn.init.zeros_(net.head.bias)
    return task, net.eval()


def batch_of(steps, rows=2):
    inputs = torch.ones(rows, steps, 1)
    return Batch(inputs, torch.full((rows,), steps), torch.arange(rows), {"number": torch.zeros(rows, 1)})


def test_a_linear_recurrence_by_hand():
    """L = h_T², h_T = 1 + 1/2 + 1/4 + 1/8 = 15/8: ∂L/∂x_t = 15/4 · 2^-lag, and the same for h_t."""
    task, net = shrinking(0.5)
    table = gradients.measure(net, task, batch_of(4))
    for what in ("x", "h"):
        rows = table[table["what"] == what]
        assert rows["lag"].tolist() == [0, 1, 2, 3]
        assert rows["norm"].tolist() == pytest.approx([15 / 4 / 2**lag for lag in range(4)])
        assert rows["relative"].tolist() == pytest.approx([2.0, 1.0, 0.5, 0.25])
    assert gradients.summary(table) == "gradient at lag 3 over lag 1: x 2.5e-01, h 2.5e-01"
    assert all(weight.grad is None for weight in net.parameters())


def test_sequences_of_different_lengths_are_taken_from_their_ends():
    task, net = shrinking(0.5)
    batch = batch_of(4)
    batch = Batch(batch.inputs, torch.tensor([4, 2]), batch.keys, batch.targets)
    both = gradients.measure(net, task, batch)
    assert both["lag"].max() == 1
    # h_T is 15/8 and 3/2; the mean of the norms of 2 h_T.
    assert both["norm"].tolist()[:2] == pytest.approx([(15 / 4 + 3) / 2, (15 / 4 + 3) / 4])
    long = gradients.measure(net, task, batch, lag=3)
    assert long["norm"].tolist()[:4] == pytest.approx([15 / 4 / 2**lag for lag in range(4)])


@pytest.mark.parametrize("lag", [4, 0])
def test_a_lag_longer_than_the_sequence(lag):
    task, net = shrinking(0.5)
    with pytest.raises(
        UserError, match=rf"lag={lag}: the longest of these sequences has 4 steps, so lags go from 1 to 3"
    ):
        gradients.measure(net, task, batch_of(4), lag=lag)


def test_what_is_left_of_a_difference_by_hand():
    task, net = shrinking(0.5)
    batch = batch_of(6)
    batch.inputs[1, 0] = 5.0  # a past of its own, which halves with every step
    table = memory.measure(net, task, batch, after=2)
    assert table["left"].tolist() == pytest.approx([1, 0.5, 0.25, 0.125, 0.0625])
    assert memory.half_life(table, "h") == 2
    assert memory.summary(table) == "h: half of it gone after 2 steps, 6.25 % left after 4"
    task, net = shrinking(1.0)
    table = memory.measure(net, task, batch, after=2, lag=3)
    assert table["left"].tolist() == pytest.approx([1, 1, 1, 1])
    assert memory.half_life(table, "h") is None


@pytest.mark.parametrize("settings", [{"lag": 5}, {"after": 6}, {"after": 0}])
def test_a_memory_beyond_the_sequence(settings):
    task, net = shrinking(0.5)
    with pytest.raises(UserError, match="two sequences of"):
        memory.measure(net, task, batch_of(6), **settings)


def test_what_there_is_nothing_to_see_of():
    task, net = shrinking(0.5)
    with pytest.raises(UserError, match="there is only one: part=train may have more"):
        memory.measure(net, task, batch_of(6, rows=1))
    torch.nn.init.zeros_(net.head.weight)
    assert "no gradient reaches the recurrent core" in gradients.summary(
        gradients.measure(net, task, batch_of(4))
    )


def test_tasks_with_a_target_a_step_are_asked_at_their_end():
    spec = Spec(Tokens(6), Target("label", 2, names=("a", "b")), length=4)
    task = Tag()
    torch.manual_seed(0)
    net = task.build_net(Blueprint(spec, {"cell": "gru", "hidden_size": 3}, {}, 0)).eval()
    labels = torch.tensor([[0, 1, 0, 1], [1, 0, -100, -100]])
    batch = Batch(
        torch.tensor([[1, 2, 3, 4], [5, 4, 0, 0]]), torch.tensor([4, 2]), torch.arange(2), {"label": labels}
    )
    scores = net(batch)
    expected = torch.nn.functional.cross_entropy(
        torch.stack([scores[0, 3], scores[1, 1]]), torch.tensor([1, 0])
    )
    torch.testing.assert_close(task.loss_at_end(net, batch), expected)


def test_a_language_model_is_asked_for_its_last_symbol():
    spec = Spec(Tokens(6), Target("next", 6), length=4)
    task = Language(tied=False)
    torch.manual_seed(0)
    net = task.build_net(Blueprint(spec, {"cell": "lstm", "hidden_size": 3}, {}, 0)).eval()
    batch = Batch(
        torch.tensor([[1, 2, 3, 4]]),
        torch.tensor([4]),
        torch.arange(1),
        {"next": torch.tensor([[2, 3, 4, 5]])},
    )
    nats, _ = task.nats_onward([net], torch.ones(1), batch, [None])
    torch.testing.assert_close(task.loss_at_end(net, batch), nats[0, 3])
    table = gradients.measure(net, task, batch)
    assert set(table["what"]) == {"x", "h", "c"}
    assert isinstance(table, pd.DataFrame)


def test_an_lstm_that_forgets_nothing_passes_the_gradient_on():
    """Forget gate 1, everything else shut: ∂L/∂c_t does not change with the lag."""
    core = Recurrent(1, 1, "lstm")
    for parameter in core.parameters():
        torch.nn.init.zeros_(parameter)
    core.kernels[0].bias_ih_l0.data[1] = 40.0
    task = Regress()
    net = task.build_net(Blueprint(SPEC, {"cell": "lstm", "hidden_size": 1}, {}, 0)).eval()
    net.core = core
    torch.nn.init.ones_(net.head.weight)
    table = gradients.measure(net, task, Batch(
        torch.ones(1, 6, 1), torch.tensor([6]), torch.arange(1), {"number": torch.full((1, 1), 9.0)}
    ))  # fmt: skip
    rows = table[table["what"] == "c"]
    assert rows["relative"].tolist() == pytest.approx([1.0] * 6)
