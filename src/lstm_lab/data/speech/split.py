"""Which clips train, which decide, which are scored; by speaker wherever speakers are known."""

from __future__ import annotations

from collections import defaultdict

import torch

from lstm_lab.data.folding import Folds, divide
from lstm_lab.data.speech.clips import Clip
from lstm_lab.errors import UserError, check_choice

WAYS = ("auto", "official", "speaker", "random")
PARTS = ("train", "validation", "test")

Parts = dict[str, list[int]]


def split(
    clips: list[Clip],
    by: str,
    test: float,
    validation: float,
    fold: int | None = None,
    speaker: str | None = None,
    validate_by: str = "speaker",
    folds: Folds | None = None,
) -> tuple[str, Parts]:
    """Divides clips.

    Args:
        clips: all of them.
        by: ``official`` takes the publisher's parts; ``speaker`` keeps each speaker in one part; ``random`` draws
            within each class; ``auto`` is the first of these that the clips allow.
        test: share of the clips, or of the speakers.
        validation: share of what is left, where the publisher says nothing.
        fold: leave-one-speaker-out: which speaker is the test, counted in alphabetical order.
        speaker: the same by name.
        validate_by: with one left out, ``speaker`` lets the next one validate; ``clips`` draws a share of the clips of
            others, so that training loses none of them: for settings that are chosen already.
        folds: which of several parts is the test: of speakers where they are known, else of recordings.

    Returns:
        The way that was taken, and the numbers of the clips in each part.

    Raises:
        UserError: if the clips do not allow it, or a part would be empty.
    """
    check_choice("data.split", by, WAYS)
    for name, share in (("test", test), ("validation", validation)):
        if not 0 < share < 1:
            raise UserError(f"data.{name}={share} must be a share between 0 and 1.")
    speakers = sorted({clip.speaker for clip in clips if clip.speaker})
    if folds is not None:
        by, parts = _folded(clips, speakers, by, validation, validate_by, folds)
    elif fold is not None or speaker is not None:
        if by not in ("auto", "speaker"):
            raise UserError(
                f"data.split={by} has no folds: data.fold and data.speaker are for split=speaker."
            )
        check_choice("data.validate_by", validate_by, ("speaker", "clips"))
        tested = _left_out(speakers, fold, speaker)
        by, parts = "speaker", _leave_one_out(clips, speakers, tested)
        if validate_by == "clips":
            known = sorted(parts["train"] + parts["validation"])
            parts["train"], parts["validation"] = _draw(clips, known, validation)
    else:
        by = _usual(clips, speakers) if by == "auto" else by
        parts = {"official": _official, "speaker": _by_speaker, "random": _random}[by](
            clips, speakers, test, validation
        )
    for part in PARTS:
        if not parts[part]:
            raise UserError(f"data.split={by} leaves no clips for {part}: there are {len(clips)} in all.")
    return by, parts


def leaks(clips: list[Clip], fingerprints: list[str], parts: Parts) -> list[str]:
    """What the test shares with training: speakers, and recordings that are there twice; a line each."""
    train, found = set(parts["train"]), []
    known = {clips[number].speaker for number in train} - {""}
    shared = known & {clips[number].speaker for number in parts["test"]}
    if shared:
        some = ", ".join(sorted(shared)[:6]) + (" …" if len(shared) > 6 else "")
        found.append(
            f"speakers of the test are known from training ({some}): the score says nothing of new speakers"
        )
    seen = {_place(clips[number], fingerprints[number]): number for number in train}
    for part in ("validation", "test"):
        twice = [number for number in parts[part] if _place(clips[number], fingerprints[number]) in seen]
        if twice:
            other = seen[_place(clips[twice[0]], fingerprints[twice[0]])]
            found.append(
                f"{len(twice)} clips of the {part} part are in training too: {clips[twice[0]].name} is"
                f" {clips[other].name}"
            )
    return found


def _place(clip: Clip, fingerprint: str) -> tuple[str, float, float | None]:
    return fingerprint, clip.start, clip.end


def _usual(clips: list[Clip], speakers: list[str]) -> str:
    if any(clip.part == "test" for clip in clips):
        return "official"
    return "speaker" if len(speakers) > 2 else "random"


