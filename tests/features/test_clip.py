"""Changes to clips: all frames of one alike, each clip by itself, and exact where nothing is asked."""

import pytest
import torch

from lstm_lab.features.clip import differences, move_clips, tint_clips, to_unit


@pytest.fixture
def clips():
    torch.manual_seed(0)
    return torch.rand(3, 1, 3, 12, 16).expand(3, 5, 3, 12, 16)  # every frame of a clip is the same


@pytest.mark.parametrize(
    "change",
    [
        lambda clips: move_clips(clips, crop=0.6, flip=True, rotate=20),
        lambda clips: tint_clips(clips, 0.4),
    ],
)
def test_frames_of_a_clip_change_alike_and_clips_do_not(clips, change):
    found = change(clips)
    assert found.shape == clips.shape
    assert torch.equal(found[:, :1].expand_as(found), found)
    assert not torch.allclose(found[0], clips[0])
    same = change(clips[:1].expand_as(clips))
    assert not torch.allclose(same[0], same[1])


def test_nothing_asked_nothing_changed(clips):
    torch.testing.assert_close(move_clips(clips, crop=1.0, flip=False), clips)
    torch.testing.assert_close(tint_clips(clips, 0.0), clips)


def test_a_mirrored_clip_is_its_mirror_image(clips):
    found = move_clips(clips, crop=1.0, flip=True)
    mirrored = [torch.allclose(one, clip.flip(-1), atol=1e-5) for one, clip in zip(found, clips, strict=True)]
    straight = [torch.allclose(one, clip, atol=1e-5) for one, clip in zip(found, clips, strict=True)]
    assert all(m != s for m, s in zip(mirrored, straight, strict=True))


def test_a_cut_lies_within_the_picture():
    torch.manual_seed(1)
    ramp = torch.linspace(0, 1, 32).expand(20, 2, 1, 32, 32)
    found = move_clips(ramp, crop=0.5, flip=False)
    width = found[:, 0, 0, 0, -1] - found[:, 0, 0, 0, 0]
    assert ((width > 0.45) & (width <= 1)).all()
    assert width.std() > 0.05


def test_differences_by_hand():
    frames = torch.tensor([1.0, 4.0, 2.0]).view(1, 3, 1, 1, 1)
    assert differences(frames).flatten().tolist() == [0, 3, -2]


def test_shades_become_shares():
    assert to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx([0, 0.2, 1])
