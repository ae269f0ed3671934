"""Members of an ensemble: side by side they are trained as one after the other, and each as it would be alone."""

import lightning.pytorch as pl
import pytest
import torch
from torch import nn

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.models import LSTM, members
from lstm_lab.models.clipping import clip_each
from lstm_lab.tasks import build_task
from lstm_lab.training.trainer import build_trainer


def trained(monkeypatch, threads, only=None, **task):
    """The members' weights after 12 steps; `only` leaves one member."""
    monkeypatch.setattr(members, "workers", lambda count: min(threads, count))
    data = TimeSeriesDataModule("airline", horizon=36, test=36, batch_size=16)
    data.setup()
    data.steps, data.chunk = 6, 6
    net = LSTM(
        data.spec, build_task({"name": "forecast", **task}, "horizon"), data.statistics,
        hidden_size=4, ensemble=5, steps_per_execution=6, max_steps=12, seed=3,
    )  # fmt: skip
    if only is not None:
        net.members = nn.ModuleList([net.members[only]])
        net.weights = torch.ones(1)
    pl.seed_everything(1, verbose=False)  # the noise on what members read
    build_trainer(12, accelerator="cpu").fit(net, datamodule=data)
    return [nn.utils.parameters_to_vector(one.parameters()).detach() for one in net.members]


def test_threads_change_no_number(monkeypatch):
    """Two threads for five members of three views, with noise: the very weights of taking turns."""
    turns, together = (trained(monkeypatch, threads) for threads in (1, 2))
    assert len(together) == 5
    for ours, other in zip(together, turns, strict=True):
        assert torch.equal(ours, other)
    assert not torch.allclose(turns[0], turns[3])


@pytest.mark.parametrize("only", [0, 4])
def test_each_member_equals_its_own_training(only, monkeypatch):
    still = {"noise": {"difference": 0.0, "level": 0.0, "smooth": 0.0}}
    alone = trained(monkeypatch, 1, only, **still)[0]
    torch.testing.assert_close(trained(monkeypatch, 2, **still)[only], alone, atol=1e-6, rtol=1e-5)


def test_members_that_draw_in_the_middle_of_a_step_take_turns(monkeypatch):
    task = build_task({"name": "forecast"}, "horizon")
    data = TimeSeriesDataModule("airline", horizon=12)
    data.setup()
    batch = data.example_batch()
    for settings, can in (({}, True), ({"recurrent_dropout": 0.2}, False), ({"zoneout": 0.1}, False)):
        net = LSTM(data.spec, task, data.statistics, hidden_size=4, **settings).members[0].train()
        assert (task.prepared([net], batch) is not None) == can


def test_threads_are_bounded_by_what_the_process_may_use(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1, 2, 3}, raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    assert members.workers(8) == 4
    assert members.workers(3) == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert members.workers(8) == 2
    torch.set_num_threads(2)
    assert members.workers(8) == 1
    torch.set_num_threads(before)


def test_members_are_clipped_each_as_it_would_be_alone():
    """Also one without gradients among them; a bound of 0 bounds nothing."""
    torch.manual_seed(2)
    nets, twins = ([nn.Linear(3, 2) for _ in range(3)] for _ in range(2))
    for scale, net, twin in zip((0.1, 5.0, 1.0), nets, twins, strict=True):
        for weight, other in zip(net.parameters(), twin.parameters(), strict=True):
            if scale != 1.0:
                weight.grad = scale * torch.randn_like(weight)
                other.grad = weight.grad.clone()
    assert len(clip_each(nets, 0)) == 2
    assert torch.equal(nets[1].weight.grad, twins[1].weight.grad)
    norms = clip_each(nets, 1.0)
    for norm, net, twin in zip(norms, nets, twins, strict=False):
        assert torch.equal(norm, nn.utils.clip_grad_norm_(twin.parameters(), 1.0))
        assert all(
            torch.equal(a.grad, b.grad) for a, b in zip(net.parameters(), twin.parameters(), strict=True)
        )
    assert float(norms[0]) < 1 < float(norms[1])
