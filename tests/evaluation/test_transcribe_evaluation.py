"""What stands beside a transcription: rates over the whole test, rules that hear nothing, and the worst clips."""

import pytest
import torch

from lstm_lab.data import SpeechFeaturesDataModule
from lstm_lab.evaluation.transcribe import baselines, count, split, test, verdict
from lstm_lab.models import GRU
from lstm_lab.predictor import Predictor

score_whole_test = test  # the name would be taken for a test of ours
del test


def tones():
    return SpeechFeaturesDataModule(
        name="tones",
        origin="tones",
        target="transcript",
        sample_rate=8000,
        features={"window": 0.032, "hop": 0.02, "n_mels": 8},
        tones={"count": 160, "keys": [2, 3], "snr": [20.0, 20.0]},
    )


def test_words_are_what_stands_between_spaces():
    assert split("one two", spaced=True) == ["one", "two"]
    assert split("1#", spaced=False) == ["1", "#"]


def test_rates_are_of_sums():
    words, characters = count(["one two", "six"], ["one to", "six"], spaced=True)
    assert words.rate == pytest.approx(100 / 3)
    assert characters.rate == pytest.approx(10)


def test_saying_nothing_is_always_wrong():
    data = tones()
    table = baselines(data, ["12", "3A"], spaced=False)
    assert table.loc["nothing", "wer"] == 100
    assert "beats nothing" in verdict({"test/wer": 5.0}, table.loc[["nothing"]])
    assert "does not beat" in verdict({"test/wer": 120.0}, table)


def test_an_untrained_model_is_scored_on_every_clip(tmp_path):
    data = tones()
    data.setup()
    torch.manual_seed(0)
    task = {"name": "transcribe", "beam": 2}
    model = GRU(data.spec, task, data.statistics, hidden_size=4, frontend={"name": "speech"}, seed=0)
    tested = score_whole_test(Predictor(model, data.processor), data)
    assert len(tested.predictions) == len(data.samples("test")) == 32
    assert {"test/wer", "test/cer", "test/wer_best_path"} <= set(tested.metrics)
    assert any("without the search" in note for note in tested.notes)
    tested.pictures["alignment"](tmp_path / "a.png")
    assert (tmp_path / "a.png").is_file()
