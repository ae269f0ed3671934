"""What is known of a recording besides its samples, and what every source of recordings is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Clip:
    """One recording, or a stretch of one.

    Attributes:
        name: what messages and tables call it, the path of its file as a rule.
        label: its class, empty where there is none.
        text: what is said in it, None where nobody wrote it down.
        speaker: who speaks, empty where nobody knows.
        part: ``train``, ``validation`` or ``test`` where the publisher or a table says so, else empty.
        start: where the stretch begins within the file, in seconds.
        end: where it ends; None for the end of the file.
    """

    name: str
    label: str = ""
    text: str | None = None
    speaker: str = ""
    part: str = ""
    start: float = 0.0
    end: float | None = None


class Recordings(Protocol):
    """A list of clips and how to get at them.

    Attributes:
        clips: what is known of each.
        source: where they come from, a path or ``package``.
        columns: names of the features where clips are series of features; empty for waves.
        reading: settings that decide what a file gives, such as the sample rate; part of the key of the cache.
    """

    clips: list[Clip]
    source: str
    columns: tuple[str, ...]
    reading: list[Any]

    def load(self, number: int) -> Tensor:
        """Returns a wave (N,), or features (T, F).

        Raises:
            BadClip: naming the clip and what is wrong with it.
        """
        ...

    def fingerprint(self, number: int) -> str:
        """Changes when the content of the clip does; equal for equal content."""
        ...

    def notes(self) -> list[str]:
        """What a person should know of the clips loaded so far, a line each."""
        ...
