"""Made sounds: the same clip every time, each source with all classes, and what a class is by definition."""

from itertools import pairwise

import pytest
import torch

from lstm_lab.data import SpeechFeaturesDataModule
from lstm_lab.data.speech.made import KINDS, MadeSounds
from lstm_lab.data.speech.made.drawing import Draw, coloured, decaying, put, saw
from lstm_lab.data.speech.made.emotions import speak
from lstm_lab.data.speech.made.music import play
from lstm_lab.data.speech.made.scenes import surround
from lstm_lab.errors import UserError

RATE = 8000


@pytest.mark.parametrize("kind", KINDS)
def test_a_clip_is_its_number(kind):
    made = MadeSounds(kind, 120, sources=10)
    classes = KINDS[kind][0]
    for number in (0, 7):
        wave = made.load(number)
        assert torch.equal(wave, MadeSounds(kind, 480, sources=10).load(number))
        assert bool(torch.isfinite(wave).all())
        assert 0.09 < float(wave.abs().max()) <= 1
        assert RATE <= len(wave) <= 4 * RATE
    assert not torch.equal(made.load(0)[:RATE], made.load(60)[:RATE])  # same source and class, another clip
    pairs = {(clip.speaker, clip.label) for clip in made.clips}
    assert len(pairs) == 10 * len(classes)
    assert {clip.label for clip in made.clips} == set(classes)


def test_parts_share_no_source():
    data = SpeechFeaturesDataModule(
        "music", "made", sample_rate=RATE, made={"kind": "music", "count": 60, "sources": 10},
        features={"hop": 0.05, "n_mels": 20},
    )  # fmt: skip
    data.setup()
    found = {part: {data.clips[number].speaker for number in rows} for part, rows in data._parts.items()}
    assert not found["train"] & found["test"]
    assert not found["validation"] & (found["train"] | found["test"])
    assert "speakers who are in no other part" in data.protocol


def onsets(wave, hop=80):
    """Where the energy rises at once, in seconds."""
    energy = wave.unfold(0, hop, hop).square().mean(1).sqrt()
    rises = energy[1:] > 3 * energy[:-1] + 0.05 * energy.max()
    return ((rises.nonzero().flatten() + 1) * hop / RATE).tolist()


def pitch(wave, start, stop):
    """By autocorrelation, between 60 and 500 Hz."""
    piece = wave[int(start * len(wave)) : int(stop * len(wave))]
    spectrum = torch.fft.rfft(piece, 2 * len(piece)).abs().square()
    correlation = torch.fft.irfft(spectrum)[RATE // 500 : RATE // 60]
    return RATE / (int(correlation.argmax()) + RATE // 500)


def test_surprise_rises_at_the_end_and_sadness_falls():
    def moved(emotion):
        wave = speak(emotion, Draw(3), Draw(11), RATE)
        return pitch(wave, 0.9, 0.99) / pitch(wave, 0.0, 0.35)

    assert moved("surprised") > 1.25
    assert moved("sad") < 1.0 < moved("surprised") / moved("neutral")


def test_a_train_knocks_twice_and_a_walker_once():
    def gaps(scene):
        found = onsets(surround(scene, Draw(2), Draw(5), RATE))
        return [after - before for before, after in pairwise(found)]

    train, walker = gaps("train"), gaps("footsteps")
    assert min(train) < 0.16 < 0.3 < max(train)
    assert min(walker) > 0.3


def test_waltz_and_disco_differ_in_rhythm_alone():
    assert (
        len(play("waltz", Draw(1), Draw(4), RATE)) == len(play("disco", Draw(1), Draw(4), RATE)) == 3 * RATE
    )
    assert not torch.equal(play("waltz", Draw(1), Draw(4), RATE), play("disco", Draw(1), Draw(4), RATE))


def test_shapes_that_sounds_are_made_of():
    tone = saw(torch.full((RATE,), 100.0), RATE)
    spectrum = torch.fft.rfft(tone).abs()
    assert int(spectrum.argmax()) == 100
    assert float(spectrum[200] / spectrum[100]) == pytest.approx(0.5, abs=0.02)
    noise = torch.fft.rfft(coloured(Draw(0).normal(RATE), 200, 2000, 0, RATE)).abs()
    assert float(noise[400:1500].mean()) > 10 * float(noise[3500:].mean())
    assert float(decaying(0.1, RATE)[-1]) == pytest.approx(1e-3, rel=0.02)
    wave = torch.zeros(4)
    put(wave, torch.ones(3), 2)
    put(wave, torch.ones(3), -1)
    assert wave.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"kind": "emotion"}, "data.made.kind=emotion is not known. Did you mean 'emotions'"),
        ({"kind": "music", "sources": 3}, "data.made.sources=3 is too small"),
        ({"kind": "music", "count": 60}, "data.made.count=60 is too small: it must be at least 120"),
        ({"kind": "music", "snr": [3]}, "must be .low, high. in dB"),
        ({"kind": "music", "sample_rate": 2000}, "made sounds need at least 4000 Hz"),
    ],
)
def test_mistakes(settings, line):
    with pytest.raises(UserError, match=line):
        MadeSounds(**settings)
