"""The handshake between data and nets: what a datamodule promises and what a net is built from.

Frozen and plain: a `Spec` goes through `to_plain` into the checkpoint and back, so that a net is rebuilt
without its data and without its config.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Values:
    """Real-valued steps, a batch of them is (B, T, F).

    Attributes:
        names: name of each of the F features, in column order.
    """

    names: tuple[str, ...]

    @property
    def size(self) -> int:
        """F, the number of features of a step."""
        return len(self.names)


@dataclass(frozen=True)
class Tokens:
    """Symbols from a vocabulary, a batch of them is (B, T) of integers.

    Attributes:
        vocabulary: number of symbols V, all special ones included.
        pad: the symbol that fills short sequences.
        specials: the numbers below this one (padding, the unknown symbol, beginning and end) are never written.
    """

    vocabulary: int
    pad: int = 0
    specials: int = 1


@dataclass(frozen=True)
class Frames:
    """Pictures in time, a batch of them is (B, T, C, H, W)."""

    channels: int
    height: int
    width: int


Inputs = Values | Tokens | Frames

TargetKind = Literal["horizon", "class", "number", "label", "next", "gap", "transcript", "sentence", "frames"]


@dataclass(frozen=True)
class Target:
    """What is asked for at the end of, or along, a sequence.

    Attributes:
        kind: the word by which task and data agree (``conf/task/*.yaml`` holds it as ``target``).
        size: channels per step of a horizon, classes, numbers, labels or symbols.
        steps: steps ahead for a horizon or frames; 1 otherwise.
        names: channel names, class names, names of the numbers, or empty.
    """

    kind: TargetKind
    size: int
    steps: int = 1
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Spec:
    """All that a net has to know of its data.

    Attributes:
        inputs: kind and size of a step of the input.
        target: kind and size of what is predicted.
        future: features known ahead for each step of the horizon (calendar, plans), (B, steps, len(future)).
        unit: unit of the target as the user would say it, for tables and axes.
        season: steps in one season, 0 where there is none.
        length: the usual number of input steps, for estimates and examples; sequences may differ.
    """

    inputs: Inputs
    target: Target
    future: tuple[str, ...] = ()
    unit: str = ""
    season: int = 0
    length: int = 1

    def to_plain(self) -> dict[str, Any]:
        """Returns dicts, lists, strings and numbers only, fit for a checkpoint."""
        plain = asdict(self)
        plain["inputs"]["kind"] = type(self.inputs).__name__.lower()
        return plain

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Spec:
        """Rebuilds a spec from what `to_plain` gave."""
        inputs = dict(plain["inputs"])
        kind = {"values": Values, "tokens": Tokens, "frames": Frames}[inputs.pop("kind")]
        if "names" in inputs:
            inputs["names"] = tuple(inputs["names"])
        target = {**plain["target"], "names": tuple(plain["target"]["names"])}
        rest = {key: plain[key] for key in ("unit", "season", "length")}
        return cls(inputs=kind(**inputs), target=Target(**target), future=tuple(plain["future"]), **rest)