def what_parts(clips: list[Clip], speakers: list[str], by: str) -> tuple[list[str], str]:
    """Returns what never parts in folds, a word a clip, and what it is called.

    Raises:
        UserError: if the publisher has divided the clips, or a speaker is not known.
    """
    if len(speakers) < 3 or by == "random":
        if any(clip.part == "test" for clip in clips):
            raise UserError(
                "data.folds: the clips have a test part of their own; without folds it is scored."
            )
        return [clip.name for clip in clips], "recordings"
    _check_known(clips)
    return [clip.speaker for clip in clips], "speakers"


def _folded(
    clips: list[Clip], speakers: list[str], by: str, validation: float, validate_by: str, folds: Folds
) -> tuple[str, Parts]:
    if by == "official":
        raise UserError(
            "data.folds: data.split=official scores the publisher's test. Allowed: auto, speaker, random."
        )
    check_choice("data.validate_by", validate_by, ("speaker", "clips"))
    groups, what = what_parts(clips, speakers, by)
    parts = divide([clip.label for clip in clips], groups, folds, validation, 0, what)
    if what == "speakers" and validate_by == "clips":
        known = sorted(parts["train"] + parts["validation"])
        parts["train"], parts["validation"] = _draw(clips, known, validation)
    return ("speaker" if what == "speakers" else "random"), parts


def _check_known(clips: list[Clip]) -> None:
    unknown = next((clip.name for clip in clips if not clip.speaker), None)
    if unknown:
        raise UserError(f"data.split=speaker: the speaker of {unknown} is not known.")


def _official(clips: list[Clip], speakers: list[str], test: float, validation: float) -> Parts:
    parts: Parts = {part: [n for n, clip in enumerate(clips) if clip.part == part] for part in PARTS}
    if not parts["test"]:
        raise UserError("data.split=official: no clip says that it belongs to the test.")
    parts["train"] += [number for number, clip in enumerate(clips) if not clip.part]
    if not parts["validation"]:
        parts["train"], parts["validation"] = _draw(clips, parts["train"], validation)
    return parts


def _by_speaker(clips: list[Clip], speakers: list[str], test: float, validation: float) -> Parts:
    if len(speakers) < 3:
        raise UserError(f"data.split=speaker needs at least three speakers, {len(speakers)} are known.")
    _check_known(clips)
    order = torch.randperm(len(speakers), generator=torch.Generator().manual_seed(0)).tolist()
    shuffled = [speakers[one] for one in order]
    tested = max(1, round(test * len(speakers)))
    validating = max(1, round(validation * (len(speakers) - tested)))
    return _with_speakers(clips, shuffled[:tested], shuffled[tested : tested + validating])


def _random(clips: list[Clip], speakers: list[str], test: float, validation: float) -> Parts:
    rest, tested = _draw(clips, list(range(len(clips))), test)
    train, validating = _draw(clips, rest, validation)
    return {"train": train, "validation": validating, "test": tested}


def _left_out(speakers: list[str], fold: int | None, speaker: str | None) -> str:
    if len(speakers) < 3:
        raise UserError(f"leaving one speaker out needs at least three speakers, {len(speakers)} are known.")
    if speaker is not None:
        check_choice("data.speaker", speaker, speakers)
        return speaker
    assert fold is not None
    if not 0 <= fold < len(speakers):
        raise UserError(
            f"data.fold={fold} must be from 0 to {len(speakers) - 1}: there are {len(speakers)} speakers."
        )
    return speakers[fold]


def _leave_one_out(clips: list[Clip], speakers: list[str], tested: str) -> Parts:
    """The speaker after the one left out, in the circle of names, validates."""
    validating = speakers[(speakers.index(tested) + 1) % len(speakers)]
    return _with_speakers(clips, [tested], [validating])


def _with_speakers(clips: list[Clip], tested: list[str], validating: list[str]) -> Parts:
    parts: Parts = {part: [] for part in PARTS}
    for number, clip in enumerate(clips):
        part = "test" if clip.speaker in tested else "validation" if clip.speaker in validating else "train"
        parts[part].append(number)
    return parts


def _draw(clips: list[Clip], numbers: list[int], share: float) -> tuple[list[int], list[int]]:
    """Draws a share of each class, from a fixed seed, whatever the seed of a run; returns the rest and the drawn."""
    classes: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        classes[clips[number].label].append(number)
    generator = torch.Generator().manual_seed(0)
    drawn: set[int] = set()
    for label in sorted(classes):
        own = classes[label]
        order = torch.randperm(len(own), generator=generator).tolist()
        drawn |= {own[one] for one in order[: max(1, round(share * len(own)))] if len(own) > 1}
    return [number for number in numbers if number not in drawn], sorted(drawn)
