"""``python -m lstm_lab.compare run=a,b``: which settings and numbers of two runs differ, or what runs cost."""

from __future__ import annotations

import json
from pathlib import Path

from lstm_lab.doors import answer, words

WORDS = {
    "run": "two runs with a comma between: directories, ids, or latest; with cost=true one or more",
    "cost": "true: one table of size, milliseconds, memory and metric, each run in eight bits as well",
    "out": "with cost=true: a file that the table is written to, as json",
}


def command(argv: list[str]) -> None:
    """Prints the settings that differ and the final numbers of both, or the table of what runs cost.

    Raises:
        UserError: if the runs were scored by different protocols.
    """
    given = words(argv, WORDS, "compare")
    from lstm_lab.errors import UserError, check_choice
    from lstm_lab.paths import find_run
    from lstm_lab.tracking.tables import compare

    check_choice("cost", given.get("cost", "false"), ("true", "false"))
    cost = given.get("cost") == "true"
    names = [name for name in given.get("run", "latest" if cost else "").split(",") if name]
    if len(names) != 2 and not cost:
        raise UserError("compare needs two runs: run=a,b. python -m lstm_lab.runs shows them.")
    directories = [find_run(name) for name in names]
    protocols = [_protocol(directory) for directory in directories]
    if None not in protocols and len(set(protocols)) > 1:
        told = " | ".join(
            f"{name}: {protocol}" for name, protocol in zip(names, map(str, protocols), strict=True)
        )
        raise UserError(f"numbers of different protocols are not compared. {told}")
    if cost:
        _show_costs(directories, given.get("out"))
        return
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


def _show_costs(directories: list[Path], out: str | None) -> None:
    """Measures, and prints one table."""
    from rich.console import Console
    from rich.table import Table

    from lstm_lab.compression import cost

    found, left_out = cost.costs(directories)
    titles, rows = cost.rows_of(found)
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number < 2 else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console = Console()
    (console if console.is_terminal else Console(width=140)).print(table, highlight=False)
    for name, reason in left_out.items():
        print(f"left out: {name} ({reason})")
    print(
        "shares are of the first row; ms: median / 99th percentile of one thread, by its clock, taking turns"
    )
    if out:
        Path(out).expanduser().write_text(json.dumps(cost.as_plain(found), indent=1) + "\n")


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
