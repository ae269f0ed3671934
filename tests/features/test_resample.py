"""Tones keep their pitch, level and place at another rate, and what no longer fits is gone."""

import math

import pytest
import torch

from lstm_lab.features.resample import resample


def tone(hz, rate, seconds=0.25):
    return torch.sin(2 * math.pi * hz * torch.arange(int(rate * seconds), dtype=torch.float64) / rate).float()


@pytest.mark.parametrize(("old", "new"), [(8000, 16000), (16000, 8000), (44100, 16000), (11025, 8000)])
@pytest.mark.parametrize("hz", [100, 1000, 3000])
def test_a_tone_is_the_same_tone(old, new, hz):
    ours, meant = resample(tone(hz, old), old, new), tone(hz, new)
    inside = slice(100, len(meant) - 100)
    assert (ours[: len(meant)] - meant)[inside].abs().max() < 2e-5


def test_what_is_above_the_new_half_rate_vanishes():
    assert resample(tone(5000, 16000), 16000, 8000)[100:-100].abs().max() < 1e-4


@pytest.mark.parametrize(
    ("count", "old", "new", "expected"), [(1, 8000, 16000, 2), (7, 3, 2, 5), (0, 2, 1, 0)]
)
def test_lengths_are_exact(count, old, new, expected):
    assert resample(torch.ones(2, count), old, new).shape == (2, expected)


def test_no_wave_at_all():
    assert resample(torch.ones(0, 9), 2, 1).shape == (0, 5)


def test_the_same_rate_is_the_same_wave():
    wave = torch.randn(50)
    assert resample(wave, 8000, 8000) is wave
