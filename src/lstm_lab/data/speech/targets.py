"""What is asked of a clip: its class, or its transcript as numbers; and what of them a net has to know."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from lstm_lab.data.labels import classes_of, count_classes, numbers_of
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.store import Ragged
from lstm_lab.data.speech.symbols import count_ngrams, encode, symbols_of
from lstm_lab.errors import UserError

# How many of the training clips with the fewest frames for their transcripts a task is told of.
_TIGHTEST = 5


def class_targets(
    clips: list[Clip], train: list[int], source: str, earlier: Sequence[str] = ()
) -> tuple[Tensor, tuple[str, ...], dict[str, Any]]:
    """Returns the classes of all clips (N,), their names, and the clips of each in training as a statistic.

    Raises:
        UserError: for a clip without a label, or with one that training does not know.
    """
    missing = next((clip.name for clip in clips if not clip.label), None)
    if missing is not None:
        raise UserError(f"{source}: the clip {missing} has no label.")
    labels = [clip.label for clip in clips]
    classes = classes_of([labels[number] for number in train], source, earlier)
    found = numbers_of(labels, classes, source)
    return found, classes, {"class_counts": count_classes(found[train], len(classes))}


def transcripts(
    clips: list[Clip],
    train: list[int],
    frames: Tensor,
    order: int,
    source: str,
    earlier: Sequence[str] = (),
) -> tuple[Ragged, tuple[str, ...], dict[str, Any]]:
    """Returns the transcripts of all clips, the symbols, and as statistics ``ngrams`` and ``tightest``.

    Args:
        clips: all clips.
        train: the numbers of those that train.
        frames: (N,) of each clip.
        order: of the n-grams; 0 counts none.
        source: where they come from, for messages.
        earlier: symbols of the run that training goes on from, which keep their numbers; empty for none.

    Raises:
        UserError: for a clip without a transcript, or one with a symbol that training does not know.
    """
    missing = next((clip.name for clip in clips if clip.text is None), None)
    if missing is not None:
        raise UserError(f"{source}: the clip {missing} has no transcript (column 'text').")
    texts = [clip.text or "" for clip in clips]
    symbols = tuple(earlier) or symbols_of([texts[number] for number in train], source)
    found = [encode(text, symbols, clip.name) for text, clip in zip(texts, clips, strict=True)]
    statistics: dict[str, Any] = {"tightest": _tightest(clips, train, frames, found)}
    if order:
        statistics["ngrams"] = count_ngrams([found[number] for number in train], order)
    return Ragged.of([torch.tensor(one, dtype=torch.long)[:, None] for one in found]), symbols, statistics


def _tightest(clips: list[Clip], train: list[int], frames: Tensor, found: list[list[int]]) -> list[list[Any]]:
    """Training clips with the fewest frames for their transcripts: name, frames, and the frames that CTC needs.

    A symbol takes a frame, and a blank stands between two that are equal.
    """
    rows: list[tuple[str, int, int]] = []
    for number in train:
        text = found[number]
        need = len(text) + sum(a == b for a, b in pairwise(text))
        rows.append((clips[number].name, int(frames[number]), need))
    return [list(row) for row in sorted(rows, key=lambda row: row[1] / max(row[2], 1))[:_TIGHTEST]]
