"""Who is trained on and who is tested: by the publisher's list, by source, or at random where nothing is known.

Clips cut from one recording look alike. Drawn at random, some stand on both sides, and the test measures memory: on
UCF101 random splits read in the nineties where the official ones give 45 to 76 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch

from lstm_lab.data.folding import SEED, Folds, divide
from lstm_lab.data.video.listing import Listed
from lstm_lab.errors import UserError, check_choice

SPLITS = ("auto", "official", "group", "random")
PART_NAMES = ("train", "validation", "test")


def split_clips(
    clips: Sequence[Listed],
    how: str = "auto",
    test: float = 0.2,
    validation: float = 0.15,
    folds: Folds | None = None,
) -> tuple[dict[str, list[int]], str, list[str]]:
    """Divides clips.

    Args:
        clips: all that can be read.
        how: ``official`` takes the parts that names or table state; ``group`` draws whole groups; ``random`` draws
            clips; ``auto`` takes the first of these that is possible.
        test: share of clips, where it is drawn.
        validation: share of the other clips, where it is drawn.
        folds: which of several parts is the test, by group where groups are known.

    Returns:
        Indices of each part, how it was done, and warnings.

    Raises:
        UserError: if the way asked for is not possible, or a part would be empty.
    """
    check_choice("data.split", how, SPLITS)
    stated, grouped = any(clip.part for clip in clips), all(clip.group for clip in clips)
    if folds is not None:
        return _folded(clips, how, validation, folds, stated, grouped)
    if how == "auto":
        how = "official" if stated else "group" if grouped else "random"
    if how == "official" and not stated:
        raise UserError(
            "data.split=official: neither a folder train/… nor a column split says which clips are which."
        )
    if how == "group" and not grouped:
        raise UserError(
            "data.split=group: no group is known of some clips; give a column group, or data.group=…"
        )
    if how == "official":
        parts = _official(clips, validation, grouped)
    else:
        chosen = _drawn(clips, list(range(len(clips))), test, how == "group")
        rest = [index for index in range(len(clips)) if index not in set(chosen)]
        judged = _drawn(clips, rest, validation, how == "group")
        parts = {
            "test": chosen,
            "validation": judged,
            "train": [one for one in rest if one not in set(judged)],
        }
    for part in PART_NAMES:
        if not parts.get(part):
            raise UserError(
                f"data.split={how} leaves no clip for {part}: {len(clips)} clips are too few, or too alike."
            )
    return {part: sorted(parts[part]) for part in PART_NAMES}, how, warnings(clips, parts)


def _folded(
    clips: Sequence[Listed], how: str, validation: float, folds: Folds, stated: bool, grouped: bool
) -> tuple[dict[str, list[int]], str, list[str]]:
    if stated:
        raise UserError(
            "data.folds: names or table state a test part of their own; without folds it is scored."
        )
    if how == "group" and not grouped:
        raise UserError(
            "data.split=group: no group is known of some clips; give a column group, or data.group=…"
        )
    by_group = grouped and how != "random"
    groups, what = groups_for_folds(clips, by_group)
    parts = divide([clip.label for clip in clips], groups, folds, validation, SEED, what)
    return parts, "group" if by_group else "random", warnings(clips, parts)


def groups_for_folds(clips: Sequence[Listed], by_group: bool) -> tuple[list[str], str]:
    """Returns what never parts, a word a clip, and what it is called."""
    return (
        ([clip.group for clip in clips], "groups") if by_group else ([clip.name for clip in clips], "clips")
    )


def count_folds(clips: Sequence[Listed], how: str, folds: Folds) -> int:
    """How many folds there are."""
    return folds.size(*groups_for_folds(clips, all(clip.group for clip in clips) and how != "random"))


def _official(clips: Sequence[Listed], validation: float, grouped: bool) -> dict[str, list[int]]:
    parts: dict[str, list[int]] = {part: [] for part in PART_NAMES}
    for index, clip in enumerate(clips):
        parts[clip.part or "train"].append(index)
    if not parts["validation"]:  # train and test are often all that is published
        parts["validation"] = _drawn(clips, parts["train"], validation, grouped)
        parts["train"] = [index for index in parts["train"] if index not in set(parts["validation"])]
    return parts


def _drawn(clips: Sequence[Listed], among: list[int], share: float, grouped: bool) -> list[int]:
    """Draws about a share of the clips of each class; whole groups where `grouped`."""
    generator = torch.Generator().manual_seed(SEED)
    wanted = {label: share * count for label, count in Counter(clips[one].label for one in among).items()}
    groups: dict[str, list[int]] = {}
    for index in among:
        groups.setdefault(clips[index].group if grouped else str(index), []).append(index)
    names, taken = sorted(groups), []
    for place in torch.randperm(len(names), generator=generator).tolist():
        members = groups[names[place]]
        need = Counter(clips[one].label for one in members)
        # A group is taken while each of its classes still lacks at least half of what it would bring.
        if all(wanted[label] >= count / 2 for label, count in need.items()):
            taken += members
            for label, count in need.items():
                wanted[label] -= count
    return taken


def warnings(clips: Sequence[Listed], parts: dict[str, list[int]]) -> list[str]:
    """Says how many groups stand in more than one part, and which classes a part lacks."""
    found: list[str] = []
    where: dict[str, set[str]] = {}
    for part, indices in parts.items():
        for index in indices:
            if clips[index].group:
                where.setdefault(clips[index].group, set()).add(part)
    both = sum(len(one) > 1 for one in where.values())
    if both:
        found.append(
            f"{both} of {len(where)} groups stand in more than one part: numbers will read too high; data.split=group"
            " keeps them together"
        )
    elif not where:
        found.append("nothing says which clips share a source (data.group=…): numbers may read too high")
    classes = {clip.label for clip in clips}
    for part in PART_NAMES:
        lacking = sorted(classes - {clips[index].label for index in parts[part]})
        if lacking:
            found.append(f"the {part} part has no clip of {', '.join(lacking[:5])}")
    return found
