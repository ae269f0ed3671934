"""Places to be heard: one noise in all of them, coloured by the place; what happens in it tells the scene."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lstm_lab.data.speech.made.drawing import Draw, coloured, decaying, put, smooth

SCENES = ("rain", "wind", "waves", "train", "footsteps", "birds")
_SECONDS = 3.0


def surround(scene: str, place: Draw, clip: Draw, rate: int) -> Tensor:
    """Returns 3 s (N,) of a scene.

    The place decides the colour of its noise and how far away things usually are; the clip when they happen.
    """
    low, high = place.between(60, 300), place.between(0.25, 0.45) * rate
    tilt = place.between(0, 4) + clip.between(0, 2)
    near = place.between(0.7, 1.4) * clip.between(0.4, 1.6)
    count = round(_SECONDS * rate)
    t = torch.arange(count) / rate
    noise = coloured(clip.normal(count), low, high, tilt, rate)
    if scene == "wind":  # gusts whenever they like
        return noise * (0.15 + near * smooth(clip.normal(7).abs(), count))
    if scene == "waves":  # swells that rise slowly, break, and come again
        swell = (t * clip.between(0.55, 0.85) + clip.between(0, 1)) % 1.0
        return noise * (0.1 + 1.5 * near * torch.where(swell < 0.7, (swell / 0.7) ** 2, (1 - swell) / 0.3))
    wave = 0.25 * noise
    for start, sound in _events(scene, clip, rate):
        put(wave, near * sound, round(start * rate))
    return wave


def _events(scene: str, clip: Draw, rate: int) -> list[tuple[float, Tensor]]:
    """What happens when: seconds and sounds."""
    if scene == "rain":  # drops at any time
        return [(clip.between(0, _SECONDS), _knock(clip, 0.03, rate)) for _ in range(70 + clip.one_of(50))]
    if scene == "train":  # two wheels over each gap of the rails
        every, apart, first = clip.between(0.5, 0.75), clip.between(0.1, 0.14), clip.between(0, 0.5)
        gaps = [first + number * every for number in range(int((_SECONDS - first) / every) + 1)]
        return [(at + more, 2.5 * _knock(clip, 0.08, rate)) for at in gaps for more in (0.0, apart)]
    if scene == "footsteps":  # one at a time, nearly even
        every, first = clip.between(0.42, 0.62), clip.between(0, 0.4)
        steps = [first + number * every for number in range(int((_SECONDS - first) / every) + 1)]
        return [(at + clip.between(-0.02, 0.02), 2.5 * _knock(clip, 0.08, rate)) for at in steps]
    calls = [clip.between(0, _SECONDS - 0.3) for _ in range(3 + clip.one_of(3))]
    return [(at + 0.11 * note, _chirp(clip, rate)) for at in calls for note in range(2 + clip.one_of(3))]


def _knock(clip: Draw, seconds: float, rate: int) -> Tensor:
    """A short sound of no pitch."""
    envelope = decaying(seconds * clip.between(0.8, 1.2), rate)
    return envelope * coloured(clip.normal(len(envelope)), 200, 0.45 * rate, 1.5, rate)


def _chirp(clip: Draw, rate: int) -> Tensor:
    """A whistle that glides."""
    count = round(clip.between(0.06, 0.09) * rate)
    t = torch.arange(count) / rate
    first, last = clip.between(0.25, 0.42) * rate, clip.between(0.25, 0.42) * rate
    turns = first * t + (last - first) * t**2 / (2 * count / rate)
    return 0.9 * torch.sin(2 * math.pi * turns) * torch.sin(math.pi * torch.arange(count) / count)
