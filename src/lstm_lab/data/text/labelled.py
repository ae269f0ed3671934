"""Texts with a label each: from a table, a folder by class, or the files of named data sets.

Shapes: N texts.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_lab.data.files import find
from lstm_lab.data.grouping import group_names
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.errors import UserError, nearest

_TEXTS = ("text", "sentence", "review", "sequence", "comment", "message", "content", "title")
_LABELS = ("label", "class", "sentiment", "category", "target", "intent", "topic")
DNA = "ACGTURYSWKMBDHVN"  # the bases and the letters of IUPAC for "one of several"


@dataclass(frozen=True)
class Labelled:
    """Texts and their labels.

    Attributes:
        texts: N texts.
        labels: N labels.
        parts: ``train``, ``validation`` or ``test`` of each; empty where the file does not say.
        source: where they were read from.
        groups: of each, what must not stand in two parts; empty where only equal texts belong together.
    """

    texts: list[str]
    labels: list[str]
    parts: list[str]
    source: str
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.texts)


# -- tables -------------------------------------------------------------------------------------------------


def read_table(
    path: Path, text: str | None, label: str | None, encoding: str, group: str | None = None
) -> Labelled:
    """Reads a tsv or csv table; a header is known by its names.

    Args:
        path: ``.tsv`` is cut at tabs and has no quotes, ``.csv`` at commas or semicolons.
        text: name or number (from 1) of the column of texts; found by itself if None.
        label: of the column of labels.
        encoding: of the file.
        group: column of what must not stand in two parts, such as an author.

    Raises:
        UserError: naming the row that has too few cells, no text or no label.
    """
    rows = _rows(path, encoding)
    header = [cell.strip() for cell in rows[0][1]]
    wanted = [name for name in (text, label, group) if name is not None and not str(name).isdigit()]
    named = bool(wanted) or any(name.lower() in _TEXTS + _LABELS for name in header)
    body = rows[1:] if named else rows
    if not body:
        raise UserError(f"{path}: there is no row below the header.")
    for line, cells in body:
        if len(cells) != len(header):
            raise UserError(f"{path}, row {line}: {len(cells)} cells, the first row has {len(header)}.")
    names = header if named else [str(number + 1) for number in range(len(header))]
    columns = [[cells[number].strip() for _, cells in body] for number in range(len(names))]
    at_text, at_label = _find_columns(path, names, columns, text, label)
    for (line, _), one, word in zip(body, columns[at_text], columns[at_label], strict=True):
        if not one or not word:
            raise UserError(f"{path}, row {line}: there is no {'text' if not one else 'label'}.")
    groups = () if group is None else tuple(columns[_place(path, names, group, "group")])
    return Labelled(columns[at_text], columns[at_label], [], str(path), groups)


def _rows(path: Path, encoding: str) -> list[tuple[int, list[str]]]:
    """The cells of each row that is not blank, with its line in the file."""
    content = read_text(path, encoding)
    tabs = path.suffix.lower() in (".tsv", ".txt") or "\t" in content.partition("\n")[0]
    if tabs:
        return [(n, line.split("\t")) for n, line in enumerate(lines(content), 1) if line.strip()]
    head = content.partition("\n")[0]
    mark = max(",;|", key=head.count)
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=mark)
    try:
        return [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error as error:
        raise UserError(f"{path}, row {reader.line_num}: {error}.") from None


def _find_columns(
    path: Path, names: list[str], columns: list[list[str]], text: str | None, label: str | None
) -> tuple[int, int]:
    if len(names) < 2:
        raise UserError(f"{path}: one column only; a text and a label are needed.")

    def place(
        word: str | None, key: str, usual: Sequence[str], guess: Callable[[int], float], not_at: int
    ) -> int:
        if word is not None:
            return _place(path, names, word, key)
        known = [n for n, name in enumerate(names) if name.lower() in usual and n != not_at]
        return known[0] if known else max((n for n in range(len(names)) if n != not_at), key=guess)

    at_text = place(text, "text", _TEXTS, lambda n: float(np.mean([len(cell) for cell in columns[n]])), -1)
    at_label = place(label, "label", _LABELS, lambda n: -float(len(set(columns[n]))), at_text)
    return at_text, at_label


def _place(path: Path, names: list[str], word: str, key: str) -> int:
    """The column that a user names, by its name or its number from 1."""
    if str(word) in names:
        return names.index(str(word))
    if str(word).isdigit() and 0 < int(word) <= len(names):
        return int(word) - 1
    raise UserError(
        f"data.{key}={word}: {path} has no such column.{nearest(str(word), names)} Columns: {', '.join(names)}."
    )


def read_folder(path: Path, encoding: str, group: str | None = None) -> Labelled:
    """Reads a folder with a folder for each class and a text in each file; ``train`` and ``test`` may stand above.

    Args:
        path: the folder.
        encoding: of the files.
        group: rule by which the name of a file tells what it must not part from, see `grouping.group_names`.

    Raises:
        UserError: if there are no such folders, or one is empty.
    """
    parts = [one for one in ("train", "validation", "test") if (path / one).is_dir()]
    roots = [(part, path / part) for part in parts] or [("", path)]
    texts, labels, found, names = [], [], [], []
    for part, root in roots:
        for folder in sorted(one for one in root.iterdir() if one.is_dir()):
            files = sorted(one for one in folder.iterdir() if one.is_file() and not one.name.startswith("."))
            if not files:
                raise UserError(f"{folder}: the folder of this class is empty.")
            texts += [read_text(file, encoding) for file in files]
            labels += [folder.name] * len(files)
            found += [part] * len(files)
            names += [str(file.relative_to(path)) for file in files]
    if not texts:
        raise UserError(f"{path}: there is no folder for each class in it.")
    groups = () if group is None else tuple(group_names(names, group))
    return Labelled(texts, labels, found if parts else [], str(path), groups)


def read_labelled(
    path: str | Path, text: str | None, label: str | None, encoding: str, group: str | None = None
) -> Labelled:
    """Reads a table or a folder by class, with groups by a column or by the names of files."""
    path = Path(path).expanduser()
    if path.is_dir():
        return read_folder(path, encoding, group)
    if not path.is_file():
        raise UserError(f"{path}: there is no such file or folder.")
    return read_table(path, text, label, encoding, group)


# -- named sets ---------------------------------------------------------------------------------------------


def sst2(directory: str | None) -> Labelled:
    """The Stanford sentiment treebank, whole sentences, two classes (Socher et al. 2013)."""
    texts, labels, parts = [], [], []
    names = {"0": "negative", "1": "positive"}
    for name, part in (("train", "train"), ("dev", "validation"), ("test", "test")):
        path = find(f"text/sst2/{name}.tsv", directory)
        table = read_table(path, "1", "2", "utf-8")
        texts += table.texts
        labels += [names.get(label, label) for label in table.labels]
        parts += [part] * len(table)
    return Labelled(texts, labels, parts, str(path.parent))


def uci_dna(relative: str, names: dict[str, str]) -> Callable[[str | None], Labelled]:
    """A reader of the form ``class,name,sequence`` with blanks anywhere, as UCI has its DNA.

    Args:
        relative: the file.
        names: of the classes, by the word in the file.
    """

    def read(directory: str | None) -> Labelled:
        path = find(relative, directory)
        texts, labels = [], []
        for number, line in enumerate(lines(read_text(path)), 1):
            if not line.strip():
                continue
            cells = [re.sub(r"\s", "", cell) for cell in line.split(",")]
            if len(cells) != 3:
                raise UserError(f"{path}, row {number}: {len(cells)} cells, expected class,name,sequence.")
            texts.append(check_letters(cells[2].upper(), DNA, f"{path}, row {number}"))
            labels.append(names.get(cells[0], cells[0]))
        return Labelled(texts, labels, [], str(path))

    return read


def check_letters(sequence: str, allowed: str, where: str) -> str:
    """Returns a sequence of allowed letters.

    Raises:
        UserError: naming the first other letter and its place.
    """
    for place, letter in enumerate(sequence, 1):
        if letter not in allowed:
            raise UserError(f"{where}: '{letter}' at place {place} is no letter of this alphabet: {allowed}.")
    return sequence


def keywords(count: int = 600, seed: int = 0) -> Labelled:
    """Sentences whose class is the order of two words far apart: "x … y" or "y … x"; made, needs no file."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(count):
        words = list(
            generator.choice(["red", "big", "old", "new", "odd"], size=int(generator.integers(4, 14)))
        )
        first = bool(generator.integers(2))
        start, end = sorted(generator.choice(len(words) + 1, 2, replace=False).tolist())
        words.insert(end, "dog" if first else "cat")
        words.insert(start, "cat" if first else "dog")
        texts.append(" ".join(words))
        labels.append("cat first" if first else "dog first")
    return Labelled(texts, labels, [], "package")


NAMED: dict[str, Callable[[str | None], Labelled]] = {
    "sst2": sst2,
    "splice": uci_dna("text/dna/uci-splice/splice.data", {"EI": "EI", "IE": "IE", "N": "neither"}),
    "promoters": uci_dna("text/dna/uci-promoters/promoters.data", {"+": "promoter", "-": "other"}),
    "keywords": lambda directory: keywords(),
}
"""Labelled sets that have a name; any other is a table or a folder."""
