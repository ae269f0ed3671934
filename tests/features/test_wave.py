"""Augmentations do what they say, to each sample by itself, and never touch padding."""

import math

import pytest
import torch

from lstm_lab.errors import UserError
from lstm_lab.features import wave as augment
from lstm_lab.features.cmvn import moments, per_clip
from lstm_lab.features.specaugment import spec_augment

LENGTHS = torch.tensor([800, 500, 30])


def batch():
    waves = torch.sin(torch.arange(800) * 0.3).repeat(3, 1)
    return torch.where(torch.arange(800) < LENGTHS[:, None], waves, 0.0)


def seeded(number=0):
    return torch.Generator().manual_seed(number)


CHANGES = {
    "reverb": lambda w, g: augment.add_reverb(w, LENGTHS, 0.05, 8000, g),
    "noise": lambda w, g: augment.add_noise(w, LENGTHS, [0, 20], g),
    "gain": lambda w, g: augment.change_gain(w, 6, g),
    "shift": lambda w, g: augment.shift(w, LENGTHS, 0.2, g),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_seed_decides_and_padding_stays_silent(change):
    waves = batch()
    once, again, other = change(waves, seeded()), change(waves, seeded()), change(waves, seeded(1))
    assert torch.equal(once, again)
    assert not torch.equal(once, other)
    assert not torch.where(torch.arange(800) < LENGTHS[:, None], 0.0, once).any()
    assert once.isfinite().all()


def test_noise_has_the_ratio_that_was_asked_for():
    waves = batch()
    noise = augment.add_noise(waves, LENGTHS, [10, 10], seeded()) - waves
    ratio = waves.square().sum(1) / noise.square().sum(1)
    assert torch.allclose(10 * ratio.log10(), torch.full((3,), 10.0), atol=1e-3)


def test_noise_leaves_silence_silent():
    assert not augment.add_noise(torch.zeros(1, 100), torch.tensor([100]), [0, 10], seeded()).any()


def test_speed_changes_length_and_pitch():
    wave = torch.sin(2 * math.pi * 500 * torch.arange(4000) / 8000)[None]
    faster, lengths = augment.change_speed(wave, torch.tensor([4000]), [1.25])
    assert lengths.tolist() == [3200]
    spectrum = torch.fft.rfft(faster[0, :3200]).abs()
    assert float(spectrum.argmax()) * 8000 / 3200 == pytest.approx(625, abs=3)


def test_speed_one_changes_nothing():
    waves = batch()
    same, lengths = augment.change_speed(waves, LENGTHS, [1.0])
    assert torch.equal(same, waves)
    assert torch.equal(lengths, LENGTHS)


def test_speeds_that_nobody_drew_are_no_trouble():
    changed, lengths = augment.change_speed(batch(), LENGTHS, [0.8, 0.9, 1.0, 1.1, 1.2], seeded())
    assert (changed.shape[0], len(set(lengths.tolist()))) == (3, 3)


def test_a_wild_speed_is_refused():
    with pytest.raises(UserError, match=r"from 0\.5 to 2"):
        augment.change_speed(batch(), LENGTHS, [3.0])


def test_masks_differ_between_samples_and_end_with_them():
    features = torch.ones(64, 50, 24)
    lengths = torch.arange(64) % 50 + 1
    masked = spec_augment(
        features, lengths, time_masks=2, time_share=0.2, feature_masks=0, generator=seeded()
    )
    blank = masked == 0
    inside = torch.arange(50)[None, :] < lengths[:, None]
    assert not (blank.all(2) & ~inside).any()
    assert len({tuple(row.tolist()) for row in blank[40:49].all(2)}) > 5
    assert (blank.all(2).sum(1) <= torch.ceil(0.4 * lengths) + 1).all()
    again = spec_augment(features, lengths, time_masks=2, time_share=0.2, feature_masks=0, generator=seeded())
    assert torch.equal(masked, again)


def test_a_blanked_band_is_blank_in_its_slopes_too():
    masked = spec_augment(torch.ones(8, 5, 30), torch.full((8,), 5), 0, 0, 2, 6, groups=3, generator=seeded())
    base, first, second = (masked == 0).chunk(3, dim=2)
    assert base.any()
    assert torch.equal(base, first)
    assert torch.equal(base, second)


def test_moments_count_real_frames_only():
    features = torch.tensor([[[1.0], [3.0], [99.0]], [[5.0], [7.0], [9.0]]])
    mean, deviation = moments([(features, torch.tensor([2, 3]))])
    assert mean == [5.0]
    assert deviation[0] == pytest.approx(math.sqrt(8))


def test_a_constant_feature_is_not_blown_up():
    assert moments([(torch.full((1, 4, 1), 2.5), torch.tensor([4]))])[1] == [1.0]


def test_each_clip_is_freed_of_its_own_mean():
    features = torch.randn(3, 9, 4) * 3 + torch.tensor([1.0, -5, 20])[:, None, None]
    lengths = torch.tensor([9, 4, 1])
    done = per_clip(features, lengths)
    for row, length in zip(done, lengths, strict=True):
        assert torch.allclose(row[:length].mean(0), torch.zeros(4), atol=1e-5)
        assert not row[length:].any()
    assert torch.allclose(done[0].std(0, correction=0), torch.ones(4), atol=1e-5)
    alone = per_clip(features[1:2, :4], lengths[1:2])
    assert torch.allclose(alone[0], done[1, :4], atol=1e-6)
