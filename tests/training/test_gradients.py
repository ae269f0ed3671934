"""Gradients of several batches in one step, and their norm as a curve."""

import json

import pytest
import torch

from lstm_lab import experiment, resuming
from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.errors import UserError
from lstm_lab.planning import prepare
from lstm_lab.training.ranks import Group

# Without noise or dropout, whose random numbers would come in another order.
WORDS = [
    "tracking=off", "data=sine", "data.points=120", "data.horizon=1", "data.lookback=8", "model.hidden_size=4",
    "ensemble=2", "refit=false", "task.noise.level=0", "task.noise.difference=0", "fit.max_steps=2",
    "fit.validate_every=1",
]  # fmt: skip


def run(*words):
    return experiment.run(compose_config([*WORDS, *words]), [*WORDS, *words])


def weights(result):
    path = result.directory / "checkpoints" / "last.ckpt"
    return torch.load(path, weights_only=True)["model"]


def logged(result, name):
    events = map(json.loads, (result.directory / "events.jsonl").read_text().splitlines())
    return [event["values"][name] for event in events if name in event.get("values", {})]


def test_two_batches_of_8_make_the_step_of_one_of_16(outputs):
    whole = weights(run("data.batch_size=16"))
    halves = weights(run("data.batch_size=8", "trainer.accumulate=2"))
    for name, weight in whole.items():
        torch.testing.assert_close(halves[name], weight, rtol=1e-4, atol=1e-6)


def test_a_resumed_run_keeps_its_accumulation(outputs):
    halted = run("data.batch_size=8", "trainer.accumulate=2").directory
    (halted / "status.json").write_text(json.dumps({"status": "KILLED"}))
    word = f"resume={halted.name}"
    orders = resuming.choose(plain_settings(compose_config([word, "trainer=cpu"])), [word, "trainer=cpu"])
    assert orders["settings"]["trainer"]["accumulate"] == 2
    with pytest.raises(UserError, match=r"trainer\.accumulate was 2 in that run"):
        resuming.choose(
            plain_settings(compose_config([word, "trainer.accumulate=4"])), [word, "trainer.accumulate=4"]
        )


def test_several_steps_in_one_go_do_not_accumulate(outputs):
    with pytest.raises(UserError, match=r"trainer\.accumulate=1"):
        run("trainer.accumulate=2", "fit.steps_per_execution=2")


@pytest.mark.parametrize("execution", [1, 4])
def test_the_norm_is_that_of_the_gradient_before_clipping(execution, outputs):
    words = ["data.batch_size=999", "fit.clip=0.001", "ensemble=1", "fit.max_steps=4"]
    result = run(*words, f"fit.steps_per_execution={execution}", "callbacks=grad_norm")
    norms, largest = logged(result, "train/grad_norm"), logged(result, "train/grad_norm_max")
    assert len(norms) == 4
    assert norms == largest  # one step between two validations
    plan = prepare(plain_settings(compose_config([*WORDS, *words])), [], Group())
    plan.model.loss(plan.example)[0].backward()
    norm = torch.cat([weight.grad.flatten() for weight in plan.model.parameters()]).norm()
    assert norms[0] == pytest.approx(float(norm), rel=1e-5)
