"""``python -m lstm_lab.leaktest data=airline model=lstm``: proves that nothing behind the cut is seen before it.

Everything after the cut is overwritten, with a million and with NaN, and the whole training is done again: what was
measured, the weights and the forecasts from origins up to the cut have to be the same to the last bit.
"""

from __future__ import annotations

from lstm_lab.doors import answer, compose_config

USAGE = """usage: python -m lstm_lab.leaktest data=… model=… [key=value …]
Trains for a few steps (at most 20, less with fit.max_steps=…) on the true series and on ones whose rows after the cut
are overwritten, and compares them bit by bit. Exit code 1 if anything differs. Nothing is written."""


def command(argv: list[str]) -> None:
    """Runs the test for the data, task and model that the words name."""
    if {"--help", "-h"} & set(argv):
        print(USAGE)
        return
    config = compose_config(argv)
    from lstm_lab.doors import node_of
    from lstm_lab.evaluation.leak import run

    settings = {key: node_of(config, key) for key in ("data", "task", "model", "frontend", "optim", "fit")}
    found = run({**settings, "seed": config.seed, "ensemble": config.ensemble})
    for line in found.lines():
        print(line)
    if found.leaks:
        raise SystemExit(1)


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
