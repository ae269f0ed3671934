"""Sets with a publisher, from small files in their forms: labels, parts and groups."""

import shutil
import zipfile

import pytest

from lstm_lab.data import SpeechFeaturesDataModule
from lstm_lab.data.speech.named import esc50, fma_small, ravdess
from lstm_lab.data.speech.reader import Reader
from lstm_lab.data.speech.registry import FILES
from lstm_lab.errors import UserError

READER = Reader(8000)


def packed(tmp_path, name, folder):
    shutil.make_archive(str(tmp_path / "data" / name), "zip", folder)
    return str(tmp_path / "data")


def test_ravdess_says_emotion_and_actor_in_its_names(tmp_path, record):
    for actor in range(1, 7):
        for emotion in (1, 4, 8):
            record(
                tmp_path / "set" / f"Actor_{actor:02}" / f"03-01-{emotion:02}-01-02-01-{actor:02}.wav",
                200 + 50 * emotion + actor,
            )
    where = packed(tmp_path, "Audio_Speech_Actors_01-24", tmp_path / "set")
    clips = ravdess(where, READER).clips
    assert (clips[0].label, clips[0].speaker) == ("neutral", "01")
    assert {clip.label for clip in clips} == {"neutral", "sad", "surprised"}
    data = SpeechFeaturesDataModule(
        "ravdess", "ravdess", dir=where, sample_rate=8000, features={"n_mels": 20}
    )
    data.setup()
    assert "split by speaker" in data.describe()


def test_esc50_by_its_csv_and_folds(tmp_path, record):
    lines = ["filename,fold,target,category,esc10,src_file,take"]
    for fold in range(1, 6):
        name = f"{fold}-1000{fold}-A-0.wav"
        record(tmp_path / "set" / "ESC-50-master" / "audio" / name)
        lines.append(f"{name},{fold},0,dog,True,1000{fold},A")
    meta = tmp_path / "set" / "ESC-50-master" / "meta"
    meta.mkdir()
    (meta / "esc50.csv").write_text("\n".join(lines) + "\n")
    clips = esc50(packed(tmp_path, "ESC-50-master", tmp_path / "set"), READER).clips
    assert [(clip.label, clip.speaker) for clip in clips] == [("dog", f"fold {fold}") for fold in range(1, 6)]
    (meta / "esc50.csv").write_text("\n".join([*lines, "6-1-A-0.wav,5,0,dog,True,1,A"]) + "\n")
    with pytest.raises(UserError, match=r"its table names 6-1-A-0\.wav, which is not there"):
        esc50(packed(tmp_path, "ESC-50-master", tmp_path / "set"), READER)


def test_fma_by_its_three_lines_of_header(tmp_path, record):
    for number in (2, 3, 140, 141):
        record(
            tmp_path / "set" / "fma_small" / "000" / f"{number:06}.mp3", seconds=0.5, format="MP3", rate=16000
        )
    table = [
        ",artist,set,set,track",
        ",id,split,subset,genre_top",
        "track_id,,,,",
        "2,7,training,small,Hip-Hop",
        "3,7,training,small,Rock",
        "140,8,validation,small,Folk",
        "141,9,test,large,Folk",
    ]
    about = tmp_path / "data" / "fma_metadata.zip"
    where = packed(tmp_path, "fma_small", tmp_path / "set")
    with zipfile.ZipFile(about, "w") as file:
        file.writestr("fma_metadata/tracks.csv", "\n".join(table) + "\n")
    clips = fma_small(where, READER).clips
    assert [(clip.label, clip.part, clip.speaker) for clip in clips] == [
        ("Hip-Hop", "train", "artist 7"),
        ("Rock", "train", "artist 7"),
        ("Folk", "validation", "artist 8"),
    ]
    assert (clips[0].start, clips[0].end) == (10.0, 20.0)


def test_gtzan_is_a_folder_for_each_genre(tmp_path, record):
    """Its files are called blues.00000.au."""
    from lstm_lab.data.speech.archive import Archive
    from lstm_lab.data.speech.folder import by_folder

    record(tmp_path / "genres" / "blues" / "blues.00000.au", format="AU")
    found = by_folder(Archive(tmp_path / "genres"), READER)
    assert found.clips[0].label == "blues"
    assert len(found.load(0)) == 1600


def test_every_file_has_an_address_and_a_checksum():
    for name, (url, checksum) in FILES.items():
        kind, _, digest = checksum.rpartition(":")
        assert url.startswith("https://"), name
        assert len(digest) == {"": 64, "md5": 32, "sha1": 40}[kind], name
        assert set(digest) <= set("0123456789abcdef"), name
