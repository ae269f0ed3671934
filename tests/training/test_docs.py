"""The commands of docs/trainers.md are commands."""

import re
from pathlib import Path

import pytest

from lstm_lab.doors import compose_config

TEXT = (Path(__file__).parents[2] / "docs" / "trainers.md").read_text()
LINES = [
    line.partition("-m lstm_lab.train")[2].partition("#")[0].split()
    for block in re.findall(r"```bash\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if "-m lstm_lab.train" in line
]


@pytest.mark.parametrize("words", LINES, ids=" ".join)
def test_a_command_composes(words):
    assert compose_config(words)


def test_each_trainer_stands_in_the_table():
    offered = {path.stem for path in (Path(__file__).parents[2] / "conf" / "trainer").glob("*.yaml")}
    assert offered == set(re.findall(r"^\| `trainer=(\w+)`", TEXT, re.MULTILINE))
