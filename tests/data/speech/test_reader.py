"""Every kind of file that is read, and one line for each that cannot be."""

import io
import struct

import numpy as np
import pytest
import soundfile
import torch

from lstm_lab.data.speech.reader import BadClip, Reader
from lstm_lab.errors import UserError


def encoded(wave, rate=8000, kind="WAV", subtype=None):
    buffer = io.BytesIO()
    soundfile.write(buffer, np.asarray(wave, np.float32), rate, format=kind, subtype=subtype)
    return buffer.getvalue()


TONE = 0.5 * np.sin(np.arange(4000) * 0.2)


@pytest.mark.parametrize(
    ("kind", "subtype", "tolerance"),
    [
        ("WAV", "PCM_16", 1e-4),
        ("WAV", "FLOAT", 1e-7),
        ("WAV", "PCM_U8", 0.01),
        ("FLAC", "PCM_16", 1e-4),
        ("OGG", "VORBIS", 0.1),
        ("OGG", "OPUS", 0.2),
        ("MP3", "MPEG_LAYER_III", 0.2),
    ],
)
def test_codecs_round_trip(kind, subtype, tolerance):
    wave = Reader(8000).read(encoded(TONE, kind=kind, subtype=subtype), "x")
    assert abs(len(wave) - 4000) <= (1200 if kind == "MP3" else 0)
    if kind != "MP3":  # which adds silence at the front
        assert np.abs(wave[500:3500].numpy() - TONE[500:3500]).max() < tolerance


def test_any_rate_comes_out_as_one():
    reader = Reader(16000)
    assert len(reader.read(encoded(TONE), "x")) == 8000
    assert reader.notes() == ["1 files: 8000 Hz, resampled to 16000"]


def test_stereo_is_mixed_or_chosen_and_said():
    stereo = encoded(np.stack([TONE, 0.5 * TONE], axis=1))
    mixed, first, second = (
        Reader(8000, channel).read(stereo, "x") for channel in ("mean", "first", "second")
    )
    assert torch.allclose(mixed, (first + second) / 2, atol=1e-4)
    reader = Reader(8000)
    reader.read(stereo, "x")
    assert "2 channels" in reader.notes()[0]


def test_a_stretch_is_read_alone():
    reader = Reader(8000)
    whole = reader.read(encoded(TONE), "x")
    assert torch.equal(reader.read(encoded(TONE), "x", 0.1, 0.2), whole[800:1600])


def truncated_wav():
    return encoded(TONE)[:-1000]


BAD = {
    "empty file": (b"", "the file is empty"),
    "no sample": (encoded(np.zeros(0)), "holds no sample"),
    "one sample": (encoded([0.5]), "holds one sample"),
    "silence": (encoded(np.zeros(400)), "silent throughout"),
    "not a number": (encoded([0.1, np.nan, 0.2], subtype="FLOAT"), "a sample at 0.000 s is not a number"),
    "no sound": (b"hello, this is a text", "no sound can be read"),
    "truncated": (truncated_wav(), "cut off, 1000 bytes"),
    "truncated flac": (encoded(TONE, kind="FLAC")[:2000], "cut off|no sound"),
}


@pytest.mark.parametrize(("content", "message"), BAD.values(), ids=BAD)
def test_a_bad_file_is_one_line_with_its_name(content, message):
    with pytest.raises(BadClip, match=message) as caught:
        Reader(8000).read(content, "some/clip.wav")
    assert str(caught.value).startswith("some/clip.wav")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"shortest": 1.0}, "0.500 s is shorter"), ({"longest": 0.1}, "0.5 s is longer")],
)
def test_limits_of_length(settings, message):
    with pytest.raises(BadClip, match=message):
        Reader(8000, **settings).read(encoded(TONE), "x")


def test_a_stretch_outside_the_file():
    with pytest.raises(BadClip, match=r"does not lie within its 0\.500 s"):
        Reader(8000).read(encoded(TONE), "x", 0.4, 0.7)


def test_a_stream_of_unknown_length_is_read():
    content = bytearray(encoded(TONE))
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", 0xFFFFFFFF)
    assert len(Reader(8000).read(bytes(content), "x")) == 4000


def test_impossible_settings():
    with pytest.raises(UserError, match="from 1000 to 192000"):
        Reader(10)
    with pytest.raises(UserError, match="third is not known"):
        Reader(8000, "third")
