"""Words of one speaker put one behind the other: sentences for transcription out of single words."""

from __future__ import annotations

from collections import defaultdict

import torch
from torch import Tensor

from lstm_lab.data.speech.clips import Clip, Recordings
from lstm_lab.errors import UserError, check_at_least


class JoinedRecordings:
    """Sentences of several clips of one speaker and one part, with short gaps.

    Which clips stand in which sentence is drawn from a fixed seed, so that the test is the same for everybody.

    Args:
        words: single words with labels.
        parts: the numbers of the words in each part; no sentence takes words from two.
        counts: sentences for each part.
        length: ``[shortest, longest]``, words in a sentence.
        gap: ``[shortest, longest]``, seconds between words.
        sample_rate: of the waves.
        names: what a label is called in a sentence; the label itself where nothing is said.

    Raises:
        UserError: for numbers that cannot be.
    """

    columns: tuple[str, ...] = ()

    def __init__(
        self,
        words: Recordings,
        parts: dict[str, list[int]],
        counts: dict[str, int],
        length: list[int],
        gap: list[float],
        sample_rate: int,
        names: dict[str, str] | None = None,
    ) -> None:
        if len(length) != 2 or not 1 <= length[0] <= length[1]:
            raise UserError(f"data.join.words={length} must be [shortest, longest], at least 1.")
        if len(gap) != 2 or not 0 <= gap[0] <= gap[1]:
            raise UserError(f"data.join.gap={gap} must be [shortest, longest] in seconds.")
        self.words, self.sample_rate, self.gap = words, sample_rate, gap
        self.source, self.reading = words.source, [*words.reading, sample_rate]
        self._names = names or {}
        self._plans: list[list[int]] = []
        self.clips: list[Clip] = []
        for place, (part, numbers) in enumerate(parts.items()):
            check_at_least(f"data.join.{part}", counts[part], 1)
            self._plan(part, numbers, counts[part], length, torch.Generator().manual_seed(7919 + place))
        self._waves: dict[int, Tensor] = {}

    def _plan(
        self, part: str, numbers: list[int], count: int, length: list[int], generator: torch.Generator
    ) -> None:
        by_speaker: dict[str, list[int]] = defaultdict(list)
        for number in numbers:
            by_speaker[self.words.clips[number].speaker].append(number)
        speakers = sorted(by_speaker)
        for index in range(count):
            own = by_speaker[speakers[index % len(speakers)]]
            size = int(torch.randint(length[0], length[1] + 1, (), generator=generator))
            plan = [own[one] for one in torch.randint(len(own), (size,), generator=generator).tolist()]
            labels = [self.words.clips[one].label for one in plan]
            text = " ".join(self._names.get(label, label) for label in labels)
            speaker = speakers[index % len(speakers)]
            self.clips.append(Clip(f"{part} sentence {index + 1}", text=text, speaker=speaker, part=part))
            self._plans.append(plan)

    def load(self, number: int) -> Tensor:
        """Returns the wave (N,) of a sentence."""
        generator = torch.Generator().manual_seed(number)
        pieces: list[Tensor] = []
        for one in self._plans[number]:
            if one not in self._waves:
                self._waves[one] = self.words.load(one)
            seconds = self.gap[0] + (self.gap[1] - self.gap[0]) * float(torch.rand((), generator=generator))
            pieces += [torch.zeros(round(seconds * self.sample_rate)), self._waves[one]]
        return torch.cat(pieces)

    def fingerprint(self, number: int) -> str:
        """Of the words in their order, and the gaps."""
        words = "+".join(self.words.fingerprint(one) for one in self._plans[number])
        return f"{words} {number} {self.gap}"

    def notes(self) -> list[str]:
        """Those of the words."""
        return self.words.notes()
