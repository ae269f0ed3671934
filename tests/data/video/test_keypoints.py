"""Keypoints: what was not seen stands still and is masked, and files that do not fit are named."""

import numpy as np
import pytest
import torch

from lstm_lab.data import KeypointsDataModule
from lstm_lab.data.video.keypoints import KeypointProcessor, read_keypoints
from lstm_lab.data.video.reading import BadClip
from lstm_lab.errors import UserError


def write(folder, frames, size=3):
    folder.mkdir(parents=True, exist_ok=True)
    for number, values in frames.items():
        np.save(folder / f"{number}.npy", np.full(size, values, np.float32))
    return folder


def test_frames_in_order_of_their_numbers_gaps_are_missing(tmp_path):
    found = read_keypoints(str(write(tmp_path / "a", {10: 1.0, 11: 2.0, 13: 4.0})))
    assert found.shape == (4, 3)
    assert found[:, 0].tolist() == pytest.approx([1, 2, np.nan, 4], nan_ok=True)


def test_whole_arrays_with_points_and_coordinates(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(24.0).reshape(2, 4, 3))
    assert read_keypoints(str(tmp_path / "a.npy"))[1].tolist() == list(range(12, 24))


def test_what_was_not_seen_by_hand():
    processor = KeypointProcessor(2, zeros=True, velocity=True, middle=[5.0, 6.0], classes=["a", "b"])
    nan = np.nan
    values, seen = processor.sequence(np.array([[0, 1], [2, nan], [0, 4]], np.float32))
    # k0 is not seen at first: the mean of the training part; then it stands still.
    assert values[:, :2].tolist() == [[5, 1], [2, 1], [2, 4]]
    assert values[:, 2:4].tolist() == [[0, 0], [-3, 0], [0, 3]]
    assert values[:, 4].tolist() == [0.5, 0.5, 0.5]
    assert seen[:, :2].tolist() == [[False, True], [True, False], [False, True]]
    assert processor.names == ("k0", "k1", "d0", "d1", "seen")
    kept = KeypointProcessor(2, zeros=False, velocity=False, middle=[5.0, 6.0], classes=[])
    assert kept.sequence(np.array([[0, 1]], np.float32))[0].tolist() == [[0, 1, 1]]


@pytest.fixture
def data(tmp_path):
    rng = np.random.default_rng(0)
    for label in ("hello", "thanks"):
        for sample in range(10):
            frames = {t: rng.normal() for t in range(5 + sample % 3)}
            write(tmp_path / "MP_Data" / label / str(sample), frames)
    return KeypointsDataModule(path=str(tmp_path / "MP_Data"), batch_size=4)


def test_a_folder_as_mediapipe_projects_have_it(data):
    assert data.spec.inputs.size == 4  # three numbers, and how much was seen
    assert data.spec.target.names == ("hello", "thanks")
    assert (
        "20 samples (14 train, 2 validation, 4 test) of 2 classes, 3 values a frame, 5 to 7 frames"
        in data.describe()
    )
    batch = data.samples("train").gather(torch.arange(3))
    assert batch.observed.shape == batch.inputs.shape
    assert batch.lengths.max() == batch.inputs.shape[1]


def test_predicting_a_file_reads_what_the_test_read(data):
    batch = data.samples("test").gather(slice(None))
    processor = KeypointProcessor.from_plain(data.processor.to_plain())
    read = processor.to_batch(processor.table([data.clips[key].where for key in batch.keys.tolist()]))
    assert torch.equal(read.inputs, batch.inputs)
    assert torch.equal(read.observed, batch.observed)
    assert len(processor.to_batch(processor.example())) == 1


def test_wrong_samples(data, tmp_path):
    root = tmp_path / "MP_Data"
    np.save(root / "hello" / "0" / "2.npy", np.zeros(5))
    with pytest.raises(UserError, match=r"2.npy: 5 values, the frames before it have 3. data.on_bad=skip"):
        KeypointsDataModule(path=str(root)).setup()
    skipping = KeypointsDataModule(path=str(root), on_bad="skip")
    assert "left out: 1 samples, the first: " in skipping.describe()
    write(root / "thanks" / "1", {0: 1.0, 1: 1.0}, size=7)
    for old in range(2, 9):
        (root / "thanks" / "1" / f"{old}.npy").unlink(missing_ok=True)
    with pytest.raises(BadClip, match="thanks/1: 7 values a frame, the others have 3"):
        read_keypoints(str(root / "thanks" / "1"), 3)
    for array, said in (
        (np.array(["x"]), "must be numbers"),
        (np.zeros(3), "shape"),
        (np.full((2, 2), np.inf), "infinite"),
    ):
        np.save(tmp_path / "a.npy", array)
        with pytest.raises(BadClip, match=said):
            read_keypoints(str(tmp_path / "a.npy"))
