"""``python -m lstm_lab.sync run=all``: sends to MLflow what did not arrive while a run was running."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {
    "run": "a run directory, an id, latest, or all (the default)",
    "uri": "another store than the run's own: the whole run is copied there",
}


def command(argv: list[str]) -> None:
    """Sends, and prints one line a run."""
    given = words(argv, WORDS, "sync")
    from lstm_lab.errors import UserError
    from lstm_lab.paths import find_run, outputs_dir
    from lstm_lab.tracking.sync import sync, sync_all
    from lstm_lab.tracking.tables import long_name

    outputs, uri, run = outputs_dir(), given.get("uri"), given.get("run", "all")
    found = sync_all(outputs, uri) if run == "all" else [sync(find_run(run), outputs, uri)]
    for one in found:
        print(f"{long_name(one.directory)}  {one.outcome}")
    if failed := [one for one in found if one.outcome.startswith("failed")]:
        raise UserError(
            f"{len(failed)} of {len(found)} runs could not be sent; nothing is lost, try again later."
        )


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
