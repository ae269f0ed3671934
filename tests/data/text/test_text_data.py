"""The datamodule of language models: parts, unknown symbols, protocols, and what is wrong with a file."""

import math

import pytest
import torch

from lstm_lab.data import TextDataModule
from lstm_lab.data.text.corpus import echo
from lstm_lab.data.text.processor import TextProcessor
from lstm_lab.errors import UserError


@pytest.fixture
def novel(tmp_path):
    path = tmp_path / "novel.txt"
    path.write_text("it was a dark night\n" * 50)
    return path


def test_the_last_share_is_the_test_and_the_vocabulary_is_the_training_parts(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("ab" * 45 + "cc" + "ab" * 4)
    data = TextDataModule(path=path, bptt=5, batch_size=2)
    data.setup()
    assert [len(data.text(part)) for part in ("train", "validation", "test")] == [85, 5, 10]
    assert data.processor.tokenizer.symbols == ["a", "b"]
    assert (data.tokens("test") == 1).sum() == 2
    assert "10 test (20.00 % unknown)" in data.describe()


def test_streams_know_their_readers(novel):
    data = TextDataModule(path=novel, bptt=7, batch_size=4, validation=0.1)
    train, test = data.samples("train"), data.samples("test")
    assert (train.readers, test.readers) == (4, 1)
    first = data.example_batch()
    assert first.inputs.shape == (4, 7)
    assert torch.equal(first.inputs[:, 1:], first.targets["next"][:, :-1])
    assert test.targets == len(data.tokens("test")) - 1
    assert data.sampler().batches == train.chunks
    assert TextDataModule(path=novel, bptt=400, batch_size=4).samples("train").readers == 2


def test_penn_treebank_has_the_published_sizes(shared_data):
    data = TextDataModule("ptb", dir=str(shared_data), tokenizer="blank", vocabulary=10_003)
    sizes = [len(data.tokens(part)) for part in ("train", "validation", "test")]
    assert sizes == [929_589, 73_760, 82_430]
    assert data.spec.inputs.vocabulary == 10_003
    assert not any(line.startswith(" ") for line in data.text("test").split("\n"))


def test_tiny_shakespeare_has_its_last_tenth_as_test(shared_data):
    data = TextDataModule("tinyshakespeare", dir=str(shared_data))
    assert [len(data.tokens(part)) for part in ("train", "validation", "test")] == [948_084, 55_770, 111_540]
    assert data.spec.inputs.vocabulary <= 65 + 4


def test_the_grammar_repeats_its_first_word():
    corpus = echo(100)
    for line in corpus.train.splitlines():
        words = line.split()
        assert words[0] == words[-1]
        assert len(words) == 8
    assert corpus.floor == pytest.approx((math.log(8) + 6 * math.log(4)) / 9)


@pytest.mark.parametrize("kind", ["word", "char", "byte", "bpe", "unigram"])
def test_prompts_come_back_with_what_was_written(novel, kind):
    data = TextDataModule(path=novel, tokenizer=kind, vocabulary=300)
    processor = TextProcessor.from_plain(data.processor.to_plain())
    table = processor.table(["it was", "a dark"])
    batch = processor.to_batch(table)
    assert batch.lengths.tolist() == [len(processor.tokenizer.encode(text)) for text in ("it was", "a dark")]
    written = torch.from_numpy(processor.tokenizer.encode(" a dark night"))
    if kind == "word":  # a space goes without saying between words
        written = written[1:]
    texts = processor.to_frame({"written": written.expand(2, -1)}, table)["text"].tolist()
    assert texts == ["it was a dark night", "a dark a dark night"]


def test_unknown_symbols_of_a_prompt_are_told(novel, capsys):
    processor = TextDataModule(path=novel).processor
    batch = processor.to_batch(processor.table("a Zark"))
    assert (batch.inputs == 1).sum() == 1
    assert "1 of 6 symbols were never seen" in capsys.readouterr().err
    with pytest.raises(UserError, match="no symbol of 'ZZ' was seen in training"):
        processor.to_batch(processor.table("ZZ"))
    assert processor.to_batch(processor.table("")).inputs.tolist() == [[processor.start]]
    assert processor.example()["prompt"].tolist() == ["it was a dark night it was a dark night"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, r"data=textfile needs a file: data\.path"),
        ({"path": "missing.txt"}, "there is no such file"),
        ({"path": "short.txt"}, "characters are too few"),
        ({"path": "short.txt", "test": 1.5}, r"data\.test=1\.5 must be a share"),
        ({"path": "short.txt", "bptt": 0}, r"data\.bptt=0 is too small"),
    ],
)
def test_mistakes_are_one_line(tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "short.txt").write_text("abc")
    with pytest.raises(UserError, match=message):
        TextDataModule(**words).setup()
