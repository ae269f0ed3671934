"""The classic tests of long memory whose answer is one label: temporal order and parity.

`lstm_lab.data.longlag.copying` and `lstm_lab.data.longlag.adding` hold those whose answer is a sequence or a number.
"""

from __future__ import annotations

import random

_NAMES = {"X X": "Q", "X Y": "R", "Y X": "S", "Y Y": "U"}


def temporal_order(steps: int, generator: random.Random) -> tuple[str, str]:
    """Two symbols X or Y, far apart among others: which came first decides between four classes.

    Hochreiter & Schmidhuber (1997), "Long short-term memory", experiment 6a: E, noise of a to d, B. The first symbol
    stands between a tenth and a fifth of the way, the second between a half and six tenths, as in their sequences of
    100 to 110.

    Args:
        steps: of the whole sequence, at least ten.
        generator: draws places and symbols.
    """
    words = ["E", *generator.choices("abcd", k=steps - 2), "B"]
    first = generator.randint(steps // 10, steps // 5)
    second = generator.randint(max(steps // 2, first + 1), 6 * steps // 10)
    words[first], words[second] = generator.choice("XY"), generator.choice("XY")
    return " ".join(words), _NAMES[f"{words[first]} {words[second]}"]


def parity(steps: int, generator: random.Random) -> tuple[str, str]:
    """Ones and zeros: is the number of ones odd? One wrong step and the answer is wrong.

    Args:
        steps: bits, at least one.
        generator: draws the bits.
    """
    bits = generator.choices("01", k=steps)
    return " ".join(bits), "odd" if bits.count("1") % 2 else "even"
