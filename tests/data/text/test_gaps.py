"""Sequences with gaps: FASTA and its mistakes, strands, and what fills a gap put back into its place."""

import numpy as np
import pytest
import torch

from lstm_lab.baselines.infill import context_bits
from lstm_lab.data import GapDataModule
from lstm_lab.data.text.fasta import read_fasta, reverse_complement
from lstm_lab.data.text.gaps_processor import GapProcessor
from lstm_lab.errors import UserError


def test_fasta_over_several_lines(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text(">one gene\nacgt\nAC\n\n>two\nNNA\n")
    assert read_fasta(path) == (["one gene", "two"], ["ACGTAC", "NNA"])
    assert reverse_complement("AACGN") == "NCGTT"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("ACGT\n", "row 1: a FASTA file begins with a line that begins with '>'"),
        (">a\nACG\n>b\nAZG\n", "row 4: 'Z' at place 2 is no letter of this alphabet"),
        (">a\n>b\nACG\n", "sequence 1: there is no letter below its name"),
    ],
)
def test_mistakes_name_the_row(tmp_path, content, message):
    path = tmp_path / "a.fa"
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        read_fasta(path)


def test_arabidopsis_keeps_equal_fragments_together(shared_data):
    data = GapDataModule("arabidopsis", dir=str(shared_data))
    data.setup()
    assert data.size == 2879
    parts = [set(data._texts[part]) for part in ("train", "validation", "test")]
    assert not parts[0] & parts[2]
    train = data.samples("train")
    half = len(train) // 2
    first, other = (data.processor.tokenizer.decode(train.tokens[row].tolist()) for row in (0, half))
    assert other == reverse_complement(first)
    complement = data.statistics["complement"]
    assert [complement[one] for one in complement][4:] == list(range(4, len(complement)))  # twice is nothing


def test_letters_for_one_of_several_do_not_count(tmp_path):
    path = tmp_path / "a.fa"
    path.write_text("".join(f">{n}\n{'ACGNT' * 3}{'ACGT'[n % 4] * n}\n" for n in range(1, 12)))
    data = GapDataModule("fasta", path, strands=False)
    batch = data.example_batch()
    number = int(data.processor.tokenizer.encode("N")[0])
    assert (batch.targets["gap"][batch.inputs == number] == -100).all()
    assert (batch.targets["gap"][batch.mask & (batch.inputs != number)] >= 4).all()


def test_a_filling_is_put_back_into_its_place():
    data = GapDataModule("mirrors")
    processor = GapProcessor.from_plain(data.processor.to_plain())
    table = processor.table(["ab__ba", "c_"])
    batch = processor.to_batch(table)
    assert batch.targets["start"].tolist() == [2, 1]
    assert batch.targets["size"].tolist() == [2, 1]
    filled = torch.from_numpy(np.stack([processor.tokenizer.encode(text) for text in ("dd", "ca")]))
    found = processor.to_frame(
        {"filled": filled, "size": batch.targets["size"], "bits": torch.tensor([1.0, 2.0])}, table
    )
    assert found["text"].tolist() == ["abddba", "cc"]
    for text, count in (("abc", 0), ("a_b_", 2)):
        with pytest.raises(UserError, match=f"sequence 1 has {count} gaps"):
            processor.to_batch(processor.table(text))


def test_context_counts_by_hand():
    """Symbol 1 after 0 in two of two cases; the mixture with its frequency 3/6 of 8 observations, 1/2 with 1/3."""
    train, test = [np.array([0, 1, 0, 1, 2, 1])], [np.array([0, 1])]
    alone = (3 + 8 / 3) / (6 + 8)
    assert context_bits(train, test, 0, 0)[1] == pytest.approx(-np.log2(alone))
    assert context_bits(train, test, 1, 0)[1] == pytest.approx(-np.log2((2 + 8 * alone) / (2 + 8)))
