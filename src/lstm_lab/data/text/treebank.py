"""Words with their parts of speech: treebanks in the format of Universal Dependencies, and sentences made like them."""

from __future__ import annotations

import random
from pathlib import Path

from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.residues import Tagged
from lstm_lab.errors import UserError

COLUMNS = {"upos": 3, "xpos": 4, "deprel": 7}
_PARTS = {"train": "train", "dev": "validation", "test": "test"}


def read_conllu(path: str | Path, encoding: str = "utf-8", column: str = "upos") -> Tagged:
    """Reads CoNLL-U (https://universaldependencies.org/format.html): the form of each word and one of its columns.

    A word that stands for several (``1-2 don't``) and one that is only understood (``3.1``) are left out, as scores of
    taggers do; ``_`` in the column does not count.

    Args:
        path: a file, or a folder whose files say their part: ``…-train.conllu``, ``…-dev.conllu``, ``…-test.conllu``.
        encoding: of the files.
        column: ``upos``, ``xpos`` or ``deprel``.

    Raises:
        UserError: naming file and row, or a folder without such files.
    """
    path = Path(path).expanduser()
    files = {path: ""}
    if path.is_dir():
        files = {file: part for part in _PARTS for file in sorted(path.glob(f"*{part}.conllu"))}
        if "train" not in files.values():
            raise UserError(f"{path}: there is no file in it that ends with train.conllu.")
    symbols: list[list[str]] = []
    labels: list[list[str | None]] = []
    parts: list[str] = []
    for file, part in files.items():
        words, tags = _sentences(file, encoding, COLUMNS[column])
        symbols += words
        labels += tags
        parts += [_PARTS[part]] * len(words) if part else []
    return Tagged(symbols, labels, parts, str(path))


def _sentences(path: Path, encoding: str, column: int) -> tuple[list[list[str]], list[list[str | None]]]:
    words: list[list[str]] = [[]]
    tags: list[list[str | None]] = [[]]
    for number, line in enumerate(lines(read_text(path, encoding)), 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if words[-1]:
                words.append([])
                tags.append([])
            continue
        cells = line.split("\t")
        if len(cells) != 10:
            raise UserError(f"{path}, row {number}: expected 10 columns between tabs, found {len(cells)}.")
        if "-" in cells[0] or "." in cells[0]:
            continue
        words[-1].append(cells[1].replace(" ", "\u00a0"))  # a word with a blank in it stays one
        tags[-1].append(None if cells[column] == "_" else cells[column])
    return (words, tags) if words[-1] else (words[:-1], tags[:-1])


# Words of two parts of speech, which only their neighbours tell apart.
_NOUNS = ["cat", "dog", "park", "house", "saw", "watch", "duck", "walk", "light", "play"]
_VERBS = ["likes", "finds", "saw", "watch", "duck", "walk", "light", "play", "knows", "needs"]
_ADJECTIVES = ["small", "old", "light", "red", "quiet"]
_ADVERBS = ["often", "here", "there", "today"]
_PLACES = ["near", "behind", "with", "under"]


def made_sentences(count: int = 600, seed: int = 0) -> Tagged:
    """Sentences of a small grammar, half of whose nouns are verbs elsewhere: made, needs no file.

    ``that`` stands before a noun (DET), opens a clause after a verb (SCONJ), or stands for a noun after one (PRON).
    """
    generator = random.Random(seed)
    symbols: list[list[str]] = []
    labels: list[list[str | None]] = []
    for _ in range(count):
        pairs = [*_clause(generator, 0), (".", "PUNCT")]
        symbols.append([word for word, _ in pairs])
        labels.append([tag for _, tag in pairs])
    return Tagged(symbols, labels, [], "package")


def _clause(generator: random.Random, depth: int) -> list[tuple[str, str]]:
    pairs = [*_noun_phrase(generator, depth), (generator.choice(_VERBS), "VERB")]
    if depth < 2 and generator.random() < 0.25:
        return [*pairs, ("that", "SCONJ"), *_clause(generator, depth + 1)]
    pairs += _noun_phrase(generator, depth)
    if generator.random() < 0.3:
        pairs += [(generator.choice(_PLACES), "ADP"), *_noun_phrase(generator, 2)]
    return [*pairs, (generator.choice(_ADVERBS), "ADV")] if generator.random() < 0.3 else pairs


def _noun_phrase(generator: random.Random, depth: int) -> list[tuple[str, str]]:
    pairs = [(generator.choice(["the", "a", "that", "her"]), "DET")]
    if generator.random() < 0.4:
        pairs.append((generator.choice(_ADJECTIVES), "ADJ"))
    pairs.append((generator.choice(_NOUNS), "NOUN"))
    if depth < 2 and generator.random() < 0.2:
        pairs += [("that", "PRON"), (generator.choice(_VERBS), "VERB"), *_noun_phrase(generator, 2)]
    return pairs
