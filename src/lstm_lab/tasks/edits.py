"""Word and character error rates: total edits over total words, never a mean of batches."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass


def edit_distance(truth: Sequence[Hashable], found: Sequence[Hashable]) -> int:
    """The fewest substitutions, deletions and insertions from one to the other (Levenshtein 1966)."""
    row = list(range(len(found) + 1))
    for place, one in enumerate(truth, 1):
        corner, row[0] = row[0], place
        for column, other in enumerate(found, 1):
            corner, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, corner + (one != other)),
            )
    return row[-1]


@dataclass
class Edits:
    """Sums over many pairs.

    Attributes:
        substitutions: words taken for others.
        deletions: words of the truth that were not found.
        insertions: words that were found and not said.
        total: words of the truth.
    """

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    total: int = 0

    def add(self, truth: Sequence[Hashable], found: Sequence[Hashable]) -> None:
        """Counts one pair, by one of its shortest ways from one to the other."""
        # (edits, substitutions, deletions, insertions) of the first words of both
        row = [(column, 0, 0, column) for column in range(len(found) + 1)]
        for place, one in enumerate(truth, 1):
            corner, row[0] = row[0], (place, 0, place, 0)
            for column, other in enumerate(found, 1):
                above, left = row[column], row[column - 1]
                same = one == other
                options = [
                    (corner[0] + (not same), corner[1] + (not same), corner[2], corner[3]),
                    (above[0] + 1, above[1], above[2] + 1, above[3]),
                    (left[0] + 1, left[1], left[2], left[3] + 1),
                ]
                corner, row[column] = above, min(options, key=lambda option: option[0])
        _, substituted, deleted, inserted = row[-1]
        self.substitutions += substituted
        self.deletions += deleted
        self.insertions += inserted
        self.total += len(truth)

    @property
    def rate(self) -> float:
        """Edits over words, in %; more than 100 is possible."""
        edits = self.substitutions + self.deletions + self.insertions
        return 100 * edits / self.total if self.total else float("nan") if edits else 0.0
