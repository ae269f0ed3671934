"""Classes by name: counted for training, and back from probabilities to words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.errors import UserError

# With more classes than this a table shows the likeliest only.
_SHOWN = 12


def classes_of(labels: Sequence[str], where: str, earlier: Sequence[str] = ()) -> tuple[str, ...]:
    """Returns the classes of the training part, sorted; or those of the run that training goes on from.

    Args:
        labels: of the training part.
        where: they come from, for messages.
        earlier: classes whose numbers a head has learnt; empty for none.

    Raises:
        UserError: if there are fewer than two, or one that the earlier run did not know.
    """
    names = tuple(sorted(set(labels)))
    if earlier:
        new = [name for name in names if name not in earlier]
        if new:
            known = ", ".join(earlier[:10]) + (" …" if len(earlier) > 10 else "")
            raise UserError(
                f"{where}: start=… goes on with the classes of that run ({known}), but '{new[0]}' is not among them."
            )
        return tuple(earlier)
    if len(names) < 2:
        found = f"only '{names[0]}'" if names else "none"
        raise UserError(f"{where}: classification needs at least two classes, there is {found}.")
    return names


def numbers_of(labels: Sequence[str], classes: Sequence[str], where: str) -> Tensor:
    """Returns labels as numbers (N,).

    Raises:
        UserError: naming the first label that is no class.
    """
    number = {name: index for index, name in enumerate(classes)}
    for row, label in enumerate(labels):
        if label not in number:
            known = ", ".join(classes[:10]) + (" …" if len(classes) > 10 else "")
            raise UserError(
                f"{where}, sample {row + 1}: the label '{label}' is not among the training part's: {known}."
            )
    return torch.tensor([number[label] for label in labels], dtype=torch.long)


def count_classes(labels: Tensor, classes: int) -> list[int]:
    """Samples of each class."""
    counts = Counter(labels.tolist())
    return [counts[number] for number in range(classes)]


def label_frame(probabilities: Tensor, classes: Sequence[str]) -> pd.DataFrame:
    """Returns a table with a row a sample: the likeliest label, its probability, and those of few classes.

    Args:
        probabilities: (B, C).
        classes: C names.
    """
    best = probabilities.max(-1)
    table = pd.DataFrame(
        {
            "label": [str(classes[number]) for number in best.indices.tolist()],
            "probability": best.values.double().numpy(),
        }
    )
    if len(classes) <= _SHOWN:
        for number, name in enumerate(classes):
            table[f"p({name})"] = probabilities[:, number].double().numpy()
    return table
