"""Language models through the real doors: train, look, judge again, write, and go on in the middle of a stream."""

import json
import os
import signal

import pytest
import torch

from lstm_lab import experiment, load
from lstm_lab.doors import compose_config
from lstm_lab.evaluate import main as evaluate
from lstm_lab.predict import main as predict
from lstm_lab.train import main as train_door
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Interrupted

torch.set_num_threads(1)

TEXT = "the cat sat on the mat\nthe dog sat on the log\n" * 60
WORDS = [
    "tracking=off", "data=textfile", "data.path=novel.txt", "data.batch_size=4", "data.bptt=11",
    "model.hidden_size=8", "model.num_layers=2", "model.weight_drop=0.2", "model.dropout=0.2", "model.locked=true",
    "fit.max_steps=60", "fit.validate_every=25", "fit.steps_per_execution=7", "callbacks.samples.steps=20",
]  # fmt: skip


@pytest.fixture
def novel(outputs, tmp_path):
    """A text in the working directory, and the folder of outputs."""
    (tmp_path / "novel.txt").write_text(TEXT)
    return outputs


def run(words):
    return experiment.run(compose_config(words), words)


def test_a_run_is_scored_beside_n_grams_and_writes(novel, capsys):
    assert train_door(WORDS) == 0
    shown = capsys.readouterr().out
    directory = (novel / "runs" / "latest").resolve()
    facts = json.loads((directory / "metrics.json").read_text())
    assert "nats per character" in shown
    assert "7-gram" in shown
    assert set(facts["metrics"]) == {"test/nats", "test/perplexity", "test/bits_per_character"}
    assert set(facts["baselines"]) == {"unigram", "trigram", "5-gram", "7-gram"}
    assert (directory / "samples.txt").read_text().count("--- step") == 2
    assert (directory / "figures" / "surprise.png").is_file()

    assert evaluate(["run=latest"]) == 0
    assert f"{facts['metrics']['test/nats']:.4g}" in capsys.readouterr().out

    words = ["run=latest", "prompt=the cat", "steps=15", "temperature=0.7", "top_k=5", "seed=3"]
    assert predict(words) == 0
    first = capsys.readouterr().out
    assert first.startswith("the cat")
    assert predict(words) == 0
    assert capsys.readouterr().out == first
    written = load(directory).predict(["the cat", "on"], 15, temperature=0.7, top_k=5, seed=3)
    assert written["text"].iloc[0] == first.rstrip("\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["prompt=ÄÖÜ"], "no symbol of 'ÄÖÜ' was seen in training"),
        (["prompt=a", "top_p=2"], "top_p=2.0 must be above 0"),
        (["prompt=a", "temperature=hot"], "temperature=hot must be a number"),
        (["prompt=a", "stepps=3"], "stepps"),
    ],
)
def test_mistakes_are_one_line(novel, capsys, words, message):
    run([*WORDS, "fit.max_steps=1"])
    capsys.readouterr()
    assert predict(["run=latest", *words]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told


def test_a_missing_file_leaves_nothing_behind(outputs, capsys):
    assert train_door(WORDS) == 2
    assert "novel.txt: there is no such file" in capsys.readouterr().err
    assert not list(outputs.glob("runs/*"))


@pytest.mark.parametrize("step", [14, 32])
def test_a_run_cut_in_mid_stream_ends_like_an_unbroken_one(novel, monkeypatch, step):
    """Weights, metrics and every predicted token: the state of each reader goes on, not only its place."""
    whole = run(WORDS)
    agree = Saver._agree

    def interrupted(self, trainer):
        if trainer.global_step == step:
            os.kill(os.getpid(), signal.SIGTERM)
        return agree(self, trainer)

    monkeypatch.setattr(Saver, "_agree", interrupted)
    with pytest.raises(Interrupted):
        run(WORDS)
    monkeypatch.setattr(Saver, "_agree", agree)
    resumed = run(["resume=latest"])
    assert resumed.metrics == whole.metrics
    ours, theirs = (
        torch.load(one.directory / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
        for one in (resumed, whole)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    tables = [(one.directory / "predictions.csv").read_text() for one in (resumed, whole)]
    assert tables[0] == tables[1]
