"""``python -m lstm_lab.compare run=a,b``: which settings and numbers of two runs differ."""

from __future__ import annotations

import json
from pathlib import Path

from lstm_lab.doors import answer, words

WORDS = {"run": "two runs with a comma between: directories, ids, or latest"}


def command(argv: list[str]) -> None:
    """Prints the settings that differ and the final numbers of both.

    Raises:
        UserError: if the runs were scored by different protocols.
    """
    given = words(argv, WORDS, "compare")
    from lstm_lab.errors import UserError
    from lstm_lab.paths import find_run
    from lstm_lab.tracking.tables import compare

    names = [name for name in given.get("run", "").split(",") if name]
    if len(names) != 2:
        raise UserError("compare needs two runs: run=a,b. python -m lstm_lab.runs shows them.")
    directories = [find_run(name) for name in names]
    protocols = [_protocol(directory) for directory in directories]
    if None not in protocols and protocols[0] != protocols[1]:
        told = " | ".join(
            f"{name}: {protocol}" for name, protocol in zip(names, map(str, protocols), strict=True)
        )
        raise UserError(f"numbers of different protocols are not compared. {told}")
    found = compare(*directories)
    for title, table in (("settings that differ", found.params), ("numbers", found.metrics)):
        print(f"{title}:" if len(table) else f"{title}: none")
        if len(table):
            print(table.to_string(na_rep="", float_format=lambda value: f"{value:.5g}"))
        print()
    from lstm_lab.evaluation.paired import compare_translations

    for line in compare_translations(directories[0], directories[1]):
        print(line)
    for warning in found.warnings:
        print(f"careful: {warning}")


def _protocol(directory: Path) -> str | None:
    """How the test of a run was scored, None where it ended before."""
    try:
        return json.loads((directory / "metrics.json").read_text()).get("protocol")
    except (OSError, ValueError):
        return None


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
