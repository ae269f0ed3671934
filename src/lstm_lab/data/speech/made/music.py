"""Bands that play a few bars: the same instruments and chords in every kind of music, another rhythm in each."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lstm_lab.data.speech.made.drawing import Draw, coloured, decaying, put, saw

# Steps of a bar, and on which of them instruments sound; twelve are three beats of four, or four of three (swung).
_RHYTHMS: dict[str, tuple[int, dict[str, tuple[int, ...]]]] = {
    "waltz": (12, {"bass": (0,), "chord": (4, 8), "drum": (0,), "cymbal": (4, 8)}),
    "march": (16, {"bass": (0, 8), "chord": (4, 12), "drum": (0, 8), "cymbal": (4, 12)}),
    "rock": (16, {"bass": (0, 6, 8), "chord": (0, 10), "drum": (0, 8, 10), "cymbal": (0, 4, 8, 12)}),
    "disco": (16, {"bass": (2, 6, 10, 14), "chord": (0,), "drum": (0, 4, 8, 12), "cymbal": (2, 6, 10, 14)}),
    "ska": (16, {"bass": (0, 4, 8, 12), "chord": (2, 6, 10, 14), "drum": (8,), "cymbal": (0, 8)}),
    "swing": (12, {"bass": (0, 3, 6, 9), "chord": (5, 11), "drum": (0,), "cymbal": (0, 3, 5, 6, 9, 11)}),
}
GENRES = tuple(_RHYTHMS)
_SECONDS = 3.0
_DEGREES = (0, 5, 7, 0)  # tonic, subdominant, dominant, tonic, in semitones: every kind plays them


def play(genre: str, band: Draw, clip: Draw, rate: int) -> Tensor:
    """Returns 3 s (N,) of music.

    The band decides how loud each instrument is, how long it sounds, and its tuning; the clip tempo, key and where in
    the bar it begins.
    """
    levels = {name: band.between(0.5, 1.0) for name in ("bass", "chord", "drum", "cymbal")}
    lengths = {name: band.between(0.7, 1.4) for name in levels}
    tuning = band.between(-0.5, 0.5)
    steps, rhythm = _RHYTHMS[genre]
    # However often an instrument sounds, it is as loud on the whole; and every clip is mixed anew.
    levels = {
        name: levels[name] * clip.between(0.4, 1.2) * len(places) ** -0.5 for name, places in rhythm.items()
    }
    beats = 3 if genre == "waltz" else 4
    beat = 60 / clip.between(105, 150)
    step = beat * beats / steps
    key = 45 + tuning + clip.one_of(12)  # as on a keyboard: 69 is 440 Hz
    wave = torch.zeros(round(_SECONDS * rate))
    start = -clip.between(0, 1) * beats * beat
    for bar in range(math.ceil(_SECONDS / (beats * beat)) + 1):
        root = key + _DEGREES[bar % len(_DEGREES)]
        for name, places in rhythm.items():
            for place in places:
                at = start + bar * beats * beat + place * step + clip.between(-0.008, 0.008)
                sound = _sound(name, root, lengths[name], clip, rate) * levels[name] * clip.between(0.8, 1.2)
                put(wave, sound, round(at * rate))
    return wave


def _sound(name: str, root: float, length: float, clip: Draw, rate: int) -> Tensor:
    if name == "drum":
        envelope = decaying(0.16 * length, rate)
        t = torch.arange(len(envelope)) / rate
        return 1.6 * envelope * torch.sin(2 * math.pi * (60 * t + 1.2 * (1 - torch.exp(-40 * t))))
    if name == "cymbal":
        envelope = decaying(0.09 * length, rate)
        return 0.7 * envelope * coloured(clip.normal(len(envelope)), 2200, rate / 2, 0, rate)
    seconds = (0.3 if name == "bass" else 0.22) * length
    notes = (root - 12,) if name == "bass" else (root + 12, root + 16, root + 19)
    envelope = decaying(seconds, rate)
    tones = [
        saw(torch.full_like(envelope, 440 * 2 ** ((note - 69) / 12)), rate, clip.between(0, 1))
        for note in notes
    ]
    return envelope * torch.stack(tones).sum(0) / len(notes) ** 0.5
