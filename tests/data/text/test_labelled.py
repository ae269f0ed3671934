"""Labelled texts: each file with its trap, no text in two parts, and mistakes that name the row."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_lab.data import LabelledTextDataModule
from lstm_lab.data.folding import deal, share_off
from lstm_lab.data.grouping import groups_of
from lstm_lab.data.text.label_processor import LabelledTextProcessor
from lstm_lab.data.text.labelled import NAMED, read_labelled
from lstm_lab.data.text.tokenizer import Tokenizer
from lstm_lab.data.text.vectors import read_vectors
from lstm_lab.errors import UserError


def test_film_reviews_keep_their_last_lines(shared_data):
    """6,920 and not 6,919: the last line of each file has no end."""
    data = LabelledTextDataModule("sst2", dir=str(shared_data), tokenizer="blank")
    assert [len(data.samples(part)) for part in ("train", "validation", "test")] == [6920, 872, 1821]
    assert data.statistics["class_counts"] == [3310, 3610]
    assert data.samples("train").lengths.max() == 51
    assert data.sampler().padding < 0.1


def test_splice_keeps_equal_sequences_in_one_fold(shared_data):
    found = NAMED["splice"](str(shared_data))
    assert len(found) == 3190
    assert len(set(found.texts)) == 3005
    assert {len(text) for text in found.texts} == {60}
    assert sum(bool(set(text) - set("ACGT")) for text in found.texts) == 15
    seen = []
    for fold in range(10):
        data = LabelledTextDataModule("splice", dir=str(shared_data), tokenizer="char", folds=10, fold=fold)
        test, rest = set(data.texts("test")), set(data.texts("train")) | set(data.texts("validation"))
        assert not test & rest
        seen += data.samples("test").keys.tolist()
        assert 300 <= len(data.samples("test")) <= 340
    assert sorted(seen) == list(range(3190))


def test_promoters_leave_one_out(shared_data):
    data = LabelledTextDataModule("promoters", dir=str(shared_data), tokenizer="char", folds="all", fold=105)
    assert data.fold_count == 106
    assert len(data.samples("test")) == 1
    assert sorted(set(data.labelled.texts[0])) == ["A", "C", "G", "T"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xy")), min_size=6, max_size=60),
    st.data(),
)
def test_no_text_stands_in_two_folds_and_every_text_in_one(rows, data):
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    groups = groups_of(texts)
    count = int(groups.max()) + 1
    if count < 2:
        return
    folds = data.draw(st.integers(2, count))
    fold = deal(labels, groups, folds, 0)
    assert set(fold) == set(range(folds))
    for text in set(texts):
        assert len({int(fold[row]) for row in range(len(texts)) if texts[row] == text}) == 1
    taken = share_off(labels, groups, data.draw(st.sampled_from([0.1, 0.3, 0.8])), 0, "data.test")
    assert taken.any()
    assert not taken.all()


def test_folds_hold_each_class_in_proportion():
    labels = ["a"] * 30 + ["b"] * 20
    fold = deal(labels, np.arange(50), 5, seed=3)
    for one in range(5):
        assert (fold[:30] == one).sum() == 6
        assert (fold[30:] == one).sum() == 4


TABLES = {
    "plain.tsv": "a good film\t1\nbad\t0\n",
    "swapped.tsv": "1\ta good film\n0\tbad\n",
    "named.csv": 'id,label,text\n7,1,"a good, ""fine"" film"\n8,0,bad\n',
    "semicolon.csv": "text;label\na good film;1\nbad;0\n",
    "quotes.tsv": 'text\tlabel\nan "odd film\t1\nbad\t0\n',
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_read_as_they_come(tmp_path, name):
    (tmp_path / name).write_text(TABLES[name])
    found = read_labelled(tmp_path / name, None, None, "utf-8")
    assert found.labels == ["1", "0"]
    first = {"named.csv": 'a good, "fine" film', "quotes.tsv": 'an "odd film'}.get(name, "a good film")
    assert found.texts == [first, "bad"]


def test_a_folder_by_class_with_parts(tmp_path):
    for part, label, text in (("train", "x", "one"), ("train", "y", "two"), ("test", "x", "three")):
        folder = tmp_path / part / label
        folder.mkdir(parents=True)
        (folder / "a.txt").write_text(text)
    found = read_labelled(tmp_path, None, None, "utf-8")
    assert list(zip(found.parts, found.labels, found.texts, strict=True)) == [
        ("train", "x", "one"), ("train", "y", "two"), ("test", "x", "three"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        ("a\tx\nb\tx\n", {}, "at least two classes, there is only 'x'"),
        ("a\tx\nb\n", {}, r"row 2: 1 cells, the first row has 2"),
        ("a text\tx\n\ty\n", {}, r"row 2: there is no text"),
        ("text\tlabel\na\tx\nb\t\n", {}, r"row 3: there is no label"),
        ("just text\n", {}, "one column only"),
        ("text\tlabel\n", {}, "no row below the header"),
        ("text\tlabel\na\tx\nb\ty\n", {"label": "lable"}, r"data\.label=lable.*Did you mean 'label'"),
        ("a\tx\nb\ty\nc\tx\n", {"folds": 9}, r"data\.folds=9 must lie between 2 and 3"),
        ("a\tx\nb\ty\nc\tx\n", {"folds": 3, "fold": 3}, r"data\.fold=3 must lie between 0 and 2"),
    ],
)
def test_mistakes_name_the_row(tmp_path, content, words, message):
    path = tmp_path / "table.tsv"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        LabelledTextDataModule(path=path, **words).setup()
    assert "\n" not in str(caught.value)


def test_a_label_that_training_does_not_know_is_told(tmp_path):
    for part, label in (("train", "x"), ("train", "y"), ("test", "z")):
        folder = tmp_path / part / label
        folder.mkdir(parents=True)
        for number in range(4):
            (folder / f"{number}.txt").write_text(f"{label} {number}")
    with pytest.raises(UserError, match="the label 'z' is not among the training part's: x, y"):
        LabelledTextDataModule(path=tmp_path, validation=0.25).setup()


def test_texts_become_labels_and_back(tmp_path):
    data = LabelledTextDataModule("keywords", tokenizer="blank", longest=5)
    processor = LabelledTextProcessor.from_plain(data.processor.to_plain())
    (tmp_path / "new.csv").write_text("text\ncat\nred dog\n")
    assert list(processor.table(tmp_path / "new.csv")["text"]) == [
        "cat",
        "red dog",
    ]  # the head of a column is no text
    table = processor.table(["red dog big cat", "cat"])
    batch = processor.to_batch(table)
    assert batch.lengths.tolist() == [4, 1]
    found = processor.to_frame({"probabilities": torch.tensor([[0.2, 0.8], [0.9, 0.1]])}, table)
    assert found["label"].tolist() == ["dog first", "cat first"]
    assert found.columns.tolist() == ["text", "label", "probability", "p(cat first)", "p(dog first)"]
    assert data.samples("train").lengths.max() == 5
    with pytest.raises(UserError, match="text 2 is empty"):
        processor.to_batch(processor.table(["cat", ""]))


def test_a_sequence_of_forbidden_letters_is_told(shared_data):
    data = LabelledTextDataModule("promoters", dir=str(shared_data), tokenizer="char")
    assert data.processor.to_batch(data.processor.table("ac gt")).lengths.tolist() == [4]
    with pytest.raises(UserError, match="sequence 1: 'J' at place 3 is no letter of this alphabet"):
        data.processor.to_batch(data.processor.table("acj"))


def test_refit_takes_validation_texts_too():
    data = LabelledTextDataModule("keywords", tokenizer="blank")
    before = [len(data.samples(part)) for part in ("train", "validation", "test")]
    data.fit_again()
    assert len(data.samples("train")) == before[0] + before[1]
    assert len(data.samples("test")) == before[2]


def test_vectors_by_hand(tmp_path):
    tokenizer = Tokenizer.train(["Cat dog bird"], "blank")
    (tmp_path / "v.txt").write_text("4 2\ncat 1 2\ndog 3 4\nfish 5 6\n")
    found = read_vectors(tmp_path / "v.txt", tokenizer)
    assert found[tokenizer.encode("Cat dog")].tolist() == [[1, 2], [3, 4]]
    assert found[tokenizer.encode("bird")].isnan().all()
    (tmp_path / "v.txt").write_text("cat 1 2\ndog 3\n")
    with pytest.raises(UserError, match="row 2: 1 numbers, above there were 2"):
        read_vectors(tmp_path / "v.txt", tokenizer)
    (tmp_path / "v.txt").write_text("fish 1 2\n")
    with pytest.raises(UserError, match="none of its words"):
        read_vectors(tmp_path / "v.txt", tokenizer)
