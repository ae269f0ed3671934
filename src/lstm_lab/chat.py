"""``python -m lstm_lab.chat run=latest``: talk with a model that was trained on dialogues, or have lines translated."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from lstm_lab.doors import answer, words

RUN = {"run": "a run directory, the id of a run, or latest (the default)"}
KEYS = ("beam", "length_penalty", "no_repeat", "temperature", "top_k", "top_p", "steps", "seed")
NEW = "/new"


def command(argv: list[str]) -> None:
    """Reads a line, answers it, and so on until the end of the input; ``/new`` forgets what was said."""
    from lstm_lab.predicting.translate import WORDS, read_options

    given = words(argv, {**RUN, **{key: WORDS[key] for key in KEYS}}, "chat")
    from lstm_lab import predictor
    from lstm_lab.errors import UserError
    from lstm_lab.paths import find_run
    from lstm_lab.predicting import whole_number

    options, steps = read_options(given), whole_number(given, "steps")
    directory = find_run(given.get("run", "latest"))
    loaded = predictor.load(directory)
    if loaded.task.name != "translate":
        raise UserError(f"{directory}: this run does {loaded.task.name}; chat needs one of model=seq2seq.")
    talks = sys.stdin.isatty()
    if talks:
        print(f"{directory.name}. {NEW} forgets what was said, Ctrl-D ends.", file=sys.stderr)
    for reply in converse(loaded, _lines(talks), steps, options):
        print(reply, flush=True)


def converse(
    loaded: object, said: Iterable[str], steps: int | None, options: dict[str, object]
) -> Iterator[str]:
    """Yields a reply to each line, which the model sees with as many turns before it as it was trained on.

    Args:
        loaded: a `lstm_lab.predictor.Predictor` of a translator.
        said: lines of a person; an empty one is passed over.
        steps: symbols of a reply at the most.
        options: settings of decoding.
    """
    from lstm_lab.errors import UserError

    turns: list[str] = []
    for number, line in enumerate(said):
        line = line.strip()
        if line == NEW:
            turns = []
        if not line or line == NEW:
            continue
        turns.append(line)
        source = "\n".join(turns[-loaded.processor.context :])  # type: ignore[attr-defined]
        # A seed for each turn, so that the same question is not drawn the same answer again and again.
        drawn = {"seed": int(str(options.get("seed", 0))) + number} if "temperature" in options else {}
        try:
            found = loaded.predict([source], steps, **{**options, **drawn})  # type: ignore[attr-defined]
        except UserError as mistake:  # a line that is too long ends no conversation
            print(f"lstm_lab: {mistake}", file=sys.stderr)
            turns.pop()
            continue
        turns.append(str(found["translation"].iloc[0]))
        yield turns[-1]


def _lines(talks: bool) -> Iterator[str]:
    while True:
        try:
            yield input("> " if talks else "")
        except EOFError:
            return


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
