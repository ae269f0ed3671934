"""Moving digits: where they are, what is drawn, and that no part sees another's digits."""

import torch

from lstm_lab.data.video.moving import MovingDigits, resized_glyphs
from lstm_lab.data.video.moving_module import MovingDigitsDataModule

DOTS = torch.full((1, 2, 2), 255, dtype=torch.uint8)


def test_digits_stay_inside_and_move_in_straight_lines_between_walls():
    maker = MovingDigits(DOTS, size=42, frames=60, digits=1, seed=0)
    _, corners = maker.paths(torch.arange(50))
    assert corners.min() >= 0
    assert corners.max() <= 40
    way = corners.double().diff(dim=1)  # ten per cent of 40 pixels is 4, less where a path is mirrored
    speed = way.square().sum(-1).sqrt()
    assert speed.max() < 4 + 2**0.5
    straight = way[:, :10].sum(1).square().sum(-1).sqrt()
    assert straight.max() <= 41


def test_frames_show_the_digits_where_they_are():
    maker = MovingDigits(DOTS, size=8, frames=4, digits=1, seed=3)
    frames, (_, corners) = maker.draw(torch.tensor([5])), maker.paths(torch.tensor([5]))
    for frame, ((row, column),) in zip(frames[0, :, 0], corners[0].tolist(), strict=True):
        expected = torch.zeros(8, 8, dtype=torch.uint8)
        expected[row : row + 2, column : column + 2] = 255
        assert torch.equal(frame, expected)


def test_where_digits_overlap_the_brighter_shows():
    glyphs = torch.stack([torch.full((8, 8), 100), torch.full((8, 8), 200)]).to(torch.uint8)
    frames = MovingDigits(glyphs, size=9, frames=5, digits=2).draw(torch.arange(20))
    assert set(frames.unique().tolist()) == {0, 100, 200}
    assert (frames[:, :, 0, 2:7, 2:7] >= 100).all()


def test_a_number_is_a_sequence():
    maker = MovingDigits(DOTS, size=16, frames=3)
    both = maker.draw(torch.tensor([7, 900]))
    assert torch.equal(maker.draw(torch.tensor([900]))[0], both[1])
    assert not torch.equal(both[0], both[1])


def test_resized_digits_keep_their_light():
    found = resized_glyphs(torch.full((2, 28, 28), 90, dtype=torch.uint8), 14)
    assert found.shape == (2, 14, 14)
    assert (found == 90).all()


def test_the_test_set_is_always_the_same_and_training_is_not():
    one, two = (MovingDigitsDataModule(seed=seed, test=20) for seed in (0, 1))
    assert one.digest == two.digest
    rows = torch.arange(4)
    assert torch.equal(one.samples("test").gather(rows).inputs, two.samples("test").gather(rows).inputs)
    first = one.samples("train").gather(rows).inputs
    assert not torch.equal(first, two.samples("train").gather(rows).inputs)
    assert not torch.equal(first, one.samples("train").gather(rows + 10_000).inputs)  # the next pass


def test_parts_share_no_digit():
    data = MovingDigitsDataModule()
    glyphs = {
        part: {one.numpy().tobytes() for one in data.samples(part).maker.glyphs}
        for part in ("train", "validation", "test")
    }
    assert len(glyphs["train"]) > 1000
    assert not glyphs["train"] & glyphs["test"]


def test_the_processor_reads_its_own_example():
    data = MovingDigitsDataModule()
    example = data.processor.to_batch(data.processor.example())
    assert torch.equal(example.inputs, data.samples("test").gather(slice(0, 1)).inputs)
