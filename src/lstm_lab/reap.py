"""``python -m lstm_lab.reap``: finds runs whose process was killed, and marks them FAILED with the reason."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {"uri": "another store than the runs' own"}


def command(argv: list[str]) -> None:
    """Marks, and prints one line a run."""
    given = words(argv, WORDS, "reap")
    from lstm_lab.paths import outputs_dir
    from lstm_lab.tracking.sync import reap
    from lstm_lab.tracking.tables import long_name

    found = reap(outputs_dir(), given.get("uri"))
    for one, reason in found:
        told = "" if one.good else f" (MLflow does not know yet, {one.outcome})"
        print(f"{long_name(one.directory)}  FAILED: {reason}{told}")
    print(f"{len(found)} dead {'run' if len(found) == 1 else 'runs'} found")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
