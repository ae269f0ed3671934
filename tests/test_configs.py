"""Walks the whole conf/ tree: every option composes, and every _target_ takes the keys it is given."""

import inspect
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from lstm_lab.doors import check_sweep, compose_config
from lstm_lab.errors import UserError
from lstm_lab.tasks import TASKS

CONF = Path(__file__).parents[1] / "conf"
FILES = sorted(path for path in CONF.rglob("*.yaml") if path.parent.name not in ("output", "conf"))
# Keys of a task that data, early stopping and sweeps read; the task itself does not take them.
AGREED = {"target", "metric", "direction"}
# What experiment.py hands over besides the config.
MORE = {
    "data": {"seed": 0},
    "model": dict.fromkeys(
        (
            "spec",
            "task",
            "statistics",
            "optim",
            "clip",
            "ensemble",
            "max_steps",
            "steps_per_execution",
            "seed",
        )
    ),
}


def words(path: Path) -> list[str]:
    group = path.relative_to(CONF).parent
    return [f"{group}={path.stem}"]


def targets(node, at=""):
    if isinstance(node, dict):
        if "_target_" in node:
            yield at, node
        for key, value in node.items():
            yield from targets(value, f"{at}.{key}" if at else str(key))


def plain(overrides):
    return OmegaConf.to_container(compose_config(overrides), resolve=True)


def inherited(path):
    """A file with what it takes from its neighbours."""
    found = OmegaConf.load(path)
    neighbours = [name for name in found.pop("defaults", []) if isinstance(name, str) and name != "_self_"]
    return OmegaConf.merge(*(inherited(path.with_name(f"{name}.yaml")) for name in neighbours), found)


def check_search(path):
    """A search composes with each of its known points, which are in its space; returns the config of the first."""
    sweeper = OmegaConf.to_container(inherited(path))["hydra"]["sweeper"]
    check_sweep([*words(path), *(f"{key}={value}" for key, value in sweeper["params"].items())])
    points = [[f"{key}={value}" for key, value in point.items()] for point in sweeper["enqueue"]]
    for point in points:
        assert {word.partition("=")[0] for word in point} <= set(sweeper["params"])
    return plain([*words(path), *points[0]])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_every_option_composes_and_every_target_binds(path):
    if path.parent.name in ("usual", "pair"):
        pytest.skip("composed with the data it goes with")
    config = plain(words(path)) if path.parent.name != "search" else check_search(path)
    for at, node in targets(config):
        module, _, name = node["_target_"].rpartition(".")
        kind = getattr(__import__(module, fromlist=[name]), name)
        keys = {
            key: value
            for key, value in node.items()
            if key != "_target_" and not (at == "task" and key in AGREED)
        }
        signature = inspect.signature(kind)
        assert not any(one.kind is one.VAR_KEYWORD for one in signature.parameters.values()), (
            f"{kind} swallows keys"
        )
        signature.bind(**keys, **MORE.get(at, {}))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONF)))
def test_every_config_opens_with_its_command(path):
    comments = [line for line in path.read_text().splitlines() if not line.startswith("# @package")]
    assert "python -m lstm_lab." in comments[0], path


def test_task_and_config_agree_on_the_metric():
    for name, kind in TASKS.items():
        config = OmegaConf.load(CONF / "task" / f"{name}.yaml")
        assert config.metric == kind.metric
        assert kind.name == name


def test_a_task_with_another_judge_names_its_metric():
    config = plain(["model=seq2seq", "data=dates", "task=translate_bleu"])["task"]
    assert TASKS["translate"](judge=config["judge"]).metric == config["metric"]


def test_data_chooses_the_task_and_the_command_line_wins():
    assert plain(["data=sine"])["task"]["_target_"] == "lstm_lab.tasks.Forecast"
    assert plain(["data=sine", "task.loss=mse"])["task"]["loss"] == "mse"


def test_a_search_needs_a_multirun():
    with pytest.raises(UserError, match="add -m"):
        compose_config(["model=lstm,gru"])
