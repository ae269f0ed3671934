"""Averaged weights by hand, the trigger of the paper, and a state that goes on."""

from types import SimpleNamespace

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.training.averaging import AveragedWeights


class Model(torch.nn.Module):
    """One weight."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.task = SimpleNamespace(metric="val/nats")


def validate(averaging, model, value, step=0):
    """Returns the weight that validation sees."""
    trainer = SimpleNamespace(sanity_checking=False, callback_metrics={"val/nats": value}, global_step=step)
    averaging.on_validation_start(trainer, model)
    seen = float(model.weight)
    averaging.on_validation_end(trainer, model)
    return seen


def step(averaging, model, weight, number=0):
    with torch.no_grad():
        model.weight.fill_(weight)
    averaging.on_train_batch_end(SimpleNamespace(global_step=number), model, None, None, 0)


def test_averaging_begins_when_validation_is_worse_than_all_but_the_last_n():
    """5, 3, 3.2, 3.3, 3.6: with n = 2 the fifth is worse than 3, the best of all but the last two."""
    averaging, model = AveragedWeights(patience=2), Model()
    for weight, value in ((1, 5.0), (2, 3.0), (3, 3.2), (4, 3.3)):
        step(averaging, model, weight)
        assert validate(averaging, model, value) == weight
        assert averaging.count == 0
    step(averaging, model, 5)
    assert validate(averaging, model, 3.6) == 5  # the average begins with these weights
    assert averaging.count == 1
    step(averaging, model, 8)
    step(averaging, model, 11)
    assert validate(averaging, model, 3.0) == 8  # the mean of 5, 8 and 11
    assert float(model.weight) == 11  # training goes on with its own


def test_a_step_may_be_named_instead():
    averaging, model = AveragedWeights(start=2), Model()
    for number in (1, 2, 3):
        step(averaging, model, float(number), number)
    assert validate(averaging, model, 1.0) == 2.5


def test_the_state_goes_on():
    averaging, model = AveragedWeights(start=1), Model()
    step(averaging, model, 1.0, 1)
    again = AveragedWeights(start=1)
    again.load_state_dict(averaging.state_dict())
    step(again, model, 3.0, 2)
    assert validate(again, model, 1.0) == 2.0


def test_settings_are_checked():
    with pytest.raises(UserError, match=r"callbacks\.averaging\.patience=0"):
        AveragedWeights(patience=0)
