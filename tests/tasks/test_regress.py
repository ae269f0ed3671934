"""Regression: loss and predictions in the user's units."""

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.spec import Spec, Target, Values
from lstm_lab.tasks import Regress, build_task
from lstm_lab.tasks.blueprint import Blueprint

SPEC = Spec(Values(("a",)), Target("number", 2, names=("x", "y")), length=4)
STATISTICS = {"target_mean": [10.0, -1.0], "target_std": [2.0, 0.5]}
CORE = {"cell": "gru", "hidden_size": 3}


@pytest.fixture
def net():
    torch.manual_seed(0)
    net = Regress().build_net(Blueprint(SPEC, CORE, STATISTICS, 0))
    torch.nn.init.zeros_(net.head.weight)
    net.head.bias.data = torch.tensor([1.0, -2.0])
    return net


BATCH = Batch(
    torch.ones(2, 4, 1),
    torch.tensor([4, 3]),
    torch.arange(2),
    {"number": torch.tensor([[12.0, -2.0], [13.0, 0.0]])},
)


def test_a_net_answers_in_deviations_from_the_mean(net):
    """10 + 2 · 1 and -1 + 0.5 · -2; errors 0, 0, 1 and 2."""
    task = Regress()
    assert task.answer(net, BATCH).tolist() == [[12.0, -2.0], [12.0, -2.0]]
    assert float(task.loss(net, BATCH)) == pytest.approx((1 + 4) / 4)
    found = task.predict([net, net], torch.tensor([0.5, 0.5]), BATCH)
    assert found["number"].tolist() == [[12.0, -2.0], [12.0, -2.0]]
    total, count = task.error(found, BATCH)
    assert (float(total), int(count)) == (5.0, 4)


def test_members_are_averaged(net):
    other = Regress().build_net(Blueprint(SPEC, CORE, {}, 1))
    torch.nn.init.zeros_(other.head.weight)
    other.head.bias.data = torch.tensor([0.0, 4.0])  # without statistics units are those of the net
    found = Regress().predict([net, other], torch.tensor([0.75, 0.25]), BATCH)
    assert found["number"][0].tolist() == [9.0, -0.5]


def test_it_is_the_usual_task_of_a_number():
    assert isinstance(build_task(None, "number"), Regress)
    with pytest.raises(UserError, match=r"task\.dropout=1"):
        Regress(dropout=1)
