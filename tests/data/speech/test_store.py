"""Batches out of one tensor, and a cache that never gives what belongs to other settings."""

import pytest
import torch

from lstm_lab.data.speech.archive import Archive
from lstm_lab.data.speech.folder import by_folder
from lstm_lab.data.speech.reader import Reader
from lstm_lab.data.speech.store import Ragged, extract, load
from lstm_lab.errors import UserError
from lstm_lab.features.audio import AudioFeatures

SETTINGS = {"sample_rate": 8000, "window": 0.032, "n_mels": 12}


def test_gather_equals_padding():
    rows = [torch.randn(count, 3) for count in (4, 1, 7, 2)]
    found, lengths = Ragged.of(rows).gather(torch.tensor([2, 0, 3]))
    assert torch.equal(found, torch.nn.utils.rnn.pad_sequence([rows[2], rows[0], rows[3]], batch_first=True))
    assert lengths.tolist() == [7, 4, 2]


def test_many_at_a_time_are_what_each_is_alone(recordings):
    found = by_folder(Archive(recordings), Reader(8000))
    waves = [found.load(number)[:, None] for number in range(len(found.clips))]
    front = AudioFeatures(**SETTINGS)
    for features, wave in zip(extract(waves, front), waves, strict=True):
        assert torch.equal(features, front(wave.T, torch.tensor([len(wave)]))[0][0])


def loaded(folder, bad="fail", **settings):
    return load(by_folder(Archive(folder), Reader(8000)), AudioFeatures(**SETTINGS | settings), bad, True)


def test_the_cache_knows_content_and_settings(recordings, record, cache):
    first = loaded(recordings)
    assert len(list(cache.iterdir())) == 1
    again = loaded(recordings)
    assert torch.equal(first.store.values, again.store.values)
    assert len(list(cache.iterdir())) == 1
    assert loaded(recordings, n_mels=10).store.values.shape[1] == 10
    record(recordings / "low" / "ann_0.wav", 999.0, 0.1)
    assert not torch.equal(loaded(recordings).store.values, first.store.values)
    assert len(list(cache.iterdir())) == 3


def test_waves_of_another_rate_are_not_found_again(recordings):
    for rate, count in ((8000, 800), (4000, 400)):
        kept = load(by_folder(Archive(recordings), Reader(rate)), None, "fail", True)
        assert kept.store.lengths.min() == count


def test_a_damaged_cache_is_made_anew(recordings, cache):
    first = loaded(recordings).store.values.clone()
    next(cache.iterdir()).write_bytes(b"damaged")
    assert torch.equal(loaded(recordings).store.values, first)


def test_bad_clips_end_the_run_or_are_named(recordings):
    (recordings / "low" / "bad.wav").write_bytes(b"no sound at all")
    with pytest.raises(UserError, match=r"bad\.wav: no sound can be read: .*data\.bad=skip"):
        loaded(recordings)
    found = loaded(recordings, "skip")
    assert len(found.store) == len(found.kept) == 24
    assert found.notes[0] == "1 of 25 clips were skipped"
    assert "bad.wav" in found.notes[1]


def test_nothing_left_is_an_error(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.wav").write_bytes(b"")
    with pytest.raises(UserError, match=r"none of 1 clips can be used: .*x\.wav: the file is empty"):
        loaded(tmp_path, "skip")
