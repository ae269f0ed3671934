"""Corpora for language models: one text in three parts, from a file, a named set, or a grammar."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_lab.data.files import find
from lstm_lab.data.folding import Folds
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.errors import UserError


@dataclass(frozen=True)
class Corpus:
    """A text in parts that follow one another.

    Attributes:
        train: the tokenizer and the model learn from it.
        validation: decides.
        test: scored once.
        source: where it was read from.
        floor: nats per token that no model can go below, where the source of the text is known.
    """

    train: str
    validation: str
    test: str
    source: str
    floor: float | None = None


def read_file(path: str | Path, encoding: str, validation: float, test: float) -> Corpus:
    """Cuts a text file: the last share is the test, the share before it validation.

    Raises:
        UserError: if the file cannot be read, or a part would hold less than two characters.
    """
    text = read_text(path, encoding)
    for name, share in (("validation", validation), ("test", test)):
        if not 0 < share < 1:
            raise UserError(f"data.{name}={share} must be a share above 0 and below 1.")
    first, second = int(len(text) * (1 - test - validation)), int(len(text) * (1 - test))
    parts = text[:first], text[first:second], text[second:]
    if min(len(part) for part in parts) < 2:
        raise UserError(
            f"{path}: {len(text)} characters are too few for data.validation={validation} and data.test={test}."
        )
    return Corpus(*parts, str(path))


def fold_text(corpus: Corpus, folds: Folds, validation: float) -> Corpus:
    """Cuts a text into as many stretches as there are folds: one is the test, what comes before it validates.

    The text is read as a ring, so that the first stretch has something before it too: its end.

    Args:
        corpus: the whole text; how it was cut is of no account.
        folds: which stretch.
        validation: share of the text that validates.
    """
    text = corpus.train + corpus.validation + corpus.test
    assert folds.count is not None
    start, end = (len(text) * number // folds.count for number in (folds.number, folds.number + 1))
    rest = text[end:] + text[:start]
    cut = len(rest) - int(len(text) * validation)
    if min(cut, end - start, len(rest) - cut) < 2:
        raise UserError(f"{corpus.source}: {len(text)} characters are too few for data.folds={folds.count}.")
    return Corpus(rest[:cut], rest[cut:], text[start:end], corpus.source, corpus.floor)


def penn_treebank(directory: str | None) -> Corpus:
    """The Penn Treebank as Mikolov cut it: tokens divided by blanks, "\\n" for the end of a sentence."""
    paths = [find(f"text/ptb/ptb.{part}.txt", directory) for part in ("train", "valid", "test")]
    train, validation, test = (
        "".join(f"{line.strip()}\n" for line in lines(read_text(path))) for path in paths
    )
    return Corpus(train, validation, test, str(paths[0].parent))


def tiny_shakespeare(directory: str | None, encoding: str, validation: float, test: float) -> Corpus:
    """Forty thousand lines of Shakespeare (Karpathy 2015)."""
    return read_file(find("text/tinyshakespeare/input.txt", directory), encoding, validation, test)


def echo(sentences: int = 4000, seed: int = 0) -> Corpus:
    """Sentences whose last word repeats their first, with six random words between: no n-gram can learn it.

    "ann red big old big red new ann" and so on: eight names, four adjectives. The entropy is known.
    """
    names = ("ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal")
    words, between = ("red", "big", "old", "new"), 6
    generator = np.random.default_rng(seed)
    who = generator.integers(len(names), size=sentences)
    what = generator.integers(len(words), size=(sentences, between))
    rows = [
        " ".join([names[name], *(words[word] for word in row), names[name]]) + "\n"
        for name, row in zip(who.tolist(), what.tolist(), strict=True)
    ]
    cuts = int(0.8 * sentences), int(0.9 * sentences)
    floor = (math.log(len(names)) + between * math.log(len(words))) / (between + 3)
    parts = "".join(rows[: cuts[0]]), "".join(rows[cuts[0] : cuts[1]]), "".join(rows[cuts[1] :])
    return Corpus(*parts, "package", floor)


NAMED: dict[str, Callable[[str | None, str, float, float], Corpus]] = {
    "ptb": lambda directory, encoding, validation, test: penn_treebank(directory),
    "tinyshakespeare": tiny_shakespeare,
    "echo": lambda directory, encoding, validation, test: echo(),
}
"""Corpora that have a name; any other text is a file."""
