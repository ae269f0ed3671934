"""Voices that say nothing with feeling: melody, tempo and trembling tell the emotion (after Banse & Scherer 1996)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from lstm_lab.data.speech.made.drawing import Draw, put, saw

# Syllables a second; fall of the melody over the whole in semitones; rise within a syllable in semitones; attack in
# seconds; trembling in semitones; rise at the end in semitones.
_MANNERS = {
    "neutral": (4.0, 2.0, 0.5, 0.03, 0.0, 0.0),
    "happy": (5.0, 0.0, 4.0, 0.03, 0.0, 0.0),
    "sad": (2.8, 5.0, -0.5, 0.09, 0.0, 0.0),
    "angry": (5.4, 1.0, -4.0, 0.01, 0.0, 0.0),
    "fearful": (5.0, 0.0, 0.5, 0.03, 0.9, 0.0),
    "surprised": (4.2, 0.0, 1.0, 0.03, 0.0, 9.0),
}
EMOTIONS = tuple(_MANNERS)
# Formants of five vowels in Hz (Peterson & Barney 1952, men).
_VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))


def speak(emotion: str, voice: Draw, clip: Draw, rate: int) -> Tensor:
    """Returns 1.2 to 2 s (N,) of a voice.

    The voice decides pitch, length of the throat and how fast it is used to speak; the clip how strong the feeling is.
    """
    pitch, throat, haste, bright = (
        voice.between(95, 230), voice.between(0.9, 1.2), voice.between(0.85, 1.15), voice.between(0, 6)
    )  # fmt: skip
    tempo, fall, rise, attack, tremor, end = _MANNERS[emotion]
    strength = clip.between(0.6, 1.2)
    seconds = clip.between(1.2, 2.0)
    count = round(seconds * rate)
    t = torch.arange(count) / rate
    tempo *= haste * clip.between(0.9, 1.1)
    place = (t * tempo) % 1.0  # within a syllable
    melody = pitch * 2 ** (clip.between(-1, 1) / 12) * torch.ones(count)
    semitones = -fall * strength * (t / seconds) + rise * strength * torch.sin(math.pi * place)
    semitones += end * strength * ((t / seconds - 0.65) / 0.35).clamp_min(0)
    semitones += tremor * strength * torch.sin(2 * math.pi * clip.between(6, 8) * t)
    tone = saw(melody * 2 ** (semitones / 12), rate)
    attack = attack * tempo
    envelope = (place / attack).clamp_max(1) * ((1 - place) / 0.35).clamp_max(1)
    wave = torch.zeros(count)
    starts = [math.ceil(number * rate / tempo) for number in range(int(float(t[-1]) * tempo) + 1)]
    for start, stop in zip(starts, [*starts[1:], count], strict=True):
        vowel = [hz * throat for hz in _VOWELS[clip.one_of(len(_VOWELS))]]
        put(wave, _voiced((tone * envelope)[start:stop], vowel, bright, rate), start)
    return wave


def _voiced(tone: Tensor, formants: list[float], bright: float, rate: int) -> Tensor:
    """A tone (N,) through three resonances of 90 Hz width and a slope of the voice."""
    size = 2 ** math.ceil(math.log2(len(tone) + rate // 20))  # with room for what rings on
    hz = torch.fft.rfftfreq(size, 1 / rate)
    gain = sum(1 / (1 + ((hz - formant) / 90) ** 2) for formant in formants)
    gain = (gain + 0.05) * (hz.clamp_min(100) / 100) ** (-(6 - bright) / 6.02)
    return torch.fft.irfft(torch.fft.rfft(tone, size) * gain, size)
