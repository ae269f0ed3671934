"""From what the nets say after a piece to what a user reads: plain words and numbers, one function for each task.

Shapes: C classes or labels, V symbols, N steps that a piece held, S frames or symbols with the blank.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from lstm_lab.nets.ctc import BLANK

Found = dict[str, Tensor]


class Answers:
    """Words for what was found; what it compares the next piece with is in `remembered`.

    Args:
        processor: has the names of classes, labels or symbols.
    """

    def __init__(self, processor: Any) -> None:
        self.processor = processor

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the prediction after a piece.

        Args:
            found: what the task predicts.
            steps: of the piece (N, …), as the nets read them.
        """
        raise NotImplementedError

    def remembered(self) -> Found:
        """What the next piece is compared with."""
        return {}


class Classes(Answers):
    """The likeliest class of all that was read: ``label``, ``probability``, and all ``probabilities`` by name."""

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the class after the piece."""
        chances = found["probabilities"][0].tolist()
        names = getattr(self.processor, "classes", None) or self.processor.names
        best = max(range(len(chances)), key=chances.__getitem__)
        by_name = {str(name): chance for name, chance in zip(names, chances, strict=True)}
        return {"label": str(names[best]), "probability": chances[best], "probabilities": by_name}


class Numbers(Answers):
    """The ``number`` that all that was read stands for; a list where several are asked for."""

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the number after the piece."""
        values = found["number"][0].tolist()
        return {"number": values[0] if len(values) == 1 else values}


class Labels(Answers):
    """The ``labels`` of the steps of a piece, and their ``probabilities``."""

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the labels of the piece."""
        best = found["probabilities"][0].max(-1)
        labels = [str(self.processor.classes[number]) for number in best.indices.tolist()]
        return {"labels": labels, "probabilities": best.values.tolist()}


class NextSymbols(Answers):
    """What comes ``next``, its ``probability``, and the ``bits`` by which the symbols of the piece surprised.

    The first symbol of a stream has no bits: nothing was expected of it.
    """

    expected: Tensor | None = None  # (V,), log probabilities of the next symbol

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns what is expected after the piece."""
        ahead = found["log_probabilities"][0]  # (N, V)
        before = ahead[:-1] if self.expected is None else torch.cat([self.expected[None], ahead[:-1]])
        read = steps[len(steps) - len(before) :]
        nats = -before.gather(1, read[:, None])[:, 0]
        self.expected = ahead[-1]
        tokenizer = self.processor.tokenizer
        best = ahead[-1].max(-1)
        return {
            "next": tokenizer.symbol(int(best.indices)),
            "probability": float(best.values.exp()),
            "bits": (nats / math.log(2)).tolist(),
        }

    def remembered(self) -> Found:
        """What was expected of the next symbol."""
        return {} if self.expected is None else {"answer.expected": self.expected}


class Transcripts(Answers):
    """The ``text`` that begins in a piece, by the best path; the text of all pieces is that of the whole."""

    before = BLANK

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the new text."""
        begun = []
        for symbol in found["log_probabilities"][0].argmax(-1).tolist():
            if symbol not in (BLANK, self.before):
                begun.append(self.processor.names[symbol])
            self.before = symbol
        return {"text": "".join(begun)}

    def remembered(self) -> Found:
        """The symbol of the last step, which is not written twice."""
        return {"answer.before": torch.tensor(self.before)}


class NextFrames(Answers):
    """The ``frames`` that follow, (S, C, H, W) from 0 to 1, and the ``error`` of what was said of the last one read.

    The error is the squared one summed over pixels, as the test's; None for the first.
    """

    expected: Tensor | None = None  # (C, H, W)

    def say(self, found: Found, steps: Tensor) -> dict[str, Any]:
        """Returns the frames after the piece."""
        frames = found["frames"][0]
        read = steps[-1].float() / 255
        error = None
        if self.expected is not None and len(steps) == 1:
            error = float((self.expected - read).square().sum())
        self.expected = frames[0]
        return {"frames": frames, "error": error}

    def remembered(self) -> Found:
        """What was expected of the next frame."""
        return {} if self.expected is None else {"answer.expected": self.expected}


ANSWERS: dict[str, type[Answers]] = {
    "classify": Classes,
    "regress": Numbers,
    "tag": Labels,
    "language": NextSymbols,
    "transcribe": Transcripts,
    "frames": NextFrames,
}
