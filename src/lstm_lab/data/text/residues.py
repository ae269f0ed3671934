"""Sequences with a label at each step: proteins with their secondary structure, tables of one's own, and made ones.

Three letters: H helix, E strand, C coil. Eight (DSSP, Kabsch & Sander 1983): H G I helices, E B strands, T S turns, C.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_lab.data.files import find
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.errors import UserError

_RESIDUES = "ACDEFGHIKLMNPQRSTVWYUXZBO"  # twenty, two rare ones, and letters for "not known"


@dataclass(frozen=True)
class Tagged:
    """Sequences with their labels.

    Attributes:
        symbols: of each sequence, a list.
        labels: of each sequence, as many; None where a label does not count.
        parts: ``train`` or ``test`` of each; empty where the files do not say.
        source: where they were read from.
        groups: of each, what must not stand in two parts; empty where only equal sequences belong together.
    """

    symbols: list[list[str]]
    labels: list[list[str | None]]
    parts: list[str]
    source: str
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.symbols)


def cb513(directory: str | None, classes: int) -> Tagged:
    """CB513 (Cuff & Barton 1999): only residues whose mask is one count."""
    path = find("text/protein/cb513/CB513_HHblits.csv", directory)
    rows = list(csv.DictReader(io.StringIO(read_text(path), newline=""), skipinitialspace=True))
    symbols: list[list[str]] = []
    labels: list[list[str | None]] = []
    for number, row in enumerate(rows, 2):
        try:
            residues, structure = row["input"].split(), row[f"dssp{classes}"].split()
            mask = [float(one) > 0 for one in row["cb513_mask"].split()]
        except (KeyError, AttributeError, ValueError):
            raise UserError(
                f"{path}, row {number}: not the columns input, dssp{classes}, cb513_mask."
            ) from None
        _check_residues(residues, f"{path}, row {number}")
        if not len(residues) == len(structure) == len(mask):
            raise UserError(
                f"{path}, row {number}: {len(residues)} residues, {len(structure)} labels, {len(mask)} of the mask."
            )
        symbols.append(residues)
        labels.append([one if counts else None for one, counts in zip(structure, mask, strict=True)])
    return Tagged(symbols, labels, [], str(path))


def protein_qs(directory: str | None, classes: int) -> Tagged:
    """Qian & Sejnowski (1988): a residue a line; ``<>`` begins a protein, ``<end>`` or ``end`` ends some of them."""
    if classes != 3:
        raise UserError(f"data.classes={classes}: protein_qs has three classes. Allowed: 3.")
    symbols: list[list[str]] = []
    labels: list[list[str | None]] = []
    parts: list[str] = []
    names = {"h": "H", "e": "E", "_": "C"}
    for part in ("train", "test"):
        path = find(f"text/protein/uci-qian-sejnowski/protein-secondary-structure.{part}", directory)
        for number, line in enumerate(lines(read_text(path)), 1):
            cells = line.split()
            if not cells or cells[0].startswith("#") or cells[0].lower() in ("<end>", "end"):
                continue
            if cells[0] == "<>":
                symbols.append([])
                labels.append([])
                parts.append(part)
                continue
            if len(cells) != 2 or cells[1] not in names or not symbols:
                raise UserError(f"{path}, row {number}: expected a residue and one of h e _, found '{line}'.")
            _check_residues([cells[0]], f"{path}, row {number}")
            symbols[-1].append(cells[0])
            labels[-1].append(names[cells[1]])
    kept = [number for number, one in enumerate(symbols) if one]
    return Tagged(
        [symbols[n] for n in kept], [labels[n] for n in kept], [parts[n] for n in kept], str(path.parent)
    )


def read_tagged(path: str | Path, encoding: str, group: str | None = None) -> Tagged:
    """Reads a file of one's own: a symbol, a tab or blank, and its label a line; an empty line ends a sequence.

    A label ``?`` does not count. What stands between symbol and label is not read.

    Args:
        path: the file.
        encoding: of the file.
        group: number, from 1, of a column between them that says what a sequence belongs to, the same in all its lines.

    Raises:
        UserError: naming the row that has no label, or no or another group.
    """
    if group is not None and not (group.isdigit() and int(group) > 1):
        raise UserError(f"data.group={group}: the number of a column between symbol and label, from 2.")
    path = Path(path).expanduser()
    symbols: list[list[str]] = [[]]
    labels: list[list[str | None]] = [[]]
    groups: list[str] = [""]
    for number, line in enumerate(lines(read_text(path, encoding)), 1):
        if not line.strip():
            symbols.append([])
            labels.append([])
            groups.append("")
            continue
        cells = line.split("\t") if "\t" in line else line.split()
        if len(cells) < 2 or not cells[0] or not cells[-1]:
            raise UserError(f"{path}, row {number}: expected a symbol and its label, found '{line[:40]}'.")
        if group is not None:
            _check_group(cells, int(group), groups[-1] if symbols[-1] else None, f"{path}, row {number}")
            groups[-1] = cells[int(group) - 1]
        symbols[-1].append(cells[0])
        labels[-1].append(None if cells[-1] == "?" else cells[-1])
    kept = [number for number, one in enumerate(symbols) if one]
    told = () if group is None else tuple(groups[n] for n in kept)
    return Tagged([symbols[n] for n in kept], [labels[n] for n in kept], [], str(path), told)


def _check_group(cells: list[str], column: int, before: str | None, where: str) -> None:
    """Checks that a row has a group, and that it is that of the rows `before` it in the sequence."""
    if column >= len(cells) or not cells[column - 1]:
        raise UserError(f"{where}: data.group={column} has to stand between symbol and label.")
    if before is not None and cells[column - 1] != before:
        raise UserError(f"{where}: the group is '{cells[column - 1]}', that of its sequence '{before}'.")


def motifs(count: int = 240, seed: int = 0) -> Tagged:
    """Letters whose label depends on the last capital seen: x after A, y after B, and ``?`` before any; made."""
    generator = np.random.default_rng(seed)
    symbols: list[list[str]] = []
    labels: list[list[str | None]] = []
    for _ in range(count):
        letters = generator.choice(list("ABcdefghijkl"), size=int(generator.integers(8, 30))).tolist()
        state, row = None, []
        for letter in letters:
            state = {"A": "x", "B": "y"}.get(letter, state)
            row.append(state)
        symbols.append(letters)
        labels.append(row)
    return Tagged(symbols, labels, [], "package")


def _check_residues(residues: list[str], where: str) -> None:
    for place, residue in enumerate(residues, 1):
        if residue not in _RESIDUES or len(residue) != 1:
            raise UserError(f"{where}: '{residue}' at place {place} is no residue. Allowed: {_RESIDUES}.")
