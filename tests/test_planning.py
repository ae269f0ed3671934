"""What a plan tries out before training leaves no trace in what is trained."""

import torch
from omegaconf import OmegaConf

from lstm_lab.doors import compose_config
from lstm_lab.planning import prepare, time_a_step
from lstm_lab.training import ranks

# A net that counts its training steps, by which frames are fed back.
WORDS = [
    "data=moving_digits", "model=predrnn", "model.hidden_size=4", "model.num_layers=1", "data.batch_size=2",
    "task.sampling=reverse", "threads=1",
]  # fmt: skip


def test_timing_a_step_is_no_step():
    settings = OmegaConf.to_container(compose_config(WORDS), resolve=True)
    plan = prepare(settings, WORDS, ranks.find_group(settings["trainer"]))
    before = {name: tensor.clone() for name, tensor in plan.model.state_dict().items()}
    assert time_a_step(plan) > 0
    assert before.keys() == plan.model.state_dict().keys()
    for name, tensor in plan.model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(weight.grad is None for weight in plan.model.parameters())


def test_a_callback_of_the_data_is_left_out_by_its_name():
    words = ["data=echo", "callbacks.samples=null", "threads=1"]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    plan = prepare(settings, words, ranks.find_group(settings["trainer"]))
    assert "Samples" not in {type(one).__name__ for one in plan.callbacks}
