"""Tokenizers: there and back for any unicode, and what is not known."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data.text.tokenizer import JOINER, KINDS, SPECIALS, Tokenizer, join, split
from lstm_lab.errors import UserError

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SAMPLE = "The cat, the dog; the bird. A cat sat on the mat! " * 20


@settings(max_examples=150, deadline=None)
@given(ANY_TEXT)
def test_words_and_characters_come_back_whatever_the_text(text):
    assert join(split(text, "word")) == text
    for kind in ("word", "char", "byte"):
        tokenizer = Tokenizer.train([text, "seen before"], kind, size=10_000)
        numbers = tokenizer.encode(text)
        assert tokenizer.decode(numbers) == text
        assert tokenizer.unknown not in numbers


@pytest.fixture(scope="module")
def subwords():
    return {kind: Tokenizer.train([SAMPLE], kind, size=280) for kind in ("bpe", "unigram")}


@settings(max_examples=100, deadline=None)
@given(text=ANY_TEXT)
@pytest.mark.parametrize("kind", ["bpe", "unigram", "byte"])
def test_nothing_is_unknown_to_bytes(kind, text, subwords):
    """Also text of other letters than those it was trained on."""
    tokenizer = subwords[kind] if kind in subwords else Tokenizer.train([], "byte")
    numbers = tokenizer.encode(text)
    assert tokenizer.decode(numbers) == text
    assert tokenizer.unknown not in numbers
    assert tokenizer.encode_all([text, "x"])[0].tolist() == numbers.tolist()


def test_words_by_hand():
    assert split("He said: it's  8.5\n", "word") == [
        "He", "said", f"{JOINER}:", "it", f"{JOINER}'", f"{JOINER}s", " ", " ", "8", f"{JOINER}.", f"{JOINER}5", "\n",
    ]  # fmt: skip
    assert split(" no it was n't <unk> \n", "blank") == ["no", "it", "was", "n't", "<unk>", "\n"]


def test_blank_keeps_lines_and_the_unknown_word_of_the_file():
    tokenizer = Tokenizer.train([" a <unk> b \n a b \n"], "blank")
    assert tokenizer.symbols == ["\n", "a", "b"]
    numbers = tokenizer.encode("a <unk> zebra\n")
    assert numbers.tolist() == [5, 1, 1, 4]
    assert tokenizer.decode(numbers) == "a <unk> <unk>\n"


def test_frequent_symbols_come_first_and_ties_by_name():
    tokenizer = Tokenizer.train(["b a b c a b d"], "blank", size=len(SPECIALS) + 3)
    assert tokenizer.symbols == ["b", "a", "c"]
    assert Tokenizer.train(["b a b c a b d"], "blank", minimum=2).symbols == ["b", "a"]


def test_lower_case_is_part_of_the_tokenizer():
    tokenizer = Tokenizer.from_plain(Tokenizer.train(["Ab aB"], "blank", lower=True).to_plain())
    assert tokenizer.encode("AB").tolist() == tokenizer.encode("ab").tolist() == [4]


@pytest.mark.parametrize("kind", KINDS)
def test_plain_data_gives_the_same_tokenizer(kind, tmp_path):
    tokenizer = Tokenizer.train([SAMPLE], kind, size=300)
    torch.save(tokenizer.to_plain(), tmp_path / "plain.pt")
    again = Tokenizer.from_plain(torch.load(tmp_path / "plain.pt", weights_only=True))
    assert again.size == tokenizer.size
    assert again.encode("the mat").tolist() == tokenizer.encode("the mat").tolist()


def test_mistakes_are_told():
    with pytest.raises(UserError, match=r"data\.tokenizer=words is not known.*Did you mean 'word'"):
        Tokenizer.train(["a"], "words")
    with pytest.raises(UserError, match=r"data\.vocabulary=100 is too small for bpe"):
        Tokenizer.train(["a"], "bpe", size=100)
