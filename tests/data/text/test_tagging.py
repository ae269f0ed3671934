"""Tagged sequences: masks, proteins that are not closed, folds, and mistakes that name the row."""

import numpy as np
import pytest
import torch

from lstm_lab.baselines.tag import tag_baselines
from lstm_lab.data import TaggedSequencesDataModule
from lstm_lab.data.text.residues import cb513, protein_qs, read_tagged
from lstm_lab.data.text.tagged_processor import TaggedProcessor
from lstm_lab.errors import UserError


def test_cb513_counts_masked_residues_only(shared_data):
    found = cb513(str(shared_data), 8)
    assert len(found) == 511
    assert sum(map(len, found.symbols)) == 144_011
    assert sum(label is not None for row in found.labels for label in row) == 83_991
    counts = np.unique([label for row in found.labels for label in row if label], return_counts=True)
    assert dict(zip(*counts, strict=True))["H"] / 83_991 == pytest.approx(0.304, abs=0.001)
    data = TaggedSequencesDataModule("cb513", dir=str(shared_data), folds=5, fold=2)
    assert data.spec.target.names == ("C", "E", "H")
    total = sum(int((data._labels(part) >= 0).sum()) for part in ("train", "validation", "test"))
    assert total == 83_991
    assert data.sampler().padding < 0.1


def test_proteins_without_an_end_are_whole(shared_data):
    """Only 91 of the 111 training proteins are closed."""
    found = protein_qs(str(shared_data), 3)
    count = {part: found.parts.count(part) for part in ("train", "test")}
    steps = {
        part: sum(len(s) for s, p in zip(found.symbols, found.parts, strict=True) if p == part)
        for part in count
    }
    assert count == {"train": 111, "test": 17}
    assert steps == {"train": 18_105, "test": 3_520}


def test_a_file_of_ones_own(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("The\tDET\ncat\tNOUN\n\nIt\t?\nsat\tVERB\n")
    found = read_tagged(path, "utf-8")
    assert found.symbols == [["The", "cat"], ["It", "sat"]]
    assert found.labels == [["DET", "NOUN"], [None, "VERB"]]
    path.write_text("The\tDET\ncat\n")
    with pytest.raises(UserError, match=r"row 2: expected a symbol and its label, found 'cat'"):
        read_tagged(path, "utf-8")


def test_folds_hold_every_sequence_once(shared_data):
    seen = []
    for fold in range(5):
        data = TaggedSequencesDataModule("cb513", dir=str(shared_data), folds=5, fold=fold)
        texts = {
            part: {"".join(data.tagged.symbols[key]) for key in data.samples(part).keys.tolist()}
            for part in ("train", "test")
        }
        assert not texts["train"] & texts["test"]
        seen += data.samples("test").keys.tolist()
    assert sorted(seen) == list(range(511))


def test_sequences_become_labels_and_back():
    data = TaggedSequencesDataModule("motifs")
    processor = TaggedProcessor.from_plain(data.processor.to_plain())
    table = processor.table(["cdA", "B"])
    batch = processor.to_batch(table)
    assert batch.lengths.tolist() == [3, 1]
    found = {"labels": torch.tensor([[0, 1, 1], [1, 0, 0]]), "lengths": batch.lengths}
    assert processor.to_frame(found, table)["labels"].tolist() == ["xyy", "y"]
    with pytest.raises(UserError, match=r"sequence 1: 'Z' at place 2 was never seen\. Known: ABcdefghijkl"):
        processor.to_batch(processor.table("cZ"))


def test_baselines_by_hand():
    train = [(np.array([4, 5, 4, 6]), np.array([0, 1, 0, -100])), (np.array([5, 5]), np.array([1, 0]))]
    found = tag_baselines(train, [np.array([4, 5, 7])], 2, reach=1)
    assert found["most frequent label"][0].tolist() == [0, 0, 0]
    assert found["most frequent label of each symbol"][0].tolist() == [0, 1, 0]
    assert len(found["window"][0]) == 3


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, r"data=tagged needs a file"),
        ({"name": "cb513", "classes": 5}, r"data\.classes=5 is not known"),
        ({"name": "motifs", "folds": 3, "fold": 3}, r"data\.fold=3 must lie between 0 and 2"),
    ],
)
def test_mistakes_are_told(words, message):
    with pytest.raises(UserError, match=message):
        TaggedSequencesDataModule(**words).setup()
