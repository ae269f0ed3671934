"""Sequences of different lengths in one tensor, from which a batch is one indexing call; and their cache on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_lab.data.files import cache_dir
from lstm_lab.data.speech.clips import Recordings
from lstm_lab.data.speech.reader import BadClip
from lstm_lab.errors import UserError, check_choice
from lstm_lab.features.audio import AudioFeatures

# Part of every cache key: features computed by another version of this code are not found again.
_VERSION = 1
# Clips that are turned into features together; sorted by length, so that little of it is padding.
_TOGETHER = 64
_NAMED = 5


class Ragged:
    """N sequences (T_i, F), one behind the other.

    Args:
        values: (ΣT, F).
        lengths: (N,) int64.
    """

    def __init__(self, values: Tensor, lengths: Tensor) -> None:
        self.values, self.lengths = values, lengths
        self._starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        return len(self.lengths)

    @classmethod
    def of(cls, sequences: Sequence[Tensor]) -> Ragged:
        """From tensors (T_i, F)."""
        return cls(torch.cat(list(sequences)), torch.tensor([len(one) for one in sequences]))

    def row(self, number: int) -> Tensor:
        """One sequence (T_i, F)."""
        start = int(self._starts[number])
        return self.values[start : start + int(self.lengths[number])]

    def gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Returns (B, T, F), zero on padding, and lengths (B,)."""
        lengths = self.lengths[rows]
        steps = torch.arange(int(lengths.max()) if len(rows) else 0)
        real = steps[None, :] < lengths[:, None]  # (B, T)
        places = torch.where(real, self._starts[rows][:, None] + steps[None, :], 0)
        found = self.values.index_select(0, places.flatten()).unflatten(0, places.shape)
        return found.masked_fill_(~real[..., None], 0), lengths


class Loaded:
    """Clips that could be loaded.

    Attributes:
        store: their features, or waves as features of size 1.
        kept: (K,) their numbers among the recordings.
        notes: what was skipped or converted, a line each.
    """

    def __init__(self, store: Ragged, kept: Tensor, notes: list[str]) -> None:
        self.store, self.kept, self.notes = store, kept, notes


def load(recordings: Recordings, front: AudioFeatures | None, bad: str, cache: bool) -> Loaded:
    """Loads all clips, or takes them from the cache.

    Args:
        recordings: the clips.
        front: what turns waves into features; None keeps waves, or the features that the clips are.
        bad: ``fail`` or ``skip``, what becomes of clips that cannot be used.
        cache: whether to look into the cache and to write it.

    Raises:
        UserError: for a bad clip under ``fail``, or if none is left.
    """
    check_choice("data.bad", bad, ("fail", "skip"))
    if not cache:
        return _load(recordings, front, bad)
    words = [recordings.fingerprint(number) for number in range(len(recordings.clips))]
    stretches = [(clip.start, clip.end) for clip in recordings.clips]
    settings = [_VERSION, front.settings if front else None, bad, words, stretches, recordings.reading]
    key = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:32]
    plain = kept_on_disk(key, lambda: _plain(_load(recordings, front, bad)))
    return Loaded(Ragged(plain["values"], plain["lengths"]), plain["kept"], plain["notes"])


def kept_on_disk(key: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Returns what `make` gives, from the cache if it is there; the file is mapped, not read."""
    path = cache_dir() / "speech" / f"{key}.pt"
    if path.is_file():
        try:
            return torch.load(path, weights_only=True, mmap=True)
        except Exception:  # torch raises many kinds for a damaged file: it is made anew
            path.unlink(missing_ok=True)
    made = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(f".{os.getpid()}")
        torch.save(made, aside)
        aside.replace(path)
    except OSError:
        return made  # a cache that cannot be written is a slower start, nothing more
    return torch.load(path, weights_only=True, mmap=True)


def _plain(loaded: Loaded) -> dict[str, Any]:
    store = loaded.store
    return {"values": store.values, "lengths": store.lengths, "kept": loaded.kept, "notes": loaded.notes}


def _load(recordings: Recordings, front: AudioFeatures | None, bad: str) -> Loaded:
    found: list[Tensor] = []
    kept: list[int] = []
    refused: list[str] = []
    for number in range(len(recordings.clips)):
        try:
            one = recordings.load(number)
        except BadClip as error:
            if bad == "fail":
                raise UserError(f"{error} data.bad=skip leaves such clips out.") from None
            refused.append(str(error))
            continue
        found.append(one[:, None] if one.ndim == 1 else one)
        kept.append(number)
    if not found:
        raise UserError(
            f"{recordings.source}: none of {len(recordings.clips)} clips can be used: {refused[0]}"
        )
    notes = recordings.notes()
    if refused:
        notes = [f"{len(refused)} of {len(recordings.clips)} clips were skipped", *refused[:_NAMED], *notes]
    if front is not None:
        found = extract(found, front)
    return Loaded(Ragged.of(found), torch.tensor(kept), notes)


def extract(waves: Sequence[Tensor], front: AudioFeatures) -> list[Tensor]:
    """Turns waves (N_i, 1) into features (T_i, F), many at a time."""
    order = sorted(range(len(waves)), key=lambda number: len(waves[number]))
    features: dict[int, Tensor] = {}
    for start in range(0, len(order), _TOGETHER):
        numbers = order[start : start + _TOGETHER]
        batch = torch.nn.utils.rnn.pad_sequence([waves[one][:, 0] for one in numbers], batch_first=True)
        found, lengths = front(batch, torch.tensor([len(waves[one]) for one in numbers]))
        for place, number in enumerate(numbers):
            features[number] = found[place, : lengths[place]].clone()
    return [features[number] for number in range(len(waves))]
