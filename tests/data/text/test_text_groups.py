"""Groups of texts: by a column, a comment or the name of a record; neither they nor equal sequences ever part."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lstm_lab.data import (
    GapDataModule,
    LabelledTextDataModule,
    PairsDataModule,
    TaggedSequencesDataModule,
)
from lstm_lab.data.grouping import together
from lstm_lab.data.text.treebank import read_conllu
from lstm_lab.errors import UserError

PARTS = ("train", "validation", "test")


def tagged(path, rows, **words):
    blocks = ["".join(f"{letter}\t{who}\t{'xy'[n % 2]}\n" for n, letter in enumerate(t)) for t, who in rows]
    path.write_text("\n".join(blocks))
    return TaggedSequencesDataModule("tagged", path, group=2, **words)


def treebank(path, rows, **words):
    lines = []
    for text, who in rows:
        lines.append(f"# speaker = {who}")
        lines += [f"{n}\t{a}\t_\t{'XY'[n % 2]}\t_\t_\t0\t_\t_\t_" for n, a in enumerate(text, 1)]
        lines.append("")
    path.write_text("\n".join(lines))
    return TaggedSequencesDataModule("conllu", path, group="speaker", **words)


def gaps(path, rows, **words):
    path.write_text("".join(f">{who}_{n} gene\n{text}\n" for n, (text, who) in enumerate(rows)))
    return GapDataModule("fasta", path, group="prefix", strands=False, **words)


def pairs(path, rows, **words):
    path.write_text("".join(f"{text}\t{n}\t{who}\n" for n, (text, who) in enumerate(rows)))
    return PairsDataModule("parallel", path=str(path), tokenizer="char", group=3, **words)


def labelled(path, rows, **words):
    body = [f"{text}\t{'xy'[n % 2]}\t{who}\n" for n, (text, who) in enumerate(rows)]
    path.write_text("text\tlabel\tauthor\n" + "".join(body))
    return LabelledTextDataModule(path=path, group="author", tokenizer="char", **words)


def rows_of(data, part):
    """Numbers, in the file, of the samples of a part."""
    if isinstance(data, PairsDataModule):
        data.setup()
        return [int(target) for _, target in data.pairs.parts[part]]
    return data.samples(part).keys.tolist()


@pytest.mark.parametrize("make", [tagged, treebank, gaps, pairs, labelled])
@settings(max_examples=8, deadline=None)
@given(st.data())
def test_neither_groups_nor_equal_sequences_part(make, tmp_path_factory, data):
    texts = st.one_of(*(st.text("ACGT", min_size=n, max_size=n) for n in (3, 4)))
    rows = data.draw(st.lists(st.tuples(texts, st.sampled_from("abcdefgh")), min_size=24, max_size=40))
    whole = together([text for text, _ in rows], [who for _, who in rows])
    assume(len(set(whole.tolist())) >= 4)
    path = tmp_path_factory.mktemp("groups") / "my.txt"
    tested = []
    try:
        for words in ({"folds": 2, "fold": 0}, {"folds": 2, "fold": 1}, {}):
            found = make(path, rows, **words)
            parts = {part: rows_of(found, part) for part in PARTS}
            assert sorted(row for part in PARTS for row in parts[part]) == list(range(len(rows)))
            assert all(parts.values())
            for part, other in (("train", "test"), ("train", "validation"), ("validation", "test")):
                for way in (0, 1):
                    assert not {rows[row][way] for row in parts[part]} & {
                        rows[row][way] for row in parts[other]
                    }
            tested += parts["test"] if words else []
    except UserError as told:
        assume("class" not in str(told))  # of a training part with one class nothing can be learnt
        raise
    assert sorted(tested) == list(range(len(rows)))


@pytest.mark.parametrize("make", [tagged, treebank, gaps, pairs, labelled])
def test_one_group_is_left_out_at_a_time(make, tmp_path):
    rows = [
        (text + end, who) for who, end in zip("abcd", "ACGT", strict=True) for text in ("ACG", "CGT", "TA")
    ]
    rows.append((rows[0][0], "c"))  # c has a sequence of a
    left = []
    for fold in range(3):
        found = make(tmp_path / "my.txt", rows, folds="all", fold=fold)
        assert found.fold_count == 3
        left.append({rows[row][1] for row in rows_of(found, "test")})
        assert "groups by " in found.describe()
        assert ": 4, 3 once those with equal " in found.describe()
    assert left == [{"a", "c"}, {"b"}, {"d"}]
    with pytest.raises(UserError, match=r"data\.fold=3 must lie between 0 and 2"):
        make(tmp_path / "my.txt", rows, folds="all", fold=3).setup()


def test_documents_of_a_treebank_and_a_rule_over_its_sentences(tmp_path):
    word = "1\tgo\t_\tVERB\t_\t_\t0\t_\t_\t_\n2\ton\t_\tADP\t_\t_\t0\t_\t_\t_\n\n"
    rows = ["# newdoc id = one\n# sent_id = web-1\n", "# sent_id = web-2\n", "# newdoc\n# sent_id = mail_3\n"]
    path = tmp_path / "a.conllu"
    path.write_text("".join(row + word.replace("go", f"go{n}") for n, row in enumerate(rows)))
    assert read_conllu(path, group="newdoc").groups == ("one", "one", "a.conllu 2")
    assert read_conllu(path, group="prefix").groups == ("web", "web", "mail")
    assert read_conllu(path, group=r"(\d)$").groups == ("1", "2", "3")
    assert read_conllu(path).groups == ()


def test_a_named_column_of_pairs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("who\tde\ten\n" + "".join(f"{'abc'[n % 3]}\tzeile {n}\tline {n}\n" for n in range(12)))
    data = PairsDataModule(path=str(path), tokenizer="word", group="who", folds="all", fold=1)
    data.setup()
    assert data.pairs.parts["test"] == [(f"zeile {n}", f"line {n}") for n in range(1, 12, 3)]
    assert "pairs of one 'who' in one part" in data.protocol
    path.write_text(path.read_text().replace("zeile 4", ""))
    data = PairsDataModule(path=str(path), tokenizer="word", group="who", folds="all")
    assert "the first in line 6" in data.describe()


@pytest.mark.parametrize(
    ("make", "content", "told"),
    [
        (
            lambda path: TaggedSequencesDataModule("tagged", path, group=2),
            "a\tA\tx\nb\tB\ty\n",
            r"row 2: the group is 'B', that of its sequence 'A'",
        ),
        (
            lambda path: TaggedSequencesDataModule("tagged", path, group=2),
            "a\tx\nb\ty\n",
            r"row 1: data\.group=2 has to stand between",
        ),
        (
            lambda path: TaggedSequencesDataModule("tagged", path, group="who"),
            "a\tA\tx\n",
            r"data\.group=who: the number of a column",
        ),
        (
            lambda path: TaggedSequencesDataModule("conllu", path, group="speaker"),
            "1\tgo\t_\tVERB\t_\t_\t0\t_\t_\t_\n",
            r"row 1: data\.group=speaker needs '# speaker = …'",
        ),
        (
            lambda path: GapDataModule("fasta", path, group="folder"),
            ">a\nACG\n",
            r"data\.group=folder: no name has a folder",
        ),
        (
            lambda path: GapDataModule("lines", path, group="prefix"),
            "abc\n",
            r"finds groups in names of records; lines has none",
        ),
        (
            lambda path: PairsDataModule(path=str(path), group="author"),
            "source\ttarget\tauthors\na\tb\tc\n",
            r"no such column\. Did you mean 'authors'\?",
        ),
        (
            lambda path: PairsDataModule(path=str(path), group=3),
            "a\tb\tc\nd\te\n",
            r"line 2: 2 columns; it needs source, target and group",
        ),
        (
            lambda path: PairsDataModule(source=str(path), target=str(path), group=3),
            "a\n",
            r"is a column of one file with tabs",
        ),
        (
            lambda path: PairsDataModule("dates", group=3),
            "a\n",
            r"dates says itself which of its pairs belong together",
        ),
        (
            lambda path: TaggedSequencesDataModule("motifs", group=3),
            "a\n",
            r"motifs does not say which of its sequences belong together",
        ),
    ],
)
def test_mistakes_about_groups_are_one_line(make, content, told, tmp_path):
    path = tmp_path / "my.txt"
    path.write_text(content)
    with pytest.raises(UserError, match=told) as found:
        make(path).setup()
    assert "\n" not in str(found.value)
