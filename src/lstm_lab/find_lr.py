"""``python -m lstm_lab.find_lr model=lstm data=airline``: the rate at which the loss falls fastest.

It takes the words of ``lstm_lab.train`` and prints one more: ``python -m lstm_lab.train data=airline
$(python -m lstm_lab.find_lr data=airline)``. What it measured goes to stderr. Nothing is recorded.
"""

from __future__ import annotations

import sys

from lstm_lab.doors import answer, compose_config, plain_settings


def command(argv: list[str]) -> None:
    """Finds a learning rate for what the words describe."""
    if {"--help", "-h"} & set(argv):
        print("usage: python -m lstm_lab.find_lr [the words of lstm_lab.train]")
        return
    settings = plain_settings(compose_config(argv))
    from lstm_lab.finding import rates
    from lstm_lab.training.finders import best_rate

    found, losses = rates(settings, argv)
    lowest = found[losses.index(min(losses))] if losses else float("nan")
    rate = best_rate(found, losses)
    print(f"the loss falls fastest at {rate:.2g} and is lowest at {lowest:.2g}", file=sys.stderr)
    print(f"optim.lr={rate:.2g}")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
