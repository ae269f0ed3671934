"""The best weights: by the metric's direction, of equal scores the last, and patience that ties do not renew."""

from types import SimpleNamespace

import pytest
import torch

from lstm_lab.training.best import KeepBest


def run(scores, **settings):
    """Validates a one-weight module with these scores, the weight being the number of the validation."""
    best = KeepBest("val/x", **settings)
    module = torch.nn.Linear(1, 1, bias=False)
    trainer = SimpleNamespace(sanity_checking=False, callback_metrics={}, global_step=0, should_stop=False)
    for number, score in enumerate(scores, start=1):
        module.weight.data.fill_(number)
        trainer.global_step, trainer.callback_metrics["val/x"] = 10 * number, torch.tensor(score)
        best.on_validation_end(trainer, module)
        if trainer.should_stop:
            break
    best.restore(module)
    return best, module.weight.item()


@pytest.mark.parametrize(
    ("scores", "smaller", "kept"),
    [
        ([3.0, 1.0, 2.0], True, 2),
        ([3.0, 1.0, 2.0], False, 1),
        ([0.5, 1.0, 1.0, 0.9], False, 3),
        ([0.5, 0.2, 0.2], True, 3),
        ([float("nan"), 2.0], True, 2),
    ],
)
def test_the_best_by_direction_and_the_last_of_equal_ones(scores, smaller, kept):
    best, weight = run(scores, smaller=smaller)
    assert (best.step, weight) == (10 * kept, kept)


def test_ties_do_not_renew_the_patience():
    best, weight = run([0.9, 1.0, 1.0, 1.0, 1.0], smaller=False, patience=2)
    assert best.stopped
    assert best.reason == "no improvement in 2 validations, stopped at step 40"
    assert (best.step, weight) == (40, 4)
