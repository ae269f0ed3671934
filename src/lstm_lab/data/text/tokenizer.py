"""Tokenizers: text to numbers and back, trained on the training part only, stored as plain data.

Six kinds, all but ``blank`` without loss for text whose symbols were seen in training:

- ``char``: one symbol a Unicode character.
- ``byte``: the 256 bytes of UTF-8; nothing is ever unknown.
- ``word``: words and marks apart. A mark or word that follows without a space is written with `JOINER` before it, so
  that the spaces come back where they were (Crego et al. 2016, "SYSTRAN's pure neural machine translation systems").
- ``blank``: text that is divided by blanks already (Penn Treebank); runs of blanks count as one, lines are stripped.
- ``bpe`` and ``unigram``: subwords over bytes, of the library ``tokenizers`` (Sennrich et al. 2016; Kudo 2018).

Numbers: the special symbols come first (`pad` is 0), then the learnt ones, the most frequent first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from lstm_lab.errors import UserError, check_at_least, check_choice

KINDS = ("word", "blank", "char", "byte", "bpe", "unigram")
JOINER = "\uffed"  # the sign of OpenNMT's tokenizer: "no space stood here"
UNKNOWN = "<unk>"
SPECIALS = ("<pad>", UNKNOWN, "<bos>", "<eos>")

_WORD = re.compile(r"\w+|[^\w\s]|\s")
_BLANK = re.compile(r"[^\s]+|\n")
_SUBWORD = ("bpe", "unigram")


class Tokenizer:
    """Text to numbers and back.

    Args:
        kind: one of `KINDS`.
        symbols: the learnt symbols in the order of their numbers, for all kinds but subwords.
        lower: whether text is put in lower case first, which cannot be undone.
        model: a subword model as the JSON text of ``tokenizers``.

    Attributes:
        pad: number of the symbol that fills short sequences.
        unknown: of every symbol that training did not see.
        bos: of the beginning of a sequence.
        eos: of its end.
    """

    pad, unknown, bos, eos = range(4)

    def __init__(
        self, kind: str, symbols: Sequence[str] = (), lower: bool = False, model: str | None = None
    ) -> None:
        check_choice("data.tokenizer", kind, KINDS)
        self.kind, self.symbols, self.lower, self.model = kind, list(symbols), lower, model
        self._numbers = {symbol: number for number, symbol in enumerate(self.symbols, len(SPECIALS))}
        self._library: Any = _load_subwords(model) if model is not None else None

    # -- sizes and names ------------------------------------------------------------------------------------

    @property
    def size(self) -> int:
        """Number of symbols, special ones included."""
        if self.kind == "byte":
            return len(SPECIALS) + 256
        learnt = self._library.get_vocab_size() if self._library else len(self.symbols)
        return len(SPECIALS) + learnt

    def symbol(self, number: int) -> str:
        """The symbol as a person reads it."""
        if number < len(SPECIALS):
            return SPECIALS[number]
        if self._library or self.kind == "byte":
            return self.decode([number])
        return self.symbols[number - len(SPECIALS)]

    def number(self, symbol: str) -> int:
        """The number of one symbol as `split` writes it; of one that training did not see, the unknown one's."""
        return self._numbers.get(symbol.lower() if self.lower else symbol, self.unknown)

    # -- there and back -------------------------------------------------------------------------------------

    def encode(self, text: str) -> np.ndarray:
        """Returns the numbers of a text, int64."""
        text = text.lower() if self.lower else text
        if self.kind == "byte":
            return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8).astype(np.int64) + len(
                SPECIALS
            )
        if self._library:
            return np.array(self._library.encode(text).ids, np.int64) + len(SPECIALS)
        find, unknown = self._numbers.get, self.unknown
        return np.array([find(symbol, unknown) for symbol in split(text, self.kind)], np.int64)

    def encode_all(self, texts: Iterable[str]) -> list[np.ndarray]:
        """`encode` for many texts; subwords run on all threads that the library takes."""
        texts = list(texts)
        if not self._library:
            return [self.encode(text) for text in texts]
        found = self._library.encode_batch([text.lower() if self.lower else text for text in texts])
        return [np.array(one.ids, np.int64) + len(SPECIALS) for one in found]

    def decode(self, numbers: Iterable[int]) -> str:
        """Returns the text of numbers; padding and the ends of sequences are left out."""
        kept = [int(number) for number in numbers if number not in (self.pad, self.bos, self.eos)]
        if self.kind == "byte":
            octets = bytes(number - len(SPECIALS) for number in kept if number >= len(SPECIALS))
            return octets.decode("utf-8", "replace")
        if self._library:
            return self._library.decode([n - len(SPECIALS) for n in kept if n >= len(SPECIALS)])
        symbols = [UNKNOWN if n == self.unknown else self.symbols[n - len(SPECIALS)] for n in kept]
        return "".join(symbols) if self.kind == "char" else join(symbols)

    # -- plain data -----------------------------------------------------------------------------------------

    def to_plain(self) -> dict[str, Any]:
        """Everything as strings, fit for a checkpoint."""
        return {"kind": self.kind, "symbols": self.symbols, "lower": self.lower, "model": self.model}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Tokenizer:
        """Rebuilds what `to_plain` gave."""
        return cls(**plain)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        kind: str = "word",
        size: int = 8000,
        minimum: int = 1,
        lower: bool = False,
    ) -> Tokenizer:
        """Learns the symbols of texts.

        Args:
            texts: of the training part.
            kind: one of `KINDS`.
            size: how many symbols at the most, special ones included.
            minimum: how often a word or character has to occur.
            lower: whether text is put in lower case first.

        Raises:
            UserError: for an unknown kind, or a size that leaves no room.
        """
        check_choice("data.tokenizer", kind, KINDS)
        check_at_least("data.vocabulary", size, len(SPECIALS) + 1)
        check_at_least("data.minimum", minimum, 1)
        texts = [text.lower() for text in texts] if lower else texts
        if kind == "byte":
            return cls(kind, lower=lower)
        if kind in _SUBWORD:
            return cls(kind, lower=lower, model=_train_subwords(texts, kind, size - len(SPECIALS)))
        counts: Counter[str] = Counter()
        for text in texts:
            counts.update(split(text, kind))
        del counts[UNKNOWN]
        # Ties by the symbol itself, so that the same text gives the same numbers whatever its order.
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        symbols = [symbol for symbol, count in ranked if count >= minimum]
        return cls(kind, symbols[: size - len(SPECIALS)], lower)


