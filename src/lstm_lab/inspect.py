"""``python -m lstm_lab.inspect data=csv data.path=my.csv``: what a data set looks like, without training."""

from __future__ import annotations

from lstm_lab.doors import answer, compose_config, node_of

USAGE = """usage: python -m lstm_lab.inspect data=… [data.key=value …]
Reads the data as a run would, and prints its report: clock, gaps, parts, windows, warnings. Nothing is written."""


def command(argv: list[str]) -> None:
    """Reads the data that the words name and prints its report."""
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return
    config = compose_config(argv)
    from lstm_lab.data import SequenceDataModule
    from lstm_lab.wiring import build

    data = build(node_of(config, "data"), SequenceDataModule)
    data.setup()
    print(data.report() if hasattr(data, "report") else data.describe())


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
