"""``python -m lstm_lab.runs``: all runs in a table; ``python -m lstm_lab.runs prune`` makes room."""

from __future__ import annotations

import sys

from lstm_lab.doors import answer, words

WORDS = {
    "data": "only runs on this data",
    "model": "only runs of this model",
    "last": "how many to show, 20 if not given; all for every one",
    "days": "prune: only what is older than so many days, 30 if not given",
    "yes": "prune: true removes without asking",
}


def command(argv: list[str]) -> None:
    """Prints the table, or removes old checkpoints and failed runs after asking."""
    given = words([word for word in argv if word != "prune"], WORDS, "runs [prune]")
    if "prune" in argv:
        _prune(given)
        return
    from lstm_lab.paths import outputs_dir
    from lstm_lab.tracking.tables import runs_table

    table = runs_table(outputs_dir())
    for column in ("data", "model"):
        if column in given:
            table = table[table[column] == given[column]]
    last = given.get("last", "20")
    table = table if last == "all" else table.head(_number("last", last))
    if table.empty:
        print("there are no such runs yet")
        return
    print(table.to_string(index=False, na_rep="", float_format=lambda value: f"{value:.4g}"))


def _prune(given: dict[str, str]) -> None:
    from lstm_lab.errors import UserError
    from lstm_lab.paths import outputs_dir
    from lstm_lab.tracking.tables import leftovers, prune

    found = leftovers(outputs_dir(), _number("days", given.get("days", "30")))
    if not found:
        print("nothing to remove")
        return
    for one in found:
        print(f"{one.size / 1e6:8.1f} MB  {one.path}  ({one.why})")
    if given.get("yes") != "true":
        if not sys.stdin.isatty():
            raise UserError("nobody is there to ask: add yes=true to remove these.")
        if input("Remove these? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was removed")
            return
    print(f"{prune(found) / 1e6:.1f} MB freed")


def _number(key: str, text: str) -> int:
    from lstm_lab.errors import UserError

    if not text.isdigit():
        raise UserError(f"{key}={text} must be a whole number.")
    return int(text)


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
