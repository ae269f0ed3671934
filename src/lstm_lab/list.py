"""``python -m lstm_lab.list``: every model, data set, task and search, and which of them fit together."""

from __future__ import annotations

import re
import shutil
import textwrap
from pathlib import Path
from typing import Any

import yaml

from lstm_lab.doors import answer, words
from lstm_lab.errors import check_choice
from lstm_lab.paths import conf_dir

GROUPS = (
    "data",
    "model",
    "task",
    "frontend",
    "optim",
    "trainer",
    "callbacks",
    "probe",
    "prune",
    "distill",
    "search",
    "experiment",
    "debug",
)
WORDS = {"group": f"one of {', '.join(GROUPS)}; all of them if not given"}
_WIDTH = 18


def command(argv: list[str]) -> None:
    """Prints each option with the first sentence of its file; data sets under the task that they choose."""
    given = words(argv, WORDS, "list")
    if "group" in given:
        check_choice("group", given["group"], GROUPS)
    for group in [given["group"]] if "group" in given else GROUPS:
        files = sorted((conf_dir() / group).glob("*.yaml"))
        if group == "data":
            tasks = {file: task_of(file) for file in files}
            for task in sorted(set(tasks.values())):
                _print(f"data=  (task={task})", [file for file in files if tasks[file] == task])
        elif files:
            _print(f"{group}=", files)
    print("Any model fits any data whose task it can do; data=… chooses the task.")


def _print(title: str, files: list[Path]) -> None:
    print(title)
    room = max(60, shutil.get_terminal_size((120, 24)).columns) - _WIDTH - 2
    for file in files:
        first, *more = textwrap.wrap(describe(file), room) or [""]
        print(f"  {file.stem:<{_WIDTH - 2}}  {first}")
        for line in more:
            print(" " * (_WIDTH + 2) + line)
    print()


def describe(file: Path) -> str:
    """What a config says of itself: the first sentence below its command, or the command."""
    lines = []
    for line in file.read_text().splitlines():
        if not line.startswith("#"):
            break
        lines.append(line[1:].strip())
    lines = [line for line in lines if not line.startswith("@package")]
    text = " ".join(lines[1:]) or "".join(lines[:1])
    # "et al." and "E. coli" end no sentence.
    sentence = re.split(r"(?<!\bal)(?<!\b[A-Z])\.(?= [A-Z\"`])", text, maxsplit=1)[0]
    return sentence if sentence == text else f"{sentence}."


def task_of(file: Path) -> str:
    """The task that a data set chooses, by itself or by the configs that it begins with; else the usual one."""
    defaults: list[Any] = (yaml.safe_load(file.read_text()) or {}).get("defaults", [])
    for one in reversed(defaults):
        if isinstance(one, dict):
            for key, value in one.items():
                if key.endswith("task@_global_.task"):
                    return str(value)
    for one in defaults:
        base = file.with_name(f"{one}.yaml")
        if isinstance(one, str) and one != "_self_" and base.is_file():
            return task_of(base)
    return "forecast"


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
