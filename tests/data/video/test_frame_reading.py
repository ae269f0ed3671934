"""Clips from files of every kind: what comes out, and what is said of files that are wrong."""

import zipfile

import numpy as np
import pytest
from PIL import Image
from video_clips import brightening, encode

from lstm_lab.data.video.processor import as_text
from lstm_lab.data.video.reading import BadClip, Form, read_clip

FORM = Form(24, 32)


def shades(read):
    """The mean shade of every frame."""
    return read.frames.mean((1, 2, 3)).round().astype(int).tolist()


def message(where, form=FORM):
    with pytest.raises(BadClip) as raised:
        read_clip(str(where), form)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_every_frame_in_order_at_the_size_asked_for(tmp_path):
    read = read_clip(str(encode(tmp_path / "a.mp4", brightening(12))), FORM)
    assert read.frames.shape == (12, 3, 24, 32)
    assert read.frames.dtype == np.uint8
    assert shades(read) == pytest.approx([10 * number for number in range(12)], abs=2)
    assert read.times == pytest.approx(np.arange(12) / 10)


@pytest.mark.parametrize(("rate", "fps", "expected"), [(10, 5, [0, 2, 4, 6, 8, 10]), (10, 3, [0, 3, 7, 10]),
                                                       (10, 30, list(range(12)))])  # fmt: skip
def test_rates(tmp_path, rate, fps, expected):
    path = encode(tmp_path / "a.mp4", brightening(12), rate)
    read = read_clip(str(path), Form(24, 32, fps=fps))
    assert shades(read) == pytest.approx([10 * number for number in expected], abs=2)


def test_sizes_rates_containers_and_sound_may_be_mixed(tmp_path):
    files = [
        encode(tmp_path / "a.avi", brightening(6, 48, 64)),
        encode(tmp_path / "b.mp4", brightening(12, 30, 90), rate=20, sound=True),
        encode(tmp_path / "c.mkv", brightening(15, 128, 128), rate=25, codec="libx264"),
    ]
    for path in files:
        read = read_clip(str(path), Form(16, 16, fps=10))
        assert len(read.frames) == 6
        assert read.times == pytest.approx(np.arange(6) / 10, abs=0.06)


def test_grey_and_cropped(tmp_path):
    pixels = brightening(3, 32, 64, first=100)
    pixels[:, :, :16] = 255  # what a crop to a square cuts away
    path = encode(tmp_path / "a.avi", pixels)
    read = read_clip(str(path), Form(16, 16, channels=1, fit="crop"))
    assert read.frames.shape == (3, 1, 16, 16)
    assert shades(read) == pytest.approx([100, 110, 120], abs=3)
    assert shades(read_clip(str(path), Form(16, 16, channels=1)))[0] > 120


def test_a_zip_a_text_and_a_file_give_the_same(tmp_path):
    path = encode(tmp_path / "a.mp4", brightening(5))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(path, "x/a.mp4")
    expected = read_clip(str(path), FORM).frames
    assert np.array_equal(read_clip(f"{tmp_path / 'all.zip'}!x/a.mp4", FORM).frames, expected)
    array = brightening(5, 24, 32)
    assert np.array_equal(read_clip(as_text(array), FORM).frames, array.transpose(0, 3, 1, 2))


def test_a_folder_of_pictures_in_natural_order(tmp_path):
    for number in range(11):
        Image.new("RGB", (40, 30), (number * 20,) * 3).save(tmp_path / f"frame{number}.png")
    read = read_clip(str(tmp_path), FORM)
    assert shades(read) == [number * 20 for number in range(11)]


@pytest.mark.parametrize(
    "shape", [(4, 24, 32), (4, 24, 32, 1), (4, 1, 24, 32), (4, 3, 24, 32), (4, 48, 64, 3)]
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_arrays(tmp_path, shape, dtype):
    array = np.full(shape, 51, np.uint8) if dtype == "uint8" else np.full(shape, 0.2, np.float32)
    np.save(tmp_path / "a.npy", array)
    np.savez(tmp_path / "a.npz", labels=np.zeros(3), frames=array)
    for name in ("a.npy", "a.npz"):
        read = read_clip(str(tmp_path / name), FORM)
        assert read.frames.shape == (4, 3, 24, 32)
        assert (read.frames == 51).all()


def test_wrong_files(tmp_path):
    good = encode(tmp_path / "good.mp4", brightening(12))
    (tmp_path / "text.mp4").write_text("no video at all")
    assert "text.mp4: cannot be decoded" in message(tmp_path / "text.mp4")
    (tmp_path / "cut.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    assert "cut.mp4: cannot be decoded" in message(tmp_path / "cut.mp4")
    (tmp_path / "empty.avi").write_bytes(b"")
    assert "empty.avi" in message(tmp_path / "empty.avi")
    assert "one.avi: has 1 frame; two are the least" in message(encode(tmp_path / "one.avi", brightening(1)))
    assert "none.mp4: there is no such file" in message(tmp_path / "none.mp4")
    assert "is no base64" in message("data:video/mp4;base64,%%%")


def test_wrong_folders_and_arrays(tmp_path):
    (tmp_path / "sizes").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "sizes" / "0.png")
    Image.new("RGB", (8, 9)).save(tmp_path / "sizes" / "1.png")
    assert "1.png: the pictures of a clip differ in size (8×8 and 8×9)" in message(tmp_path / "sizes")
    Image.new("L", (8, 8)).save(tmp_path / "sizes" / "1.png")
    assert "1.png: is grey, the pictures before it are coloured" in message(tmp_path / "sizes")
    (tmp_path / "sizes" / "1.png").write_bytes(b"nothing")
    assert "1.png: not a readable picture" in message(tmp_path / "sizes")

    def array(values, **named):
        np.savez(tmp_path / "a.npz", **named) if named else np.save(tmp_path / "a.npy", values)
        return message(tmp_path / ("a.npz" if named else "a.npy"))

    assert "frames are (T, H, W)" in array(np.zeros((3, 4)))
    assert "frames with 5 channels" in array(np.zeros((3, 8, 8, 5)))
    assert "none of them missing" in array(np.full((3, 8, 8), np.nan))
    assert "shades from 0 to 999" in array(np.array([0.0, 999]).repeat(64).reshape(2, 8, 8))
    assert "none is called frames" in array(None, a=np.zeros(3), b=np.zeros(3))
    assert "not a readable array (Python objects" in array(np.array([{"a": 1}], dtype=object))


def test_real_originals_of_all_sorts_decode(shared_data):
    archive = shared_data / "video" / "surv_fight" / "originals_sample.zip"
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    assert len(names) == 14
    for name in names:
        read = read_clip(f"{archive}!{name}", Form(32, 32, fps=5))
        assert 7 <= len(read.frames) <= 15
        assert np.diff(read.times) == pytest.approx(0.2, abs=0.07)
