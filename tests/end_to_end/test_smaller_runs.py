"""A run made smaller by the real command: pruned, taught, and asked again from its directory alone."""

import json
import os
import signal

import pytest
import torch
import yaml

from lstm_lab.evaluate import main as evaluate
from lstm_lab.paths import find_run
from lstm_lab.predictor import load
from lstm_lab.train import main as train
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Interrupted
from lstm_lab.training.sparsity import zeros

TINY = ["data=keywords", "model=lstm", "model.hidden_size=12", "frontend.size=8"]
SHORT = ["fit.max_steps=20", "fit.validate_every=10", "tracking=off"]


@pytest.fixture
def first(outputs):
    """A finished run."""
    assert train([*TINY, *SHORT]) == 0
    return find_run("latest")


def record(run):
    return json.loads((run / "metrics.json").read_text())


def test_half_of_the_units_go_and_the_rest_is_an_ordinary_run(first, capsys):
    assert train([f"start={first.name}", "prune=0.5", "tracking=off"]) == 0
    second = find_run("latest")
    settings = yaml.safe_load((second / "config.yaml").read_text())
    assert settings["data"]["name"] == "keywords"
    assert settings["fit"]["max_steps"] == 20
    assert settings["model"]["hidden_size"] == 6
    origin = record(second)["origin"]["pruned"]
    assert origin["run"] == first.name
    assert origin["amount"] == 0.5
    assert origin["by"] == "units"
    assert origin["metrics"] == record(first)["metrics"]
    assert f"pruned:   from {first.name}, test/accuracy" in capsys.readouterr().out
    assert load(second).model.members[0].core.widths == [6]
    assert evaluate([f"run={second.name}", "quantize=int8"]) == 0
    # once more, and with a teacher beside the labels
    assert train([f"start={second.name}", "prune=0.5", f"distill.teacher={first.name}", "tracking=off"]) == 0
    third = find_run("latest")
    assert load(third).model.members[0].core.widths == [3]
    assert set(record(third)["origin"]) == {"pruned", "teacher"}


@pytest.mark.slow
def test_a_language_model_keeps_the_map_to_its_tied_vectors(outputs):
    assert train([*SHORT, "data=echo", "model.hidden_size=12", "frontend.size=6", "fit.max_steps=10"]) == 0
    assert train([f"start={find_run('latest').name}", "prune=0.5", "tracking=off"]) == 0
    head = load(find_run("latest")).model.members[0].head
    assert head.project.weight.shape == (6, 7)


@pytest.mark.slow
def test_small_weights_go_and_stay_away(first):
    words = [f"start={first.name}", "prune=0.75", "prune.by=weights", "tracking=off", "optim.lr=0.02"]
    assert train(words) == 0
    second = find_run("latest")
    model = load(second).model
    assert zeros(model) == pytest.approx(0.75, abs=0.01)
    settings = yaml.safe_load((second / "config.yaml").read_text())
    assert settings["optim"]["lr"] == 0.02
    assert settings["model"]["hidden_size"] == 12
    assert any(
        not torch.equal(a, b) for a, b in zip(model.parameters(), load(first).model.parameters(), strict=True)
    )


@pytest.mark.slow
def test_a_teacher_of_another_size_and_cell(first):
    assert (
        train([*SHORT, "data=keywords", "model=gru", "model.hidden_size=4", f"distill.teacher={first.name}"])
        == 0
    )
    origin = record(find_run("latest"))["origin"]
    assert origin["teacher"]["run"] == first.name
    assert origin["teacher"]["metrics"] == record(first)["metrics"]


def test_what_cannot_be_is_told_in_one_line(first, capsys):
    for words, said in [
        (["prune=0.5"], "prune.amount=0.5 is for a trained network: name it by start=<run>."),
        ([f"start={first.name}", "prune=1.5"], "prune.amount=1.5 is a share"),
        ([f"start={first.name}", "prune=0.5", "prune.by=rows"], "prune.by=rows"),
        ([f"start={first.name}", "prune=0.5", "model=gru"], "the network is that of start="),
        (["start=nowhere", "prune=0.5"], "start=nowhere: no such run directory."),
        (["distill.teacher=nowhere"], "distill.teacher=nowhere: no such run directory."),
        (["data=airline", f"distill.teacher={first.name}"], "its task is classify, this run's forecast"),
    ]:
        capsys.readouterr()
        assert train([*words, "tracking=off"]) == 2
        told = capsys.readouterr().err.strip()
        assert said in told
        assert "\n" not in told


SINE = [
    *("data=sine", "data.points=80", "data.horizon=1", "data.lookback=8", "data.batch_size=16", "refit=true"),
    *("model.hidden_size=6", "model.num_layers=2", "model.dropout=0.3", "ensemble=2", "fit.max_steps=21"),
    *("fit.validate_every=8", "fit.steps_per_execution=3", "tracking=off"),
]
ECHO = ["data=echo", "model.hidden_size=6", "fit.max_steps=30", "fit.validate_every=10", "tracking=off"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "stage", "step"),
    [
        (SINE, ["start={}", "prune=0.5", "prune.by=weights", "prune.ramp=0.8"], "fit", 11),
        (SINE, ["start={}", "prune=0.5", "prune.by=weights", "prune.ramp=0.8"], "refit", 14),
        (SINE, ["start={}", "prune=0.5", "distill.teacher={}"], "refit", 8),
        (ECHO, [*ECHO, "model=gru", "distill.teacher={}"], "fit", 15),
    ],
    ids=["weights", "weights in the refit", "units and a teacher", "a stream and its teacher"],
)
def test_a_smaller_run_is_resumed_to_the_last_bit(first, second, stage, step, outputs, monkeypatch):
    assert train(first) == 0
    words = [word.format(find_run("latest").name) for word in [*second, "tracking=off"]]
    assert train(words) == 0
    whole = find_run("latest")
    agree = Saver._agree

    def interrupted(self, trainer):
        if self.stage == stage and trainer.global_step >= step:
            os.kill(os.getpid(), signal.SIGTERM)
        return agree(self, trainer)

    monkeypatch.setattr(Saver, "_agree", interrupted)
    with pytest.raises(Interrupted):
        train(words)
    monkeypatch.setattr(Saver, "_agree", agree)
    assert train(["resume=latest"]) == 0
    again = find_run("latest")
    assert again != whole
    assert record(again)["metrics"] == record(whole)["metrics"]
    weights, others = (load(run).model.state_dict() for run in (whole, again))
    assert all(torch.equal(weights[name], others[name]) for name in weights)
