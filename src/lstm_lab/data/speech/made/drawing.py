"""Random numbers and the shapes that made sounds are put together from."""

from __future__ import annotations

import math

import torch
from torch import Tensor


class Draw:
    """Random numbers of one source or one clip: the same number gives the same ones."""

    def __init__(self, number: int) -> None:
        self._generator = torch.Generator().manual_seed(number)

    def between(self, low: float, high: float) -> float:
        """One number, all equally likely."""
        return low + (high - low) * float(torch.rand((), generator=self._generator))

    def one_of(self, count: int) -> int:
        """A whole number from 0 to before `count`."""
        return int(torch.randint(count, (), generator=self._generator))

    def normal(self, count: int) -> Tensor:
        """(N,) of normal noise."""
        return torch.randn(count, generator=self._generator)


def coloured(noise: Tensor, low: float, high: float, tilt: float, rate: int) -> Tensor:
    """Noise (N,) between two frequencies, its spectrum falling by `tilt` dB an octave."""
    hz = torch.fft.rfftfreq(len(noise), 1 / rate)
    gain = (hz.clamp_min(1.0) / max(low, 1.0)) ** (-tilt / 6.02)
    gain = gain / (1 + (low / hz.clamp_min(1.0)) ** 4) / (1 + (hz / high) ** 4)
    shaped = torch.fft.irfft(torch.fft.rfft(noise) * gain, len(noise))
    return shaped / shaped.square().mean().sqrt().clamp_min(1e-9)


def smooth(points: Tensor, count: int) -> Tensor:
    """Points (P,) as a line of `count` samples."""
    return torch.nn.functional.interpolate(points[None, None], count, mode="linear", align_corners=True)[0, 0]


def put(wave: Tensor, sound: Tensor, start: int) -> None:
    """Adds a sound to a wave from a sample on; what does not fit is cut."""
    end = min(len(wave), start + len(sound))
    if 0 <= start < end:
        wave[start:end] += sound[: end - start]


def decaying(seconds: float, rate: int) -> Tensor:
    """An envelope that begins at once and falls to a thousandth."""
    count = max(2, round(seconds * rate))
    return torch.exp(-math.log(1000) * torch.arange(count) / count)


def saw(hz: Tensor, rate: int, phase: float = 0.0) -> Tensor:
    """A saw tooth (N,) of a pitch that moves, its overtones cut where they would fold back."""
    turns = torch.cumsum(hz.double() / rate, 0) + phase
    x = 2 * (turns % 1.0) - 1
    # A parabola at each jump takes off what lies above half the rate (PolyBLEP, Välimäki & Huovilainen 2007).
    step, place = hz.double() / rate, turns % 1.0
    before, after = (place - 1) / step, place / step
    x = x - torch.where(after < 1, 2 * after - after**2 - 1, torch.zeros_like(x))
    return (x - torch.where(before > -1, before**2 + 2 * before + 1, torch.zeros_like(x))).float()
