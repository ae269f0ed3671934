"""Telephone tones: the keys of a phone in noise, made from the frequencies of the standard, so that nothing is read.

ITU-T Recommendation Q.23 (1988): each of 16 keys is one of four low and one of four high frequencies together.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lstm_lab.data.speech.clips import Clip
from lstm_lab.errors import UserError, check_at_least

LOW = (697.0, 770.0, 852.0, 941.0)
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = ("123A", "456B", "789C", "*0#D")
FREQUENCIES = {
    key: (LOW[row], HIGH[column]) for row, keys in enumerate(KEYS) for column, key in enumerate(keys)
}

SAMPLE_RATE = 8000
# Which tones belong to which part, of every ten of a key.
_PARTS = ("train",) * 7 + ("validation",) + ("test",) * 2


class ToneRecordings:
    """Keys, or numbers of several keys, each with its own level, twist, length and noise.

    Args:
        count: clips in all; seven tenths train, one validates, two test.
        keys: ``[shortest, longest]``, keys in a clip.
        snr: ``[low, high]``, signal-to-noise ratio in dB.
        sample_rate: in Hz; at least 4000, for the highest tone is 1633 Hz.

    Raises:
        UserError: for numbers that cannot be.
    """

    columns: tuple[str, ...] = ()
    source = "package"

    def __init__(self, count: int, keys: list[int], snr: list[float], sample_rate: int = SAMPLE_RATE) -> None:
        check_at_least("data.tones.count", count, 160)
        if sample_rate < 4000:
            raise UserError(f"data.sample_rate={sample_rate}: tones up to 1633 Hz need at least 4000 Hz.")
        if len(keys) != 2 or not 1 <= keys[0] <= keys[1]:
            raise UserError(f"data.tones.keys={keys} must be [shortest, longest], at least 1.")
        if len(snr) != 2 or not snr[0] <= snr[1]:
            raise UserError(f"data.tones.snr={snr} must be [low, high] in dB.")
        self.sample_rate, self.snr = sample_rate, snr
        self.reading = [sample_rate]
        self._texts = [self._keys_of(number, keys) for number in range(count)]
        self.clips = [
            Clip(f"tone {number}", label=text[0], text=text, part=_PARTS[(number // 16) % 10])
            for number, text in enumerate(self._texts)
        ]

    def load(self, number: int) -> Tensor:
        """Makes the wave (N,) of a clip; the same number gives the same wave."""
        generator = torch.Generator().manual_seed(number)
        pieces = [self._silence(0.02, 0.06, generator)]
        for key in self._texts[number]:
            pieces += [self._tone(key, generator), self._silence(0.03, 0.09, generator)]
        wave = torch.cat(pieces)
        ratio = self.snr[0] + (self.snr[1] - self.snr[0]) * _draw(generator)
        power = wave.square().sum() / (wave != 0).sum()
        noise = torch.randn(len(wave), generator=generator) * math.sqrt(float(power) / 10 ** (ratio / 10))
        wave = wave + noise
        return 0.5 * wave / wave.abs().max()

    def fingerprint(self, number: int) -> str:
        """The recipe itself."""
        return f"tone {number} {self._texts[number]} {self.snr} {self.sample_rate}"

    def notes(self) -> list[str]:
        """Nothing can be wrong with them."""
        return []

    def _keys_of(self, number: int, keys: list[int]) -> str:
        """The first key takes turns, so that every class has as many clips; the others are drawn."""
        generator = torch.Generator().manual_seed(10_000_019 + number)
        names = list(FREQUENCIES)
        length = int(torch.randint(keys[0], keys[1] + 1, (), generator=generator))
        more = torch.randint(16, (length - 1,), generator=generator).tolist()
        return names[number % 16] + "".join(names[one] for one in more)

    def _tone(self, key: str, generator: torch.Generator) -> Tensor:
        """40 to 120 ms of two sines: each up to 1.5 % off its frequency, the higher up to 4 dB louder or softer."""
        low, high = (hz * (1 + 0.015 * (2 * _draw(generator) - 1)) for hz in FREQUENCIES[key])
        count = round((0.04 + 0.08 * _draw(generator)) * self.sample_rate)
        t = torch.arange(count) / self.sample_rate
        twist = 10 ** (4 * (2 * _draw(generator) - 1) / 20)
        phases = [2 * math.pi * _draw(generator) for _ in range(2)]
        first = torch.sin(2 * math.pi * low * t + phases[0])
        return 0.3 * (first + twist * torch.sin(2 * math.pi * high * t + phases[1]))

    def _silence(self, shortest: float, longest: float, generator: torch.Generator) -> Tensor:
        return torch.zeros(round((shortest + (longest - shortest) * _draw(generator)) * self.sample_rate))


def _draw(generator: torch.Generator) -> float:
    return float(torch.rand((), generator=generator))
