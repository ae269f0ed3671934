"""``python -m lstm_lab.find_batch_size data=mnist_rows``: the smallest batch that is nearly as fast as any.

It takes the words of ``lstm_lab.train`` and prints one more: ``python -m lstm_lab.train data=mnist_rows
$(python -m lstm_lab.find_batch_size data=mnist_rows)``. What it measured goes to stderr. Nothing is recorded.
A larger batch wants another rate: `lstm_lab.find_lr` comes after it.
"""

from __future__ import annotations

import sys

from lstm_lab.doors import answer, compose_config, plain_settings


def command(argv: list[str]) -> None:
    """Finds a batch size for what the words describe."""
    if {"--help", "-h"} & set(argv):
        print("usage: python -m lstm_lab.find_batch_size [the words of lstm_lab.train]")
        return
    settings = plain_settings(compose_config(argv))
    from lstm_lab.finding import sizes
    from lstm_lab.training.finders import best_size

    found = sizes(settings, argv)
    for _, samples, seconds in found:
        print(
            f"{samples:>7} samples  {1000 * seconds:>9.1f} ms  {samples / seconds:>9.0f} a second",
            file=sys.stderr,
        )
    print(f"data.batch_size={best_size(found)}")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
