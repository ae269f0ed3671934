"""Scores of translations: by hand, against sacreBLEU's own numbers, and rules that need no learning."""

import math

import pandas as pd
import pytest
import sacrebleu

from lstm_lab.baselines.translate import nearest, translation_baselines
from lstm_lab.evaluation.translate import measure, notes, signature, verdict

TRUTH = ["the cat sat on the mat today", "a dog barks", "it rains"]


def test_measures_by_hand():
    texts = ["the cat sat on the mat today", "no no no no no", "it rains"]
    found = measure(texts, TRUTH)
    assert found["exact"] == pytest.approx(200 / 3)
    assert found["length_ratio"] == pytest.approx(14 / 12)
    assert found["repeats"] == pytest.approx(100 / 3)  # "no no no" twice
    assert found["equal"] == pytest.approx(100 / 3)
    assert found["distinct_1"] == pytest.approx(9 / 14)  # the cat sat on mat today no it rains
    assert found["distinct_2"] == pytest.approx(8 / 11)
    assert found["entropy"] == pytest.approx(math.log2(3))


def test_bleu_is_sacrebleus_on_plain_text():
    texts = ["The cat sat on a mat today", "a dog barks loudly", "it rains"]
    found = measure(texts, TRUTH)
    assert found["bleu"] == sacrebleu.corpus_bleu(texts, [TRUTH]).score
    assert found["bleu_lower"] > found["bleu"]
    assert measure(TRUTH, TRUTH)["bleu"] == pytest.approx(100)
    assert signature().startswith("nrefs:1|case:mixed|eff:no|tok:13a")


def test_the_same_answer_to_all_is_warned_of():
    texts = ["i do not know"] * 2 + ["yes"]
    metrics = {**measure(texts, TRUTH), "perplexity": 2.0}
    rows = pd.DataFrame({"source": "s", "translation": texts, "truth": TRUTH})
    said = "\n".join(notes(texts, metrics, rows))
    assert "warning: 67 % of all outputs are the same: 'i do not know'" in said
    table = pd.DataFrame({"bleu": [90.0]}, index=["copy"])
    assert verdict(metrics, table, "bleu", "BLEU").startswith("does not beat the best rule (copy)")


def test_rules():
    train = [("ein hund bellt", "a dog barks"), ("es regnet", "it rains"), ("es regnet sehr", "it rains")]
    rules = translation_baselines(train, ["ein hund", "hallo\nes regnet"])
    assert rules["copy of the source"] == ["ein hund", "es regnet"]  # the last turn of a dialogue
    assert rules["most frequent target"] == ["it rains"] * 2
    assert rules["nearest training source"] == nearest(train, ["ein hund", "hallo\nes regnet"])
    assert rules["nearest training source"] == ["a dog barks", "it rains"]