def learnt(earlier: Any, texts: Iterable[str], *settings: Any) -> Tokenizer:
    """Trains a tokenizer, or keeps that of the run whose weights training begins with: its vectors have its numbers.

    Args:
        earlier: the processor of that run, or None.
        texts: of the training part.
        settings: as `Tokenizer.train` takes them.

    Raises:
        UserError: if that run did not read symbols of one kind, or for settings that cannot be.
    """
    if earlier is None:
        return Tokenizer.train(texts, *settings)
    if not isinstance(found := getattr(earlier, "tokenizer", None), Tokenizer):
        raise UserError("start=…: the networks of that run read no text, or one language and write another.")
    return found


def split(text: str, kind: str) -> list[str]:
    """Cuts a text into the symbols of ``word``, ``blank`` or ``char``; ``<unk>`` in the text of a file stays one."""
    if kind == "char":
        return list(text)
    if kind == "blank":
        return _BLANK.findall(text)
    pieces = _WORD.findall(text)
    symbols: list[str] = []
    spaced = True  # whether the next word needs no joiner
    for number, piece in enumerate(pieces):
        if not piece.isspace():
            symbols.append(piece if spaced else JOINER + piece)
            spaced = False
            continue
        # One space between two words is what goes without saying; every other white space is a symbol.
        usual = piece == " " and 0 < number < len(pieces) - 1
        if usual and not pieces[number - 1].isspace() and not pieces[number + 1].isspace():
            spaced = True
            continue
        symbols.append(piece)
        spaced = True
    return symbols


def join(symbols: Sequence[str]) -> str:
    """Undoes `split` for ``word``; for ``blank``, lines come back with single spaces."""
    parts: list[str] = []
    after_space = True
    for symbol in symbols:
        joined = len(symbol) > 1 and symbol.startswith(JOINER)
        if not (symbol.isspace() or joined or after_space):
            parts.append(" ")
        parts.append(symbol[1:] if joined else symbol)
        after_space = symbol.isspace()
    return "".join(parts)


def _train_subwords(texts: Iterable[str], kind: str, size: int) -> str:
    from tokenizers import Tokenizer as Library
    from tokenizers import decoders, models, pre_tokenizers, trainers

    alphabet = pre_tokenizers.ByteLevel.alphabet()  # every byte, so that nothing is ever unknown
    if size < len(alphabet):
        raise UserError(
            f"data.vocabulary={size + len(SPECIALS)} is too small for {kind}: its {len(alphabet)} bytes and "
            f"{len(SPECIALS)} special symbols need {len(alphabet) + len(SPECIALS)}."
        )
    if kind == "bpe":
        library = Library(models.BPE())
        trainer: Any = trainers.BpeTrainer(
            vocab_size=size, initial_alphabet=alphabet, show_progress=False, special_tokens=[]
        )
    else:
        library = Library(models.Unigram())
        trainer = trainers.UnigramTrainer(
            vocab_size=size, initial_alphabet=alphabet, show_progress=False, special_tokens=[]
        )
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    library.train_from_iterator(texts, trainer)
    return library.to_str()


def _load_subwords(model: str) -> Any:
    from tokenizers import Tokenizer as Library

    return Library.from_str(model)
