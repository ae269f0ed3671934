"""Speakers stay in one part, and what is shared is said."""

import pytest

from lstm_lab.data.folding import Folds
from lstm_lab.data.speech.clips import Clip
from lstm_lab.data.speech.split import leaks, split
from lstm_lab.errors import UserError

CLIPS = [
    Clip(f"{label}{speaker}{take}", label=label, speaker=speaker)
    for label in "xy"
    for speaker in ("ann", "bob", "cem", "dan", "eve")
    for take in range(4)
]


def speakers_of(parts, clips=CLIPS):
    return {part: {clips[number].speaker for number in numbers} for part, numbers in parts.items()}


def test_speakers_are_apart_where_they_are_known():
    way, parts = split(CLIPS, "auto", 0.2, 0.2)
    assert way == "speaker"
    found = speakers_of(parts)
    assert len(found["test"]) == len(found["validation"]) == 1
    assert not found["train"] & (found["test"] | found["validation"])
    assert sorted(number for part in parts.values() for number in part) == list(range(len(CLIPS)))
    assert leaks(CLIPS, [clip.name for clip in CLIPS], parts) == []


@pytest.mark.parametrize("choice", [{"fold": 1}, {"speaker": "bob"}])
def test_one_speaker_is_left_out(choice):
    way, parts = split(CLIPS, "auto", 0.2, 0.1, **choice)
    assert (way, speakers_of(parts)["test"], speakers_of(parts)["validation"]) == (
        "speaker",
        {"bob"},
        {"cem"},
    )


def test_clips_of_all_others_validate_where_that_is_asked_for():
    _, parts = split(CLIPS, "auto", 0.2, 0.25, speaker="bob", validate_by="clips")
    found = speakers_of(parts)
    assert found["test"] == {"bob"}
    assert len(found["train"]) == 4
    assert len(parts["validation"]) == 8
    assert "bob" not in found["validation"]


def test_folds_cover_every_clip_once():
    tested = [number for fold in range(5) for number in split(CLIPS, "auto", 0.2, 0.1, fold=fold)[1]["test"]]
    assert sorted(tested) == list(range(len(CLIPS)))


def test_the_publishers_parts_come_first():
    clips = [Clip(f"{n}", label="ab"[n % 2], part="test" if n < 10 else "train") for n in range(60)]
    way, parts = split(clips, "auto", 0.2, 0.1)
    assert (way, parts["test"]) == ("official", list(range(10)))
    assert len(parts["validation"]) == 5 or len(parts["validation"]) == 4
    assert {clips[number].label for number in parts["validation"]} == {"a", "b"}


def test_drawn_parts_hold_every_class_and_do_not_move():
    clips = [Clip(f"{n}", label="abc"[n % 3]) for n in range(90)]
    way, parts = split(clips, "auto", 0.2, 0.1)
    assert way == "random"
    assert parts == split(clips, "auto", 0.2, 0.1)[1]
    for numbers in parts.values():
        assert {clips[number].label for number in numbers} == {"a", "b", "c"}


def test_leaks_are_named():
    _, parts = split(CLIPS, "random", 0.2, 0.1)
    shared, *_ = leaks(CLIPS, [clip.name for clip in CLIPS], parts)
    assert "ann" in shared
    marks = [clip.name for clip in CLIPS]
    marks[parts["test"][0]] = marks[parts["train"][0]]
    assert "1 clips of the test part are in training too" in leaks(CLIPS, marks, parts)[-1]


@pytest.mark.parametrize(
    ("clips", "settings", "message"),
    [
        (CLIPS, {"fold": 5}, "from 0 to 4"),
        (CLIPS, {"speaker": "bop"}, "Did you mean 'bob'"),
        (CLIPS, {"fold": 1, "by": "random"}, "has no folds"),
        (CLIPS, {"by": "official"}, "no clip says that it belongs to the test"),
        (CLIPS[:4], {"by": "speaker"}, "at least three speakers, 1 are known"),
        (CLIPS, {"test": 1.5}, "share between 0 and 1"),
        (CLIPS[:1], {"by": "random"}, "leaves no clips for"),
    ],
)
def test_impossible_splits(clips, settings, message):
    with pytest.raises(UserError, match=message):
        split(clips, **{"by": "auto", "test": 0.2, "validation": 0.1} | settings)


def test_folds_are_of_speakers_where_they_are_known():
    tested = []
    for number in range(3):
        way, parts = split(CLIPS, "auto", 0.2, 0.2, folds=Folds(3, number))
        found = speakers_of(parts)
        assert way == "speaker"
        assert not found["test"] & (found["train"] | found["validation"])
        assert not found["train"] & found["validation"]
        tested += parts["test"]
    assert sorted(tested) == list(range(len(CLIPS)))
    _, parts = split(CLIPS, "auto", 0.2, 0.2, validate_by="clips", folds=Folds(5, 0))
    assert speakers_of(parts)["validation"] <= speakers_of(parts)["train"]


def test_folds_are_of_recordings_where_no_speaker_is_known():
    clips = [
        Clip(f"{number // 2}", "xy"[number // 2 % 2], start=number % 2) for number in range(24)
    ]  # two stretches each
    for number in range(4):
        way, parts = split(clips, "auto", 0.2, 0.2, folds=Folds(4, number))
        assert way == "random"
        names = {part: {clips[row].name for row in rows} for part, rows in parts.items()}
        assert not names["test"] & (names["train"] | names["validation"])
        assert len(parts["test"]) == 6
    published = [Clip("a", "x", part="test"), Clip("b", "y"), Clip("c", "y")]
    for by, told in (("auto", "have a test part of their own"), ("official", "scores the publisher's test")):
        with pytest.raises(UserError, match=told):
            split(published, by, 0.2, 0.2, folds=Folds(3, 0))
