"""Whether one translator is better than another: seen where it is, not seen where there is nothing to see."""

import re

import pandas as pd
import pytest

from lstm_lab.evaluation.paired import compare_translations

TRUTH = [f"the cat {n} sat on the mat" for n in range(60)]


@pytest.fixture
def run(tmp_path):
    def write(name, wrong, truth=TRUTH):
        texts = [text.replace("cat", "dog") if n in wrong else text for n, text in enumerate(truth)]
        (tmp_path / name).mkdir()
        table = pd.DataFrame({"source": truth, "translation": texts, "truth": truth})
        table.to_csv(tmp_path / name / "predictions.csv", index=False)
        return tmp_path / name

    return write


def p_of(line):
    return float(re.search(r"p = ([\d.]+)", line)[1])


def test_a_difference_is_seen_and_none_is_not(run):
    worse, better, alike = run("a", range(0, 60, 2)), run("b", range(0, 60, 10)), run("c", range(1, 60, 2))
    bleu, chrf = compare_translations(worse, better, draws=200)
    assert bleu.startswith("BLEU ")
    assert chrf.startswith("chrF ")
    assert p_of(bleu) < 0.05
    assert p_of(compare_translations(worse, alike, draws=200)[0]) > 0.05


def test_other_tests_and_other_tasks_are_not_compared(run, tmp_path):
    one, other = run("a", []), run("b", [], TRUTH[:50])
    assert compare_translations(one, other) == ["translations of different tests are not compared"]
    assert compare_translations(one, tmp_path) == []
