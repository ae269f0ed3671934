"""Every kind of data that can have folds: each sample is the test once, parts are apart, groups stay whole."""

import numpy as np
import pytest

from lstm_lab.data import (
    AddingDataModule,
    ContinualReberDataModule,
    CopyMemoryDataModule,
    GapDataModule,
    ImageSequencesDataModule,
    KeypointsDataModule,
    LabelledTextDataModule,
    LongLagDataModule,
    MovingDigitsDataModule,
    PairsDataModule,
    SpeechFeaturesDataModule,
    TaggedSequencesDataModule,
    TextDataModule,
    TimeSeriesDataModule,
)
from lstm_lab.errors import UserError

# Kinds whose samples have numbers of their own; how many folds, and how many samples there are.
NUMBERED = {
    "images": (lambda **one: ImageSequencesDataModule("digits_rows", **one), 1797),
    "labels": (lambda **one: LabelledTextDataModule("keywords", **one), 600),
    "tags": (lambda **one: TaggedSequencesDataModule("motifs", **one), 240),
}


def rows_of(data, part):
    samples = data.samples(part)
    return samples.gather(slice(0, len(samples))).keys.tolist()


@pytest.mark.parametrize("kind", NUMBERED)
def test_each_sample_is_the_test_once(kind):
    make, count = NUMBERED[kind]
    tested = []
    assert make(folds=3).fold_count == 3
    for fold in range(3):
        data = make(fold=f"{fold + 1}/3")
        parts = {part: rows_of(data, part) for part in ("train", "validation", "test")}
        assert sorted(row for rows in parts.values() for row in rows) == list(range(count))
        assert f"fold {fold + 1} of 3" in data.protocol
        tested += parts["test"]
    assert sorted(tested) == list(range(count))
    assert make().fold_count == 1


def test_gaps_and_pairs_are_the_test_once():
    for make, texts in (
        (lambda **one: GapDataModule("mirrors", **one), lambda data, part: data._texts[part]),
        (
            lambda **one: PairsDataModule("reverse", tokenizer="char", count=120, **one),
            lambda data, part: data.pairs.parts[part],
        ),
    ):
        tested, everything = [], None
        for fold in range(3):
            data = make(folds=3, fold=fold)
            data.setup()
            found = sorted(text for part in ("train", "validation", "test") for text in texts(data, part))
            everything = everything or found
            assert found == everything
            tested += texts(data, "test")
        assert sorted(tested) == everything


def test_a_text_is_cut_into_stretches_that_take_turns():
    whole = TextDataModule("echo", tokenizer="char")
    text = "".join(whole.text(part) for part in ("train", "validation", "test"))
    folds = [TextDataModule("echo", tokenizer="char", folds=4, fold=fold) for fold in range(4)]
    assert "".join(data.text("test") for data in folds) == text
    for data in folds:
        assert sum(len(data.text(part)) for part in ("train", "validation", "test")) == len(text)
    assert (
        folds[1].text("validation") + folds[1].text("test") in text
    )  # what validates stands before the test
    assert folds[3].text("train") == text[: len(folds[3].text("train"))]  # the last stretch is the usual test


def test_rows_of_a_series_are_tests_one_behind_the_other():
    tested = []
    for fold in range(3):
        data = TimeSeriesDataModule("airline", horizon=12, test=12, folds=3, fold=fold)
        data.setup()
        assert len(data.series) == 144 - 12 * (2 - fold)  # nothing after the test is there
        tested += list(data.series.index[data.split.first_test :])
    assert [str(stamp)[:7] for stamp in (tested[0], tested[-1])] == ["1958-01", "1960-12"]
    assert len(set(tested)) == 36
    with pytest.raises(UserError, match=r"data.folds=all is for groups"):
        TimeSeriesDataModule("airline", folds="all").setup()
    with pytest.raises(UserError, match="stretches of 12 test rows"):
        TimeSeriesDataModule("airline", horizon=12, folds=13).setup()


def test_moving_digits_are_of_digits_that_training_never_shows():
    seen = []
    for fold in range(2):
        data = MovingDigitsDataModule(
            size=16, digit_size=8, sequences=4, validation=2, test=2, folds=2, fold=fold
        )
        data.setup()
        seen.append(len(data._makers["test"].glyphs))
        assert f"fold {fold + 1} of 2" in data.protocol
    assert sum(seen) == 1797


def test_made_sounds_are_the_test_once():
    tested = []
    for fold in range(2):
        tones = {"count": 160, "keys": [1, 1], "snr": [0.0, 9.0]}
        data = SpeechFeaturesDataModule("dtmf", "tones", tones=tones, sample_rate=8000, folds=2, fold=fold)
        assert data.fold_count == 2
        data.setup()
        tested += data._parts["test"]
    assert sorted(tested) == list(range(160))


