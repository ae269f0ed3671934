"""``python -m lstm_lab.list``: every model, data set, task and search, and which of them fit together."""

from __future__ import annotations

from pathlib import Path

import yaml

from lstm_lab.doors import answer, words
from lstm_lab.paths import conf_dir

GROUPS = (
    "data",
    "model",
    "task",
    "frontend",
    "optim",
    "trainer",
    "callbacks",
    "search",
    "experiment",
    "debug",
)


def command(argv: list[str]) -> None:
    """Prints one line for each option: its name and the first sentence of its file."""
    words(argv, {}, "list")
    for group in GROUPS:
        files = sorted((conf_dir() / group).glob("*.yaml"))
        if not files:
            continue
        print(f"{group}=")
        for file in files:
            print(f"  {file.stem:<16} {describe(file)}")
        print()
    print("Any model fits any data whose task it can do; data=… chooses the task.")


def describe(file: Path) -> str:
    """What a config says of itself: the comment below its command, and the task that its data chooses."""
    comments = [line[1:].strip() for line in file.read_text().splitlines() if line.startswith("#")]
    comments = [line for line in comments if not line.startswith("@package")]
    text = comments[1] if len(comments) > 1 else (comments or [""])[0]
    defaults = (yaml.safe_load(file.read_text()) or {}).get("defaults", [])
    tasks = [one[key] for one in defaults if isinstance(one, dict) for key in one if "task@_global_" in key]
    return f"{text}{f'  [{tasks[0]}]' if tasks else ''}"


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
