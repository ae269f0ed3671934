"""Folders, zips, tables, feature files and tones: what is found in them, and one line for what is wrong."""

import shutil
import tarfile

import numpy as np
import pytest
import torch

from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.folder import by_folder
from lstm_lab.data.speech.manifest import by_table
from lstm_lab.data.speech.origins import open_recordings
from lstm_lab.data.speech.reader import Reader
from lstm_lab.data.speech.series import by_arrays, by_ts, read_ts
from lstm_lab.data.speech.tones import FREQUENCIES, ToneRecordings
from lstm_lab.errors import UserError

READER = Reader(8000)


def test_a_zip_gives_what_its_folder_gives(recordings, tmp_path):
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", recordings)
    folder, archive = by_folder(Archive(recordings), READER), by_folder(Archive(packed), READER)
    assert folder.clips == archive.clips
    assert {clip.label for clip in folder.clips} == {"low", "high"}
    assert torch.equal(folder.load(5), archive.load(5))


def test_parts_and_speakers_are_read_off_the_names(record, tmp_path):
    record(tmp_path / "train" / "yes" / "a.wav")
    record(tmp_path / "test" / "no" / "b.wav")
    assert [(clip.part, clip.label) for clip in by_folder(Archive(tmp_path), READER).clips] == [
        ("test", "no"),
        ("train", "yes"),
    ]
    clip = by_folder(Archive(tmp_path), READER, r"(?P<label>yes|no)/(?P<speaker>.)").clips[0]
    assert (clip.label, clip.speaker) == ("no", "b")


def test_other_files_are_counted(recordings):
    (recordings / "low" / "notes.txt").write_text("hello")
    assert "1 files are no recordings" in by_folder(Archive(recordings), READER).notes()[0]


def test_what_a_folder_must_not_be(recordings, tmp_path, record):
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match=r"holds no recordings \(wav, flac"):
        by_folder(Archive(tmp_path / "none"), READER)
    (recordings / "empty").mkdir()
    with pytest.raises(UserError, match="'empty' has a folder and no recordings"):
        by_folder(Archive(recordings), READER)
    with pytest.raises(UserError, match="no such folder or zip"):
        Archive(tmp_path / "nowhere")
    with pytest.raises(UserError, match="lies in no folder that would be its label"):
        by_folder(Archive(record(tmp_path / "flat" / "a.wav").parent), READER)
    with pytest.raises(UserError, match="does not fit the name"):
        by_folder(Archive(tmp_path / "flat"), READER, r"(?P<label>\d)")
    with pytest.raises(UserError, match="needs a group"):
        by_folder(Archive(tmp_path / "flat"), READER, r".")


def table(tmp_path, text):
    path = tmp_path / "clips.csv"
    path.write_text(text)
    return path


def test_a_table_with_everything(record, tmp_path):
    record(tmp_path / "wavs" / "a.wav", seconds=0.5)
    text = "path,text,speaker,split,start,end\nwavs/a.wav,hi there,ann,train,0.1,0.3\nwavs/a.wav,you,bob,test,,\n"
    found = by_table(table(tmp_path, text), READER)
    assert [(clip.text, clip.speaker, clip.part, clip.end) for clip in found.clips] == [
        ("hi there", "ann", "train", 0.3),
        ("you", "bob", "test", None),
    ]
    assert len(found.load(0)) == 1600
    assert len(found.load(1)) == 4000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,label\nb.wav,x\n", r"row 2, column 'path': there is no file"),
        ("path,lable\na.wav,x\n", "Did you mean 'label'"),
        ("path\na.wav\n", "'label' or 'text'"),
        ("path,label\n", "no rows"),
        ("path,label,split\na.wav,x,maybe\n", "row 2, column 'split'"),
        ("path,label,start\na.wav,x,-1\n", "row 2, column 'start': '-1' is no time"),
        ("path,label,start,end\na.wav,x,2,1\n", "ends at 1.0 s, before it begins"),
    ],
)
def test_one_line_for_a_row_that_is_wrong(record, tmp_path, text, message):
    record(tmp_path / "a.wav")
    with pytest.raises(UserError, match=message):
        by_table(table(tmp_path, text), READER)


