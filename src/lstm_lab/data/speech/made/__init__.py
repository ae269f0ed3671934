"""Sounds made by formulas: emotions of voices, kinds of music, scenes; nothing is read from disk.

In each, what a class is lies in how things follow one another; timbre, level and noise are drawn for each source, so
that the mean spectrum says little.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.made.drawing import Draw
from lstm_lab.data.speech.made.emotions import EMOTIONS, speak
from lstm_lab.data.speech.made.music import GENRES, play
from lstm_lab.data.speech.made.scenes import SCENES, surround
from lstm_lab.errors import UserError, check_at_least, check_choice

Making = Callable[[str, Draw, Draw, int], Tensor]
KINDS: dict[str, tuple[tuple[str, ...], Making]] = {
    "emotions": (EMOTIONS, speak),
    "music": (GENRES, play),
    "scenes": (SCENES, surround),
}
"""By its word the classes, and what makes a clip of its class, the source's draws, the clip's own, and a rate."""


class MadeSounds:
    """Clips of one kind by many sources: voices, bands or places, which differ in everything but the class.

    Args:
        kind: ``emotions``, ``music`` or ``scenes``.
        count: clips in all.
        sources: that make them, by turns; no two alike.
        snr: ``[low, high]``, signal-to-noise ratio in dB.
        sample_rate: in Hz, at least 4000.

    Raises:
        UserError: for numbers that cannot be.
    """

    columns: tuple[str, ...] = ()
    source = "package"

    def __init__(
        self,
        kind: str,
        count: int = 720,
        sources: int = 20,
        snr: list[float] | None = None,
        sample_rate: int = 8000,
    ) -> None:
        check_choice("data.made.kind", kind, KINDS)
        self.labels, self._make = KINDS[kind]
        check_at_least("data.made.sources", sources, 5)
        check_at_least("data.made.count", count, sources * len(self.labels))
        if sample_rate < 4000:
            raise UserError(f"data.sample_rate={sample_rate}: made sounds need at least 4000 Hz.")
        self.kind, self.sample_rate, self.snr = kind, sample_rate, list(snr or [10.0, 30.0])
        if len(self.snr) != 2 or not self.snr[0] <= self.snr[1]:
            raise UserError(f"data.made.snr={self.snr} must be [low, high] in dB.")
        self.reading = [sample_rate]
        # Every source has every class, and as often as the others.
        self.clips = [
            Clip(
                f"{kind} {number}",
                label=self.labels[number % len(self.labels)],
                speaker=f"source {number // len(self.labels) % sources + 1:02}",
            )
            for number in range(count)
        ]

    def load(self, number: int) -> Tensor:
        """Makes the wave (N,) of a clip; the same number gives the same wave."""
        clip, own = self.clips[number], Draw(1_000_003 + number)
        wave = self._make(clip.label, Draw(int(clip.speaker.split()[1])), own, self.sample_rate)
        wave = wave / wave.square().mean().sqrt().clamp_min(1e-6)
        noise = own.normal(len(wave)) / 10 ** (own.between(*self.snr) / 20)
        wave = wave + noise
        return 10 ** (own.between(-20, 0) / 20) * wave / wave.abs().max()

    def fingerprint(self, number: int) -> str:
        """The recipe itself."""
        clip = self.clips[number]
        return f"{clip.name} {clip.label} {clip.speaker} {self.snr} {self.sample_rate}"

    def notes(self) -> list[str]:
        """Nothing can be wrong with them."""
        return []
