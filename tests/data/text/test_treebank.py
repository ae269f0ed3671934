"""Treebanks: what stands for several words or is only understood is left out; parts by the names of files."""

import pytest

from lstm_lab.data import TaggedSequencesDataModule
from lstm_lab.data.text.treebank import made_sentences, read_conllu
from lstm_lab.errors import UserError

FILE = """# sent_id = 1
# text = Don't go
1-2\tDon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tDo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_
3\tgo\tgo\tVERB\tVB\t_\t0\troot\t_\t_
3.1\tyou\tyou\tPRON\t_\t_\t_\t_\t_\t_

1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_
"""


def test_words_and_a_column_of_them(tmp_path):
    (tmp_path / "a.conllu").write_text(FILE)
    found = read_conllu(tmp_path / "a.conllu")
    assert found.symbols == [["Do", "n't", "go"], ["No"]]
    assert found.labels == [["AUX", "PART", "VERB"], ["INTJ"]]
    assert found.parts == []
    assert read_conllu(tmp_path / "a.conllu", column="xpos").labels == [["VB", "RB", "VB"], [None]]
    assert read_conllu(tmp_path / "a.conllu", column="deprel").labels[0] == ["aux", "advmod", "root"]


def test_files_say_their_part(tmp_path):
    for part, word in (("train", "go"), ("dev", "run"), ("test", "sit")):
        (tmp_path / f"en-ud-{part}.conllu").write_text(FILE.replace("\tgo\tgo", f"\t{word}\t{word}"))
    data = TaggedSequencesDataModule("conllu", path=tmp_path)
    data.setup()
    assert data.parts.tolist() == ["train", "train", "validation", "validation", "test", "test"]
    assert [data.tagged.symbols[row][2] for row in (0, 2, 4)] == ["go", "run", "sit"]


@pytest.mark.parametrize(
    ("text", "said"),
    [("1\tDo\tAUX\n", r"row 1: expected 10 columns between tabs, found 3"), ("# nothing\n", "no sequence")],
)
def test_mistakes_are_told_in_one_line(tmp_path, text, said):
    (tmp_path / "a.conllu").write_text(text)
    with pytest.raises(UserError, match=said):
        TaggedSequencesDataModule("conllu", path=tmp_path / "a.conllu").setup()


def test_a_folder_without_a_treebank(tmp_path):
    with pytest.raises(UserError, match=r"ends with train.conllu"):
        read_conllu(tmp_path)


def test_made_sentences_need_their_neighbours():
    found = made_sentences()
    tags = {}
    for words, labels in zip(found.symbols, found.labels, strict=True):
        assert len(words) == len(labels)
        for word, tag in zip(words, labels, strict=True):
            tags.setdefault(word, set()).add(tag)
    assert tags["that"] == {"DET", "PRON", "SCONJ"}
    assert {word for word, found in tags.items() if found == {"NOUN", "VERB"}} == {
        "saw",
        "watch",
        "duck",
        "walk",
        "play",
    }
    assert tags["light"] == {"ADJ", "NOUN", "VERB"}
