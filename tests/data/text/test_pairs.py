"""Pairs: files that match, dialogues kept whole, made sets, batches by length, and text that comes back."""

import datetime as dt
import gzip

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab.data import PairsDataModule, load_processor
from lstm_lab.data.text.pairs import Division, _turns
from lstm_lab.data.text.pairs_made import MADE, _distinct
from lstm_lab.data.text.tokenizer import Tokenizer
from lstm_lab.errors import UserError


def write(tmp_path, left, right, ending=".txt"):
    paths = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    for path, rows in zip(paths, (left, right), strict=True):
        content = ("\n".join(rows) + "\n").encode()
        path.write_bytes(gzip.compress(content) if ending == ".gz" else content)
    return {"source": str(paths[0]), "target": str(paths[1])}


def numbered(count=60):
    return [f"zeile {n}" for n in range(count)], [f"line {n}" for n in range(count)]


def own(tmp_path, left=None, right=None, **more):
    usual = numbered()
    files = write(tmp_path, left or usual[0], right or usual[1])
    return PairsDataModule(
        "parallel", **{"tokenizer": "word", "validation": 0.1, "test": 0.1, **files, **more}
    )


def test_lines_belong_together_and_end_at_newlines_only(tmp_path):
    left, right = numbered()
    left[3] = "next\x85line\u2028and\x0cpage"  # what str.splitlines would cut
    data = own(tmp_path, left, right)
    data.setup()
    pairs = [pair for part in data.pairs.parts.values() for pair in part]
    assert sorted(pairs) == sorted(zip(left, right, strict=True))
    packed = PairsDataModule("parallel", tokenizer="word", **write(tmp_path, *numbered(), ".gz"))
    packed.setup()
    assert len(packed.pairs.parts["train"]) == 54


def test_equal_sources_stay_in_one_part(tmp_path):
    left, right = [f"s {n % 20}" for n in range(200)], [f"t {n}" for n in range(200)]
    data = own(tmp_path, left, right)
    data.setup()
    parts = [{one for one, _ in data.pairs.parts[part]} for part in ("train", "validation", "test")]
    assert sum(map(len, parts)) == 20


def test_tabs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a {n}\tb {n}\n" for n in range(50)))
    data = PairsDataModule("parallel", path=str(path), tokenizer="word")
    data.setup()
    assert len(data.pairs.parts["train"]) == 45
    path.write_text("a\tb\nno tab here\n")
    with pytest.raises(UserError, match=r"pairs\.tsv, line 2: 1 columns"):
        PairsDataModule("parallel", path=str(path)).setup()


def test_mistakes_in_files_are_told(tmp_path):
    left, right = numbered()
    with pytest.raises(UserError, match=r"a\.txt has 60 lines, .*b\.txt has 59: they must be equal"):
        own(tmp_path, left, right[:-1]).setup()
    with pytest.raises(UserError, match=r"data\.path=… .*exclude each other"):
        own(tmp_path, path="x.tsv").setup()
    with pytest.raises(UserError, match=r"needs data\.source=a\.txt"):
        PairsDataModule("parallel").setup()
    with pytest.raises(UserError, match=r"no training pair has at most data\.longest=1"):
        own(tmp_path, longest=1).setup()
    with pytest.raises(UserError, match="would be empty"):
        own(tmp_path, left[:3], right[:3]).setup()
    with pytest.raises(UserError, match="are the same language"):
        PairsDataModule("multi30k", "de", "de").setup()
    with pytest.raises(UserError, match=r"data\.target=es is not known"):
        PairsDataModule("multi30k", "de", "es").setup()


def test_what_is_left_out_is_said(tmp_path):
    left, right = numbered()
    left[7], right[9] = "", " "
    left[20] = "a very " * 40 + "long one"
    data = own(tmp_path, left, right, longest=50)
    said = data.describe()
    assert "2 pairs with an empty side are left out, the first in line 8" in said
    assert "1 training pairs have more than data.longest=50 symbols: left out" in said


def test_a_batch(tmp_path):
    data = own(tmp_path)
    samples = data.samples("train")
    batch = samples.gather(torch.tensor([0, 1]))
    tokenizer = data.processor.target
    for row, key in enumerate(batch.keys.tolist()):
        source, target = data.pairs.parts["train"][key]
        assert data.processor.source.decode(batch.inputs[row].tolist()) == source
        sentence = batch.targets["sentence"][row]
        assert tokenizer.decode(sentence.tolist()) == target
        assert sentence[sentence != 0][-1] == Tokenizer.eos
    assert data.statistics["longest"] == 3
    assert data.spec.target.size == tokenizer.size


@pytest.mark.parametrize("world", [1, 2])
def test_batches_by_budget_hold_each_sentence_once(world):
    data = PairsDataModule("reverse", count=1000, tokenizer="char", budget=200)
    data.setup()
    if world > 1:
        data.trainer = type("T", (), {"world_size": world, "global_rank": 0})()
    lengths = torch.maximum(data.samples("train").lengths, data._target_lengths("train"))
    seen = []
    for rows in data.sampler().draw(3):
        assert int(lengths[rows].max()) * len(rows) <= 200
        shares = [rows[rank::world] for rank in range(world)]
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
        seen += torch.cat(shares).tolist()
    assert sorted(seen) == list(range(800))


