"""What stands before the core for sounds: padding never counts, training alone augments, streams are exact."""

import math

import pytest
import torch

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError
from lstm_lab.features.audio import AudioFeatures
from lstm_lab.features.cmvn import level, limit_range, per_clip
from lstm_lab.features.specaugment import tilt
from lstm_lab.features.stream import FeatureStream
from lstm_lab.nets.speech import SpeechFrontend
from lstm_lab.nets.speech_stream import SpeechStream
from lstm_lab.spec import Values

MELS = Values(tuple(f"mel{number}" for number in range(12)))
WAVE = Values(("wave",))
SETTINGS = {"sample_rate": 8000, "window": 0.032, "n_mels": 12}
STATISTICS = {"mean": [0.5] * 12, "std": [2.0] * 12}
CONVOLUTIONS = {"channels": [3, 4], "kernel": [3, 5], "time_strides": [2, 1]}


def padded(counts, size=12, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return Batch.pad([torch.randn(count, size, generator=generator) for count in counts])


@pytest.mark.parametrize("normalise", ["global", "level", "clip", "none"])
@pytest.mark.parametrize("more", [{}, {"dynamic_range": 3.0}, CONVOLUTIONS])
def test_padding_changes_nothing(normalise, more):
    torch.manual_seed(0)
    front = SpeechFrontend(MELS, STATISTICS, normalise=normalise, **more).eval()
    batch = padded([9, 4, 1, 12])
    together, lengths = front(batch)
    for row in range(4):
        one = Batch(
            batch.inputs[row : row + 1, : batch.lengths[row]], batch.lengths[row : row + 1], batch.keys[:1]
        )
        alone, length = front(one)
        assert length == lengths[row]
        torch.testing.assert_close(together[row, :length], alone[0])
        assert not together[row, length:].any()


def test_subsampling_is_what_comes_out():
    front = SpeechFrontend(MELS, STATISTICS, channels=[2, 2], time_strides=[2, 3])
    for frames in (1, 5, 6, 7, 13):
        x, lengths = front(padded([frames]))
        assert x.shape[1] == lengths[0] == front.steps(torch.tensor(frames)) == -(-((frames + 1) // 2) // 3)
        assert x.shape[2] == front.output_size
    assert front.subsampling == 6


def test_waves_and_features_give_the_same():
    counts = [700, 1500]
    waves = padded(counts, 1)
    features, lengths = AudioFeatures(**SETTINGS)(waves.inputs[..., 0], waves.lengths)
    by_wave = SpeechFrontend(WAVE, {**STATISTICS, "features": SETTINGS}).eval()
    by_features = SpeechFrontend(MELS, STATISTICS).eval()
    assert torch.equal(by_wave(waves)[0], by_features(Batch(features, lengths, waves.keys))[0])


def test_only_training_augments_and_the_seed_decides():
    statistics = {**STATISTICS, "features": SETTINGS}
    settings = {
        "speeds": [0.9, 1.1],
        "noise": [5, 20],
        "gain": 3.0,
        "shift": 0.1,
        "reverb": 0.1,
        "time_masks": 2,
    }
    front = SpeechFrontend(WAVE, statistics, **settings)
    waves = padded([900, 1500], 1)
    torch.manual_seed(1)
    first = front(waves)[0]
    torch.manual_seed(1)
    assert torch.equal(front(waves)[0], first)
    assert not torch.equal(front(waves)[0], first)
    front.eval()
    assert torch.equal(front(waves)[0], front(waves)[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"speeds": [0.9]}, "add data.inputs=wave"),
        ({"channels": [4], "time_strides": [1, 2]}, "for each of"),
        ({"channels": [4], "kernel": [4, 3]}, "two odd numbers"),
        ({"normalise": "all"}, "all is not known"),
        ({"dynamic_range": -1}, "at least 0"),
    ],
)
def test_impossible_settings(settings, message):
    with pytest.raises(UserError, match=message):
        SpeechFrontend(MELS, STATISTICS, **settings)


def test_decibels_need_power():
    series = Values(("height", "weight"))
    with pytest.raises(UserError, match="not of 'height'"):
        SpeechFrontend(series, {}, tilt=3.0)


def test_a_range_in_decibels_by_hand():
    power = torch.tensor([[[1.0, 100.0], [0.001, 10.0], [1e9, 1e9]]])
    found = limit_range(power.log(), torch.tensor([2]), 30.0)[0, :2].exp()
    torch.testing.assert_close(found, torch.tensor([[1.0, 100.0], [0.1, 10.0]]))  # 30 dB below 100


def test_a_level_by_hand():
    found = level(torch.tensor([[[0.0, 2.0], [4.0, 2.0], [9.0, 9.0]]]), torch.tensor([2]))
    deviation = 2**0.5
    torch.testing.assert_close(found[0], torch.tensor([[-2.0, 0.0], [2.0, 0.0], [0.0, 0.0]]) / deviation)


def test_a_level_frees_of_loudness_and_range_but_keeps_the_bands_apart():
    features = torch.randn(1, 20, 6) + torch.arange(6.0)
    lengths = torch.tensor([20])
    torch.testing.assert_close(level(features, lengths), level(3 * features + 5, lengths))
    assert level(features, lengths).mean(1)[0, -1] > 1 > -1 > level(features, lengths).mean(1)[0, 0]
    assert per_clip(features, lengths).mean(1).abs().max() < 1e-5


def test_a_tilt_is_a_slope_and_a_bow_of_the_size_that_was_asked_for():
    changes = tilt(torch.zeros(4000, 1, 41), 3.0, torch.Generator().manual_seed(0))[:, 0] * 10 / math.log(10)
    slope = (changes[:, -1] - changes[:, 0]) / 2
    bow = (changes[:, -1] + changes[:, 0]) / 2
    assert slope.std().item() == pytest.approx(3.0, rel=0.05)
    assert bow.std().item() == pytest.approx(1.5, rel=0.05)
    middle = changes[:, 20]  # the bow is -1/2 there, the slope 0
    torch.testing.assert_close(middle, -bow / 2, atol=1e-5, rtol=1e-5)


def pieces(count, seed):
    """Cuts that cover `count` in pieces of any size, some empty."""
    generator = torch.Generator().manual_seed(seed)
    cuts = torch.randint(0, count + 1, (5,), generator=generator).sort().values.tolist()
    return list(zip([0, *cuts], [*cuts, count], strict=True))


@pytest.mark.parametrize("style", ["librosa", "kaldi"])
@pytest.mark.parametrize("seed", range(4))
def test_features_of_pieces_are_those_of_the_whole(style, seed):
    front = AudioFeatures(style=style, deltas=seed % 3, **SETTINGS)
    wave = torch.randn(2345, generator=torch.Generator().manual_seed(seed))
    stream = FeatureStream(front)
    cuts = pieces(2345, seed)
    found = torch.cat([stream.push(wave[a:b], last=n == len(cuts) - 1) for n, (a, b) in enumerate(cuts)])
    whole = front(wave[None], torch.tensor([2345]))[0][0]
    torch.testing.assert_close(found, whole)


@pytest.mark.parametrize("more", [{}, CONVOLUTIONS, {"channels": [2, 2], "time_strides": [2, 3]}])
@pytest.mark.parametrize("seed", range(4))
def test_steps_of_pieces_are_those_of_the_whole(more, seed):
    torch.manual_seed(seed)
    front = SpeechFrontend(MELS, STATISTICS, **more).eval()
    batch = padded([57], seed=seed)
    whole, lengths = front(batch)
    stream, cuts = SpeechStream(front), pieces(57, seed)
    found = [stream.push(batch.inputs[0, a:b], last=n == len(cuts) - 1) for n, (a, b) in enumerate(cuts)]
    torch.testing.assert_close(torch.cat(found), whole[0].detach(), rtol=1e-4, atol=1e-5)
    assert stream.given == int(lengths)


def test_what_is_measured_over_a_clip_cannot_be_streamed():
    with pytest.raises(UserError, match="normalise=global"):
        SpeechStream(SpeechFrontend(MELS, STATISTICS, normalise="clip"))
