"""Agreement of a verb with a noun far before it: "near the house the cats which the dog saw … were".

After Linzen, Dupoux & Goldberg (2016), "Assessing the ability of LSTMs to learn syntax-sensitive dependencies", but
made, so that distance and attractors are known and nothing else gives the answer away: all other verbs are in the
past, where number does not show; each other noun is singular or plural by chance, may have a clause as well, and may
stand before the one that counts: up to two phrases of place open a sentence.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")
Phrase = Callable[[random.Random], list[str]]

NOUNS = {
    "cat": "cats", "dog": "dogs", "boy": "boys", "girl": "girls", "bird": "birds", "house": "houses",
    "tree": "trees", "car": "cars", "child": "children", "woman": "women", "teacher": "teachers", "friend": "friends",
}  # fmt: skip
VERBS = ("saw", "liked", "followed", "knew", "painted", "heard", "found", "called")
PLACES = ("near", "behind", "beside", "with", "above", "under")
KINDS = ("old", "small", "red", "quiet", "tall", "young")
ADVERBS = ("often", "yesterday", "again", "here", "there", "today", "once", "never")

_PLURALS = frozenset(NOUNS.values())
_NOUNS = _PLURALS | frozenset(NOUNS)
_NUMBERS = {False: "was", True: "were"}


def sentence(distance: int, generator: random.Random) -> tuple[str, str]:
    """Returns the beginning of a sentence up to its verb, and the verb: ``was`` or ``were``.

    Args:
        distance: words between noun and verb, at least one; from four on they hold a relative clause.
        generator: draws the words.
    """
    opening = [
        word for _ in range(int(generator.random() * 3)) for word in _any(_OPENINGS, generator)(generator)
    ]
    head, plural = _noun(generator)
    return " ".join([*opening, "the", head, *_between(distance, generator)]), _NUMBERS[plural]


def nearest_noun(text: str) -> str:
    """The verb that would agree with the last noun: what a reader of the last words would say."""
    return _agreeing(text, -1)


def first_noun(text: str) -> str:
    """The verb that would agree with the first noun, which an opening may hold."""
    return _agreeing(text, 0)


def _agreeing(text: str, place: int) -> str:
    return _NUMBERS[[word for word in text.split() if word in _NOUNS][place] in _PLURALS]


def _between(distance: int, generator: random.Random) -> list[str]:
    """Exactly so many words: a clause, then phrases one after the other."""
    words = _clause(generator) if distance >= 4 else []
    while len(words) < distance:
        follows_noun = bool(words) and words[-1] in _NOUNS
        phrases = _SHORT if distance < 4 else _AFTER_NOUN if follows_noun else _PHRASES
        phrase = _any(phrases, generator)(generator)
        if len(words) + len(phrase) <= distance:
            words += phrase
    return words


def _adverb(generator: random.Random) -> list[str]:
    return [_any(ADVERBS, generator)]


def _place(generator: random.Random) -> list[str]:
    return [_any(PLACES, generator), "the", _noun(generator)[0]]


def _place_of_kind(generator: random.Random) -> list[str]:
    return [_any(PLACES, generator), "the", _any(KINDS, generator), _noun(generator)[0]]


def _deed(generator: random.Random) -> list[str]:
    return ["and", _any(VERBS, generator), "the", _noun(generator)[0]]


def _clause(generator: random.Random) -> list[str]:
    return ["which", "the", _noun(generator)[0], _any(VERBS, generator)]


_OPENINGS: Sequence[Phrase] = (_place, _place_of_kind)
_SHORT: Sequence[Phrase] = (_adverb, _place, _place_of_kind)
_PHRASES: Sequence[Phrase] = (_adverb, _place, _place_of_kind, _deed)
# Without these, the word before "which" would be the noun to agree with: pairs of words would do.
_AFTER_NOUN: Sequence[Phrase] = (*_PHRASES, _clause, _clause)
_PAIRS = tuple(NOUNS.items())


def _noun(generator: random.Random) -> tuple[str, bool]:
    plural = generator.random() < 0.5
    return _any(_PAIRS, generator)[plural], plural


def _any(words: Sequence[T], generator: random.Random) -> T:
    return words[int(generator.random() * len(words))]  # three times as fast as `random.choice`
