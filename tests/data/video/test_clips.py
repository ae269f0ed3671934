"""Clips as a data set: decoded once, sampled anew in each pass, and read the same by the processor."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from video_clips import brightening, encode

from lstm_lab.data.video import store
from lstm_lab.data.video.listing import list_clips
from lstm_lab.data.video.module import VideoFramesDataModule
from lstm_lab.data.video.processor import ClipProcessor
from lstm_lab.data.video.reading import Form
from lstm_lab.data.video.sampling import choose_frames
from lstm_lab.errors import UserError


def chosen(length, count, way, draws=None):
    draws = None if draws is None else torch.tensor([draws])
    places, real = choose_frames(torch.tensor([length]), count, way, draws)
    return places[0, : int(real)].tolist()


def test_choices_by_hand():
    assert chosen(10, 4, "uniform") == [1, 3, 6, 8]  # middles of stretches of 2.5
    assert chosen(10, 4, "dense") == [3, 4, 5, 6]
    assert chosen(10, 4, "dense", [0.99, 0, 0, 0]) == [6, 7, 8, 9]
    assert chosen(8, 4, "segment", [0.0, 0.99, 0.0, 0.99]) == [0, 3, 4, 7]
    assert chosen(3, 0, "all") == [0, 1, 2]


@given(st.lists(st.integers(2, 40), min_size=1, max_size=5), st.integers(1, 20),
       st.sampled_from(["uniform", "segment", "dense", "all"]), st.booleans())  # fmt: skip
def test_choices_are_in_order_and_never_twice(lengths, count, way, training):
    draws = torch.rand(len(lengths), count) if training else None
    places, real = choose_frames(torch.tensor(lengths), count, way, draws)
    for row, length, used in zip(places, lengths, real.tolist(), strict=True):
        assert used == (length if way == "all" else min(length, count))
        assert (row[:used].diff() > 0).all()
        assert row[:used].min() >= 0
        assert row[:used].max() < length
        assert (row[used:] == 0).all()


def test_clips_are_decoded_once(clip_folder, monkeypatch):
    listed = list_clips(clip_folder(2))
    digest = store.fingerprint(listed)
    first = store.prepare(listed, Form(8, 8), digest)
    assert first.lengths.tolist() == [6, 6, 6, 6]
    monkeypatch.setattr(store, "read_clip", lambda *_: pytest.fail("decoded again"))
    again = store.prepare(listed, Form(8, 8), digest)
    assert torch.equal(first.take(torch.arange(24)), again.take(torch.arange(24)))


def test_content_and_form_decide_what_is_decoded_anew(clip_folder):
    root = clip_folder(2)
    digest = store.fingerprint(list_clips(root))
    assert store.prepare(list_clips(root), Form(8, 8), digest).frames.shape[2:] == (8, 8)
    assert store.prepare(list_clips(root), Form(4, 8), digest).frames.shape[2:] == (4, 8)
    encode(root / "left" / "left_g00_0.avi", brightening(6))
    assert store.fingerprint(list_clips(root)) != digest


def test_what_is_skipped_is_counted_and_named(clip_folder):
    root = clip_folder(8)
    (root / "left" / "broken.avi").write_bytes(b"x")
    encode(root / "right" / "single.avi", brightening(1))
    with pytest.raises(
        UserError, match=r"broken.avi: cannot be decoded .* \(2 such clips\) data.on_bad=skip"
    ):
        VideoFramesDataModule(path=str(root), size=16).setup()
    data = VideoFramesDataModule(path=str(root), size=16, on_bad="skip")
    assert "left out: 2 clips, the first: " in data.describe()
    assert len(data.clips) == 16


@pytest.fixture
def data(clip_folder):
    return VideoFramesDataModule(
        path=str(clip_folder(12)), size=16, frames=4, batch_size=8, group=r"_g(\d+)_"
    )


def test_spec_parts_and_words(data):
    assert (data.spec.inputs.channels, data.spec.inputs.height) == (3, 16)
    assert data.spec.target.names == ("left", "right")
    assert "by source" in data.protocol
    assert "warning" not in data.describe()
    assert len(data.statistics["mean"]) == 3


def test_other_frames_in_each_pass_the_same_on_any_number_of_processes(data):
    samples = data.samples("train")
    count = len(samples)
    first = samples.gather(torch.arange(4))
    assert torch.equal(first.inputs[1::2], samples.gather(torch.tensor([1, 3])).inputs)
    places = [
        choose_frames(torch.tensor([6]), 4, "segment", store_draw)[0]
        for store_draw in (torch.tensor([[0.1] * 4]), torch.tensor([[0.9] * 4]))
    ]
    assert not torch.equal(*places)
    assert torch.equal(samples.gather(torch.arange(4) + count).keys, first.keys)


def test_predicting_a_file_reads_what_the_test_read(data):
    batch = data.samples("test").gather(slice(None))
    processor = ClipProcessor.from_plain(data.processor.to_plain())
    table = processor.table([data.clips[key].where for key in batch.keys.tolist()])
    assert list(table) == ["clip"]
    read = processor.to_batch(table)
    assert torch.equal(read.inputs, batch.inputs)
    assert torch.equal(read.lengths, batch.lengths)


def test_a_long_clip_comes_in_pieces_with_times(data, tmp_path):
    processor = data.processor  # its longest clip has six frames
    long = encode(tmp_path / "long.avi", brightening(20))
    table = processor.table(str(long))
    assert table["start"].tolist() == pytest.approx([0, 0.6, 1.2])
    assert table["end"].tolist() == pytest.approx([0.5, 1.1, 1.9])
    batch = processor.to_batch(table)
    assert batch.lengths.tolist() == [4, 4, 4]
    assert batch.inputs[2].float().mean((1, 2, 3)).tolist() == pytest.approx([130, 150, 170, 190], abs=5)
    found = processor.to_frame({"probabilities": torch.tensor([[0.2, 0.8]] * 3)}, table)
    assert list(found)[:4] == ["clip", "start", "end", "label"]


def test_frames_to_predict(clip_folder):
    data = VideoFramesDataModule(path=str(clip_folder(12, frames=8)), size=16, frames=3, ahead=2)
    assert data.spec.target.kind == "frames"
    batch = data.samples("train").gather(torch.arange(3))
    assert batch.inputs.shape == (3, 3, 3, 16, 16)
    assert batch.targets["frames"].shape == (3, 2, 3, 16, 16)
    assert torch.equal(batch.inputs[1, 0], batch.inputs[0, 1])  # stretches that overlap
    short = VideoFramesDataModule(path=data.path, size=16, frames=7, ahead=2)
    with pytest.raises(UserError, match="no clip has 9 frames"):
        short.samples("train")


def test_the_example_shows_nothing_of_the_data(data):
    noise = data.processor.to_batch(data.processor.example()).inputs
    assert noise.float().std() > 60
    assert np.isfinite(noise.float().numpy()).all()


@pytest.mark.slow
def test_two_workers_decode_two_hundred_clips(clip_folder):
    listed = list_clips(clip_folder(100))
    one = store.prepare(listed, Form(8, 8), "one", workers=0)
    two = store.prepare(listed, Form(8, 8), "two", workers=2)
    assert one.kept == two.kept == list(range(200))
    assert np.array_equal(one.frames, two.frames)


def test_settings_that_cannot_be():
    with pytest.raises(UserError, match="needs a folder"):
        VideoFramesDataModule()
    with pytest.raises(UserError, match=r"data\.channels=4"):
        VideoFramesDataModule(path="x", channels=4)
    with pytest.raises(UserError, match="x was not found below"):
        VideoFramesDataModule(path="x").setup()