def test_groups_by_column_folder_and_prefix_stay_whole(tmp_path):
    authors = ["ann", "bob", "cat", "dan"]
    rows = [f"text {n} of,{n // 4 % 2},{authors[n % 4]}" for n in range(24)]
    (tmp_path / "my.csv").write_text("text,label,author\n" + "\n".join(rows) + "\n")
    for fold, author in enumerate(authors):
        data = LabelledTextDataModule(path=tmp_path / "my.csv", group="author", folds="all", fold=fold)
        assert {authors[row % 4] for row in rows_of(data, "test")} == {author}
        assert data.fold_count == 4
    with pytest.raises(UserError, match=r"data.group=writer: .* has no such column"):
        LabelledTextDataModule(path=tmp_path / "my.csv", group="writer").setup()
    chance = np.random.default_rng(0)
    for n in range(12):
        folder = tmp_path / "points" / "ab"[n % 2]
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / f"p{n // 4}_{n}.npy", chance.normal(size=(4, 2)).astype(np.float32))
    tested = []
    for fold in range(3):
        data = KeypointsDataModule(path=str(tmp_path / "points"), group="prefix", folds="all", fold=fold)
        data.setup()
        groups = {part: {data.clips[row].group for row in data._parts[part]} for part in data._parts}
        assert groups["test"] == {f"p{fold}"}
        assert not groups["test"] & (groups["train"] | groups["validation"])
        tested += data._parts["test"]
    assert sorted(tested) == list(range(12))


def test_pictures_of_one_source_stay_together(tmp_path):
    from PIL import Image

    for n in range(18):
        folder = tmp_path / "xy"[n % 2]
        folder.mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 4), n, np.uint8)).save(folder / f"s{n // 6}-{n}.png")
    Image.fromarray(np.full((4, 4), 0, np.uint8)).save(tmp_path / "x" / "s3-0.png")  # equal to one of s0
    for fold in range(3):
        data = ImageSequencesDataModule("mine", "folder", str(tmp_path), group="prefix", folds=3, fold=fold)
        shades = data.pictures.images[data._parts["test"], 0, 0, 0]
        assert len(set((shades // 6).tolist())) == 1
        assert len(shades) == (7 if 0 in shades else 6)


def test_what_fixes_its_own_test_says_so():
    for made in (
        lambda: PairsDataModule("multi30k", folds=3),
        lambda: TextDataModule("ptb", folds=3),
    ):
        with pytest.raises(UserError, match="has a test part of its own") as told:
            made()
        assert "\n" not in str(told.value)


# Made sets whose test is of the lags of training, so that folds can take turns.
MADE = {
    "parity": lambda **one: LongLagDataModule("parity", 1, 6, range(1, 7), 6000, **one),
    "temporal_order": lambda **one: LongLagDataModule("temporal_order", 12, 12, [12], 80, **one),
    "copy_memory": lambda **one: CopyMemoryDataModule(
        shortest=2, longest=2, lags=[2], letters=2, sequences=90, **one
    ),
    "adding": lambda **one: AddingDataModule(shortest=5, longest=6, lags=[5, 6], sequences=60, **one),
}


@pytest.mark.parametrize("name", MADE)
def test_made_sequences_take_turns_and_none_stands_in_two_parts(name):
    tested, size = [], None
    assert MADE[name]().fold_count == 1
    assert MADE[name](folds=3).fold_count == 3
    for fold in range(3):
        data = MADE[name](folds=3, fold=fold)
        batches = {
            part: (one := data.samples(part)).gather(slice(0, len(one)))
            for part in ("train", "validation", "test")
        }
        keys = {part: batch.keys.tolist() for part, batch in batches.items()}
        contents = [
            str(row[:length].tolist())
            for batch in batches.values()
            for row, length in zip(batch.inputs, batch.lengths.tolist(), strict=True)
        ]
        assert len(set(contents)) == len(contents)
        size = size or len(contents)
        assert sorted(key for part in keys.values() for key in part) == list(range(size))
        assert "of 3" in data.protocol
        assert "as in training" in data.protocol
        lags = data.lags_of(batches["test"].keys)
        assert set(lags) <= set(data.lags)
        tested += keys["test"]
    assert sorted(tested) == list(range(size))
    if name == "parity":
        assert size == sum(2**bits for bits in range(1, 7))  # as many as there are, each once


def test_strings_of_a_made_stream_take_turns():
    folds = [ContinualReberDataModule(strings=60, folds=3, fold=fold) for fold in range(3)]
    whole = " ".join(data.text("test") for data in folds)
    assert whole.count("E") == 120  # each string has one in it
    for fold, data in enumerate(folds):
        assert data.fold_count == 3
        parts = [data.text(part) for part in ("train", "validation", "test")]
        assert sum(text.count("E") for text in parts) == 120
        assert all(text.startswith("B ") and text.endswith(" E") for text in parts)
        symbols = data.text("test").split()
        assert all(symbols[place + 1] == "E" for place in data.recalled)
        assert f"fold {fold + 1} of 3 of the text" in data.protocol
    assert folds[0].text("train") in whole


def test_a_test_of_lags_of_its_own_cannot_take_turns():
    for made in (
        lambda: AddingDataModule(folds=3),
        lambda: CopyMemoryDataModule(fold="1/3"),
        lambda: LongLagDataModule("parity", 1, 20, [16, 40], folds=3),
    ):
        with pytest.raises(
            UserError, match=r"cannot take turns\. Allowed: the same for both, data\.shortest"
        ) as told:
            made()
        assert "\n" not in str(told.value)
