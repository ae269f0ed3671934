"""What a teacher adds to a loss, by numbers, and that it costs the student nothing but the loss."""

import math

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from lstm_lab.batch import Batch
from lstm_lab.doors import compose_config
from lstm_lab.planning import prepare
from lstm_lab.tasks.teaching import Teacher
from lstm_lab.training import ranks


def teacher_of(*nets, **settings):
    return Teacher(None, nets, torch.full((len(nets),), 1 / max(1, len(nets))), **settings)


def test_the_divergence_by_hand():
    teacher = teacher_of(temperature=2.0)
    teacher.weights = torch.tensor([1.0])
    student, told = torch.tensor([[0.0, 0.0]]), torch.tensor([[2 * math.log(3.0), 0.0]])
    # softened by 2 the teacher says (3/4, 1/4), the student (1/2, 1/2)
    expected = 4 * (0.75 * math.log(1.5) + 0.25 * math.log(0.5))
    assert teacher.divergence(student, [told]).item() == pytest.approx(expected, rel=1e-5)
    assert teacher.divergence(told, [told]).item() == pytest.approx(0.0, abs=1e-6)


def test_two_networks_are_believed_by_their_weights():
    teacher = teacher_of(temperature=1.0)
    teacher.weights = torch.tensor([0.75, 0.25])
    certain = [torch.tensor([[0.0, -1000.0]]), torch.tensor([[-1000.0, 0.0]])]
    student = torch.tensor([[math.log(0.75), math.log(0.25)]])
    assert teacher.divergence(student, certain).item() == pytest.approx(0.0, abs=1e-6)


def test_it_is_asked_once_a_batch_at_rest_and_without_gradient():
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)).train()
    teacher, asked = teacher_of(net), []
    batch = Batch(torch.ones(1, 2, 2), torch.tensor([2]), torch.tensor([0]))

    def ask(nets):
        asked.append(nets)
        return nets[0](batch.inputs)

    first = teacher.says(batch, ask)
    assert teacher.says(batch, ask) is first
    assert len(asked) == 1
    assert not first.requires_grad
    assert not net.training
    teacher.says(batch[:1], ask)
    assert len(asked) == 2


def plan_of(*words):
    words = [*words, "threads=1"]
    settings = OmegaConf.to_container(compose_config(words), resolve=True)
    return prepare(settings, words, ranks.find_group(settings["trainer"]))


FORECASTS = (
    ("data=airline", "model=gru", "ensemble=3"),
    ("data=airline", "model=lstm", "ensemble=1", "task.head=direct", "task.output=quantiles"),
)


@pytest.mark.parametrize("words", [("data=digits_rows",), ("data=echo",), *FORECASTS], ids=lambda one: one[0])
def test_a_student_that_is_its_own_teacher_has_nothing_to_learn_from_it(words):
    plan = plan_of(*words, "model.hidden_size=5", *(["ensemble=1"] if len(words) == 1 else []))
    task, net, batch = plan.task, plan.model.members[0].eval(), plan.example

    def loss(share):
        task.teacher = None
        if share is not None:
            task.teacher = Teacher(task, [net], torch.ones(1), share)
        return task.onward(net, batch, None)[0] if task.carries else task.loss(net, batch)

    plain = loss(None).item()
    assert loss(1.0).item() == pytest.approx(0.0, abs=1e-5)
    assert loss(0.25).item() == pytest.approx(0.75 * plain, rel=1e-4)


def test_the_states_of_a_teacher_go_along_with_the_stream():
    plan = plan_of("data=echo", "model.hidden_size=5")
    task, net, batch = plan.task, plan.model.members[0].eval(), plan.example
    other = plan_of("data=echo", "model.hidden_size=7", "seed=5").model.members[0].eval()
    half = batch.inputs.shape[1] // 2

    def piece(part):
        inputs, targets = batch.inputs[:, part], {"next": batch.targets["next"][:, part]}
        return Batch(inputs, torch.full((len(batch),), inputs.shape[1]), batch.keys, targets)

    task.teacher = Teacher(task, [other], torch.ones(1), 1.0)
    whole, _ = task.onward(net, piece(slice(0, 2 * half)), None)
    first, state = task.onward(net, piece(slice(0, half)), None)
    second, state = task.onward(net, piece(slice(half, 2 * half)), state)
    assert (first + second).item() / 2 == pytest.approx(whole.item(), rel=1e-5)
    assert [len(part) for part in state] == [1, 1]  # layers of the student, networks of the teacher