def test_speech_commands_are_unpacked_and_keep_the_publishers_lists(record, tmp_path, monkeypatch):
    monkeypatch.delenv("LSTM_LAB_DATA", raising=False)
    content = tmp_path / "content"
    for word, name in (("yes", "00aa_nohash_0"), ("yes", "00aa_nohash_1"), ("no", "11bb_nohash_0")):
        record(content / word / f"{name}.wav", rate=16000)
    record(content / "_background_noise_" / "pink.wav")
    (content / "validation_list.txt").write_text("yes/00aa_nohash_1.wav\n")
    (content / "testing_list.txt").write_text("no/11bb_nohash_0.wav\n")
    packed = tmp_path / "data" / "speech" / "speech_commands_v0.02.tar.gz"
    packed.parent.mkdir(parents=True)
    with tarfile.open(packed, "w:gz") as archive:
        archive.add(content, ".")
    for _ in range(2):  # packed, then as it was unpacked
        found = open_recordings(
            "speech_commands", "speech_commands", None, str(tmp_path / "data"), None, Reader(16000), None
        )
        told = [(clip.label, clip.speaker, clip.part) for clip in found.clips]
        assert told == [("no", "11bb", "test"), ("yes", "00aa", "train"), ("yes", "00aa", "validation")]
        packed.unlink(missing_ok=True)


TS = "#comment\n@problemName x\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n1.5,?:2,2:b\n"


def test_series_of_a_ts_file(tmp_path):
    path = tmp_path / "X_TRAIN.ts"
    path.write_text(TS)
    (tmp_path / "X_TEST.ts").write_text(TS)
    rows = read_ts(path)
    assert [(line, label) for line, _, label in rows] == [(5, "a"), (6, "b")]
    assert torch.equal(rows[0][1], torch.tensor([[1.0, 4], [2, 5], [3, 6]]))
    found = by_ts(path, tmp_path / "X_TEST.ts")
    assert [clip.part for clip in found.clips] == ["train", "train", "test", "test"]
    with pytest.raises(UserError, match=r"X_TRAIN\.ts, line 6: step 2 holds a value that is not a number"):
        found.load(1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("@data\n1,2:3:a\n", "line 2: dimensions of different lengths"),
        ("@data\n1,x:3,4:a\n", "line 2: 'x' is no number"),
        ("1,2:a\n", "no series behind a line '@data'"),
    ],
)
def test_a_ts_file_that_cannot_be_read(tmp_path, text, message):
    (tmp_path / "X.ts").write_text(text)
    with pytest.raises(UserError, match=message):
        read_ts(tmp_path / "X.ts")


def test_arrays_in_folders(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        np.save(tmp_path / label / "x.npy", np.arange(6.0).reshape(3, 2))
    found = by_arrays(Archive(tmp_path))
    assert found.columns == ("x1", "x2")
    assert found.load(0).shape == (3, 2)
    np.save(tmp_path / "a" / "y.npy", np.array([{}]))
    with pytest.raises(UserError, match=r"y\.npy: it is no \.npy array of numbers"):
        by_arrays(Archive(tmp_path))


def test_tones_have_the_frequencies_of_the_standard():
    tones = ToneRecordings(160, [1, 1], [60.0, 60.0])
    for number in range(16):
        wave = tones.load(number)
        spectrum = torch.fft.rfft(wave, 8000).abs()  # a bin is 1 Hz
        low, high = FREQUENCIES[tones.clips[number].label]
        assert abs(float(spectrum[600:1050].argmax()) + 600 - low) < 0.015 * low + 6
        assert abs(float(spectrum[1100:1750].argmax()) + 1100 - high) < 0.015 * high + 6
    assert torch.equal(tones.load(3), ToneRecordings(200, [1, 1], [60.0, 60.0]).load(3))


def test_tones_have_every_key_in_every_part():
    clips = ToneRecordings(320, [2, 4], [0.0, 20.0]).clips
    for part in ("train", "validation", "test"):
        assert {clip.label for clip in clips if clip.part == part} == set(FREQUENCIES)
    assert all(2 <= len(clip.text or "") <= 4 for clip in clips)
