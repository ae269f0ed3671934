"""Waves made different while training: speed, reverberation, noise, gain and shift; in batch, on the device.

Every sample draws for itself, and padding stays silent. All take a generator, and torch's own without one,
whose state a resumed run continues.

Shapes: B waves, N samples of the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_lab.errors import UserError
from lstm_lab.features.resample import resample


def change_speed(
    waves: Tensor, lengths: Tensor, speeds: Sequence[float], generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """Plays each wave at one of `speeds`, which changes pitch and formants as well: another, shorter or taller speaker.

    Ko et al. 2015, "Audio Augmentation for Speech Recognition". 1.1 is 10 % faster.

    Returns:
        The waves, padded to the longest, and their lengths.

    Raises:
        UserError: for a speed outside 0.5 to 2.
    """
    for speed in speeds:
        if not 0.5 <= speed <= 2:
            raise UserError(f"model.frontend.speeds: {speed} must be from 0.5 to 2; 1 is as recorded.")
    choice = torch.randint(len(speeds), (len(waves),), generator=generator, device=waves.device)
    factors = torch.tensor(speeds, device=waves.device)[choice]
    new = torch.ceil(lengths / factors - 1e-4).long().clamp(min=1)
    # The longest possible, not the longest drawn: asking the device for that would wait for it.
    result = waves.new_zeros(len(waves), -(-waves.shape[1] * 100 // round(100 * min(speeds))))
    for number, speed in enumerate(speeds):
        rows = (choice == number).nonzero().flatten()
        changed = resample(waves[rows], round(100 * speed), 100)
        result[rows, : changed.shape[1]] = changed
    return _blank_padding(result, new), new


def add_reverb(
    waves: Tensor, lengths: Tensor, longest: float, sample_rate: int, generator: torch.Generator | None = None
) -> Tensor:
    """Lets half of the waves sound as in a room whose echo falls by 60 dB within up to `longest` seconds.

    The room is white noise that decays exponentially behind the direct sound (Polack's model).
    """
    reach = max(round(longest * sample_rate), 2)
    draw: dict[str, Any] = {"generator": generator, "device": waves.device}
    seconds = (0.1 + 0.9 * torch.rand(len(waves), 1, **draw)) * longest
    times = torch.arange(reach, device=waves.device)[None, :] / sample_rate
    echo = torch.randn(len(waves), reach, **draw) * torch.exp(-6.9 * times / seconds)
    loudness = 0.5 * torch.rand(len(waves), 1, **draw) * (torch.rand(len(waves), 1, **draw) < 0.5)
    echo = echo / echo.square().sum(dim=1, keepdim=True).sqrt() * loudness
    echo[:, 0] = 1.0  # the direct sound
    size = waves.shape[1] + reach
    wet = torch.fft.irfft(torch.fft.rfft(waves, size) * torch.fft.rfft(echo, size), size)
    return _blank_padding(wet[:, : waves.shape[1]], lengths)


def add_noise(
    waves: Tensor, lengths: Tensor, snr: Sequence[float], generator: torch.Generator | None = None
) -> Tensor:
    """Adds noise at a signal-to-noise ratio drawn from ``[low, high]`` dB; its colour lies between white and pink."""
    low, high = snr
    draw: dict[str, Any] = {"generator": generator, "device": waves.device}
    spectrum = torch.fft.rfft(torch.randn(waves.shape, **draw))
    tilt = 0.5 * torch.rand(len(waves), 1, **draw)  # amplitude falls as f^-tilt; 0.5 is pink
    frequency = torch.arange(1, spectrum.shape[1] + 1, device=waves.device)[None, :]
    noise = _blank_padding(torch.fft.irfft(spectrum * frequency**-tilt, waves.shape[1]), lengths)
    ratio = low + (high - low) * torch.rand(len(waves), 1, **draw)
    wanted = _power(waves, lengths) / 10 ** (ratio / 10)
    return waves + noise * (wanted / _power(noise, lengths).clamp(min=1e-12)).sqrt()


def change_gain(waves: Tensor, decibels: float, generator: torch.Generator | None = None) -> Tensor:
    """Makes each wave up to so many decibels louder or softer."""
    drawn = 2 * torch.rand(len(waves), 1, generator=generator, device=waves.device) - 1
    return waves * 10 ** (decibels * drawn / 20)


def shift(waves: Tensor, lengths: Tensor, share: float, generator: torch.Generator | None = None) -> Tensor:
    """Moves each wave within its length by up to `share` of it; silence enters behind it."""
    drawn = 2 * torch.rand(len(waves), generator=generator, device=waves.device) - 1
    moved = (drawn * share * lengths).long()[:, None]
    source = torch.arange(waves.shape[1], device=waves.device)[None, :] - moved
    inside = (source >= 0) & (source < lengths[:, None])
    found = waves.gather(1, source.clamp(0, waves.shape[1] - 1))
    return _blank_padding(torch.where(inside, found, 0.0), lengths)


def _blank_padding(waves: Tensor, lengths: Tensor) -> Tensor:
    real = torch.arange(waves.shape[1], device=waves.device)[None, :] < lengths[:, None]
    return torch.where(real, waves, 0.0)


def _power(waves: Tensor, lengths: Tensor) -> Tensor:
    """Mean square (B, 1) of waves whose padding is zero."""
    return waves.square().sum(dim=1, keepdim=True) / lengths.clamp(min=1)[:, None]
