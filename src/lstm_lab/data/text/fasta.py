"""DNA: sequences of a FASTA file, and their other strand."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.data.text.labelled import DNA, check_letters
from lstm_lab.data.text.reading import lines, read_text
from lstm_lab.errors import UserError

STRAND = dict(zip("ACGTURYSWKMBDHVN", "TGCAAYRSWMKVHDBN", strict=True))
"""Each letter and the one that lies opposite to it."""


def read_fasta(path: str | Path, encoding: str = "utf-8") -> tuple[list[str], list[str]]:
    """Reads a FASTA file: what stands behind ``>`` is the name of a sequence, which may run over several lines.

    Returns:
        Names, and sequences in upper case.

    Raises:
        UserError: naming the row of the first letter that is none of DNA, or of a sequence without a ``>`` line.
    """
    names: list[str] = []
    sequences: list[str] = []
    for number, line in enumerate(lines(read_text(path, encoding)), 1):
        if line.startswith(">"):
            names.append(line[1:].strip())
            sequences.append("")
        elif line.strip():
            if not sequences:
                raise UserError(
                    f"{path}, row {number}: a FASTA file begins with a line that begins with '>'."
                )
            sequences[-1] += check_letters(line.strip().upper(), DNA, f"{path}, row {number}")
    empty = [number for number, one in enumerate(sequences, 1) if not one]
    if empty:
        raise UserError(f"{path}, sequence {empty[0]}: there is no letter below its name.")
    return names, sequences


def reverse_complement(sequence: str) -> str:
    """Returns the other strand, read in its own direction."""
    return "".join(STRAND[letter] for letter in reversed(sequence))
