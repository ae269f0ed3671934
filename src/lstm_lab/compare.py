"""``python -m lstm_lab.compare run=a,b``: which settings and numbers of two runs differ."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {"run": "two runs with a comma between: directories, ids, or latest"}


def command(argv: list[str]) -> None:
    """Prints the settings that differ, the final numbers, and what forbids comparing them."""
    given = words(argv, WORDS, "compare")
    from lstm_lab.errors import UserError
    from lstm_lab.paths import find_run
    from lstm_lab.tracking.tables import compare

    names = [name for name in given.get("run", "").split(",") if name]
    if len(names) != 2:
        raise UserError("compare needs two runs: run=a,b. python -m lstm_lab.runs shows them.")
    found = compare(find_run(names[0]), find_run(names[1]))
    for title, table in (("settings that differ", found.params), ("numbers", found.metrics)):
        print(f"{title}:" if len(table) else f"{title}: none")
        if len(table):
            print(table.to_string(na_rep="", float_format=lambda value: f"{value:.5g}"))
        print()
    for warning in found.warnings:
        print(f"careful: {warning}")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