def test_made_sets_are_right_and_never_repeat():
    found = {name: maker(400, np.random.default_rng(1)) for name, maker in MADE.items()}
    for pairs in found.values():
        assert len({source for source, _ in pairs}) == 400
    for source, target in found["dates"]:
        day = dt.date.fromisoformat(target)
        assert str(day.year) in source
        assert str(day.day) in source
    for source, target in found["addition"]:
        assert sum(map(int, source.split("+"))) == int(target)
    assert all(source == target[::-1] for source, target in found["reverse"])
    assert found["dates"] == MADE["dates"](400, np.random.default_rng(1))
    with pytest.raises(UserError, match=r"data\.count=1000 is more than there are different ones\. Try"):
        _distinct(1000, lambda: (str(np.random.default_rng().integers(50)), ""))


def test_dialogues_are_whole_and_replies_have_their_turns():
    turns = [("a", "b"), ("b", "c"), ("c", "d"), ("x", "y"), ("y", "z")]
    chains = [(f"{one} {n}", f"{other} {n}") for n in range(20) for one, other in turns]
    parts, _, said = _turns(chains, 2, Division(0.2, 0.2, 0), "here")
    assert sum(map(len, parts.values())) == 100
    for part in parts.values():
        replies = dict(part)
        for n in range(20):
            if f"a {n}" in replies:  # then all of its dialogue, each reply with the two turns before
                assert replies[f"a {n}\nb {n}"] == f"c {n}"
                assert replies[f"b {n}\nc {n}"] == f"d {n}"
            if f"x {n}" in replies:
                assert replies[f"x {n}\ny {n}"] == f"z {n}"
    assert said == ["40 dialogues, each in one part"]


def test_real_dialogues_do_not_leak(shared_data):
    data = PairsDataModule("dialogs", dir=str(shared_data), tokenizer="word", validation=0.1, test=0.1)
    data.setup()
    train = {reply for _, reply in data.pairs.parts["train"]}
    test = [reply for _, reply in data.pairs.parts["test"]]
    assert sum(reply in train for reply in test) / len(test) < 0.15  # by lines it would be 0.82
    assert sum(len(part) for part in data.pairs.parts.values()) == 3728


def test_multi30k_is_aligned(shared_data):
    from lstm_lab.data.text.pairs import multi30k

    parts = multi30k(str(shared_data), "de", "en").parts
    assert [len(parts[part]) for part in ("train", "validation", "test")] == [29000, 1014, 1000]
    assert parts["test"][0] == (
        "Ein Mann mit einem orangefarbenen Hut, der etwas anstarrt.",
        "A man in an orange hat starring at something.",
    )
    assert multi30k(str(shared_data), "en", "de").parts["test"][0] == parts["test"][0][::-1]


@pytest.mark.parametrize("tokenizer", ["word", "char", "bpe"])
def test_the_processor_comes_back_from_plain_data(tokenizer, tmp_path):
    data = own(tmp_path, tokenizer=tokenizer, vocabulary=300)
    torch.save(data.processor.to_plain(), tmp_path / "p.pt")
    again = load_processor(torch.load(tmp_path / "p.pt", weights_only=True))
    table = again.table(["zeile 5", " zeile 12 "])
    assert torch.equal(again.to_batch(table).inputs, data.processor.to_batch(table).inputs)
    assert again.limit == 100


def test_raw_input_that_cannot_be(tmp_path):
    processor = own(tmp_path, longest=20).processor
    with pytest.raises(UserError, match="sentence 2 is empty"):
        processor.to_batch(processor.table(["zeile 1", "  "]))
    with pytest.raises(UserError, match=r"sentence 1 has 30 symbols, more than the 20 .*data\.longest"):
        processor.to_batch(processor.table("zeile " * 30))
    with pytest.raises(UserError, match="no column 'source'"):
        processor.table(pd.DataFrame({"text": ["a"]}))


def test_unknown_words_are_taken_from_the_source_and_equal_texts_are_one(tmp_path):
    processor = own(tmp_path, replace_unknown=True).processor
    line, five = (int(processor.target.encode(word)[0]) for word in ("line", "line 5"[-1:]))
    attention = torch.zeros(1, 3, 4)
    attention[0, 0, 1], attention[0, 1, 2] = 0.9, 0.9
    found = {
        "written": torch.tensor([[[1, line, 0], [line, five, 0], [line, five, 0]]]),
        "score": torch.tensor([[-1.0, -2.0, -3.0]]),
        "attention": attention,
    }
    frame = processor.to_frame(found, processor.table("das Haus steht da"))
    assert frame["translation"].tolist() == ["Haus line", "line 5"]
    assert frame["rank"].tolist() == [1, 2]
