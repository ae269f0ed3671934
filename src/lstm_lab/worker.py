"""``python -m lstm_lab.worker study=outputs/studies/lstm_airline``: helps a sweep along from another terminal."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {
    "study": "folder of the sweep, or its name below outputs/studies",
    "n_jobs": "trials at the same time here; as many as the sweep has if not given",
    "storage": "URL of the storage, where it needs a password",
}


def command(argv: list[str]) -> None:
    """Joins the sweep that the words name, until its trials are done."""
    given = words(argv, WORDS, "worker")
    from lstm_lab.paths import outputs_dir
    from lstm_lab.sweeps.worker import join_by_words

    status = join_by_words(given, [outputs_dir() / "studies"])
    if status:
        raise SystemExit(status)


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
