"""Words with their parts of speech: treebanks in the format of Universal Dependencies, and sentences made like them."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from lstm_lab.data.grouping import group_names
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.data.text.residues import Tagged
from lstm_lab.errors import UserError

COLUMNS = {"upos": 3, "xpos": 4, "deprel": 7}
_PARTS = {"train": "train", "dev": "validation", "test": "test"}


@dataclass
class _Sentence:
    """A sentence as its file has it.

    Attributes:
        row: of its first word in the file.
        words: their forms.
        tags: one column of them, None where it does not count.
        comments: what ``# key = value`` says of it, and the document that it stands in as ``newdoc``.
    """

    row: int
    words: list[str]
    tags: list[str | None]
    comments: dict[str, str]


def read_conllu(
    path: str | Path, encoding: str = "utf-8", column: str = "upos", group: str | None = None
) -> Tagged:
    """Reads CoNLL-U (https://universaldependencies.org/format.html): the form of each word and one of its columns.

    A word that stands for several (``1-2 don't``) and one that is only understood (``3.1``) are left out, as scores of
    taggers do; ``_`` in the column does not count.

    Args:
        path: a file, or a folder whose files say their part: ``…-train.conllu``, ``…-dev.conllu``, ``…-test.conllu``.
        encoding: of the files.
        column: ``upos``, ``xpos`` or ``deprel``.
        group: what sentences belong to: ``newdoc``, the document; another word of their comments, such as ``speaker``;
            or a rule over their ``sent_id``, see `lstm_lab.data.grouping.group_names`.

    Raises:
        UserError: naming file and row, or a folder without such files.
    """
    path = Path(path).expanduser()
    files = {path: ""}
    if path.is_dir():
        files = {file: part for part in _PARTS for file in sorted(path.glob(f"*{part}.conllu"))}
        if "train" not in files.values():
            raise UserError(f"{path}: there is no file in it that ends with train.conllu.")
    found: list[_Sentence] = []
    parts: list[str] = []
    groups: list[str] = []
    for file, part in files.items():
        sentences = _sentences(file, encoding, COLUMNS[column])
        found += sentences
        parts += [_PARTS[part]] * len(sentences) if part else []
        groups += [] if group is None else _groups(file, sentences, group)
    words, tags = [one.words for one in found], [one.tags for one in found]
    return Tagged(words, tags, parts, str(path), tuple(groups))


def _sentences(path: Path, encoding: str, column: int) -> list[_Sentence]:
    found = [_Sentence(1, [], [], {})]
    document, count = "", 0
    for number, line in enumerate(lines(read_text(path, encoding)), 1):
        one = found[-1]
        if line.startswith("#"):
            key, _, value = (word.strip() for word in line[1:].partition("="))
            if key in ("newdoc", "newdoc id"):
                count += 1
                document = value or f"{path.name} {count}"
            one.comments[key] = value
            continue
        if not line.strip():
            if one.words:
                found.append(_Sentence(number, [], [], {}))
            continue
        cells = line.split("\t")
        if len(cells) != 10:
            raise UserError(f"{path}, row {number}: expected 10 columns between tabs, found {len(cells)}.")
        if "-" in cells[0] or "." in cells[0]:
            continue
        if not one.words:
            one.row = number
            one.comments |= {"newdoc": document} if document else {}
        one.words.append(cells[1].replace(" ", "\u00a0"))  # a word with a blank in it stays one
        one.tags.append(None if cells[column] == "_" else cells[column])
    return [one for one in found if one.words]


def _groups(path: Path, sentences: list[_Sentence], group: str) -> list[str]:
    """What each sentence belongs to, by a word of the comments or a rule over ``sent_id``."""
    key = "sent_id" if group in ("prefix", "folder") or "(" in group else group
    for one in sentences:
        if not one.comments.get(key):
            raise UserError(
                f"{path}, row {one.row}: data.group={group} needs '# {key} = …' before this sentence."
            )
    found = [one.comments[key] for one in sentences]
    return found if key == group else group_names(found, group)


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
