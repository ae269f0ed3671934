"""Translators through the real doors: train, look, judge again, translate from a pipe, talk, go on, two processes."""

import io
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab import experiment, load, predictor
from lstm_lab.chat import converse
from lstm_lab.chat import main as chat
from lstm_lab.compare import main as compare
from lstm_lab.doors import compose_config
from lstm_lab.evaluate import main as evaluate
from lstm_lab.predict import main as predict
from lstm_lab.train import main as train_door
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Interrupted

WORDS = [
    "model=seq2seq", "data=reverse", "data.count=200", "tracking=off", "model.hidden_size=8", "frontend.size=8",
    "fit.max_steps=6", "fit.validate_every=3", "threads=1",
]  # fmt: skip


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(outputs, *words):
    assert train_door([*WORDS, *words]) == 0
    return (outputs / "runs" / "latest").resolve()


@pytest.fixture
def pipe(monkeypatch):
    def give(text):
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    return give


def test_a_run_from_training_to_a_pipe(outputs, capsys, pipe, tmp_path):
    feeding = ["model.decoder.attention=bahdanau", "model.decoder.input_feeding=true"]
    directory = trained(outputs, "data=dates", *feeding, "fit.max_steps=40", "optim.lr=0.02")
    assert "copy of the source" in capsys.readouterr().out
    facts = json.loads((directory / "metrics.json").read_text())
    assert set(facts["baselines"]["copy of the source"]) >= {"exact", "bleu", "chrf"}
    assert facts["metrics"]["test/perplexity"] == pytest.approx(np.exp(facts["metrics"]["test/nats"]))
    assert any("nrefs:1|case:mixed" in note for note in facts["notes"])  # sacreBLEU's signature
    assert (directory / "figures" / "attention.png").is_file()

    assert evaluate(["run=latest"]) == 0
    assert facts["verdict"] in " ".join(capsys.readouterr().out.split())

    # Predicting the sources of the test gives the translations of the test, exactly.
    table = pd.read_csv(directory / "predictions.csv", keep_default_na=False)
    found = load(directory).predict(list(table["source"]))
    assert found["translation"].tolist() == table["translation"].tolist()
    np.testing.assert_allclose(found["score"], table["score"], rtol=1e-5)

    pipe("abc\nhello\n")
    assert predict(["run=latest"]) == 0
    out = capsys.readouterr().out.rstrip("\n").split("\n")
    assert out == load(directory).predict(["abc", "hello"])["translation"].tolist()
    assert predict(["run=latest", "text=abc", "n_best=3", f"out={tmp_path}"]) == 0
    rows = capsys.readouterr().out.rstrip("\n").split("\n")
    assert [row.split("\t")[0] for row in rows] == [str(one + 1) for one in range(len(rows))]
    assert rows[0].split("\t")[2] == out[0]
    assert len(pd.read_csv(tmp_path / "translations.csv")) == len(rows)

    pipe("abc\n/new\n\nabc\n")
    assert chat(["run=latest"]) == 0
    assert capsys.readouterr().out.rstrip("\n").split("\n") == [out[0], out[0]]
    talker = load(directory)
    talker.processor.context = 3  # as after training on dialogues
    first, second = converse(talker, ["may", "june"], None, {})
    assert first == talker.predict("may")["translation"][0]
    assert second == talker.predict(f"may\n{first}\njune")["translation"][0]


def test_mistakes_are_one_line(outputs, capsys, pipe):
    trained(outputs)
    pipe("")
    for door, words, told in (
        (predict, ["text=abc", "n_best=3", "beam=2"], "n_best=3 is more than beam=2"),
        (predict, [], "nothing came through the pipe"),
        (predict, ["text=a", "path=b"], "cannot go together"),
        (predict, ["text=abc", "top_p=x"], "top_p=x must be a number"),
        (predict, [f"text={'a' * 101}"], "more than the 100 that training allowed"),
        (chat, ["temprature=1"], "Did you mean 'temperature'"),
    ):
        capsys.readouterr()
        assert door([*words]) == 2
        said = capsys.readouterr().err.strip()
        assert told in said
        assert "\n" not in said
    assert train_door(["model=seq2seq", "data=airline"]) == 2
    assert "writes sentences" in capsys.readouterr().err


def test_two_files_of_ones_own_and_any_model(outputs, tmp_path):
    for name, word in (("a.txt", "zeile"), ("b.txt", "line")):
        (tmp_path / name).write_text("".join(f"{word} {n}\n" for n in range(80)))
    files = ["data=parallel", "data.source=a.txt", "data.target=b.txt", "data.tokenizer=word"]
    assert train_door([*WORDS[3:], "model=gru", *files, "ensemble=2", "task.scheduled_sampling=0.5"]) == 0
    facts = json.loads((outputs / "runs" / "latest" / "metrics.json").read_text())
    assert set(facts["baselines"]) == {
        "copy of the source",
        "most frequent target",
        "nearest training source",
    }


@pytest.mark.slow
def test_a_run_cut_within_a_pass_ends_like_an_unbroken_one(outputs, monkeypatch):
    """With batches by budget, dropout, and scheduled sampling under way."""
    words = [
        *WORDS,
        "data.budget=300",
        "fit.max_steps=14",
        "fit.validate_every=7",
        "fit.steps_per_execution=2",
    ]
    words += ["task.scheduled_sampling=0.5", "task.sampling_steps=10", "frontend.dropout=0.2"]
    whole = experiment.run(compose_config(words), words)
    agree = Saver._agree

    def interrupted(self, trainer):
        if trainer.global_step == 4:
            os.kill(os.getpid(), signal.SIGTERM)
        return agree(self, trainer)

    monkeypatch.setattr(Saver, "_agree", interrupted)
    with pytest.raises(Interrupted):
        experiment.run(compose_config(words), words)
    monkeypatch.setattr(Saver, "_agree", agree)
    resumed = experiment.run(compose_config(["resume=latest"]), ["resume=latest"])
    assert resumed.metrics == whole.metrics
    ours, theirs = (
        torch.load(one.directory / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
        for one in (resumed, whole)
    )
    assert int(ours["members.0.trained"]) > 4
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


@pytest.mark.ddp
def test_two_processes_are_one(outputs):
    """Each has its share of a batch and other numbers of symbols: the mean is over symbols, not over processes."""
    words = [*WORDS, "data.batch_size=16", "fit.max_steps=12", "fit.validate_every=6"]
    curves = []
    for trainer in ("cpu", "ddp_cpu"):
        done = subprocess.run(
            [sys.executable, "-m", "lstm_lab.train", *words, f"trainer={trainer}"],
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        curves.append(pd.read_csv(outputs / "runs" / "latest" / "history.csv"))
    np.testing.assert_allclose(curves[1]["val/nats"], curves[0]["val/nats"], rtol=1e-4)


def test_several_runs_are_one(outputs, capsys):
    """Two runs as an ensemble give the mixture of their probabilities; one run twice gives what it gave."""
    first = trained(outputs, "seed=1")
    second = trained(outputs, "seed=2", "model.hidden_size=6")
    batch = load(first).processor.to_batch(pd.DataFrame({"source": ["abc"]}))
    target = {"sentence": torch.tensor([[5, 6, 3]])}
    batch = type(batch)(batch.inputs, batch.lengths, batch.keys, target)
    with torch.no_grad():
        one, other, both = (
            predictor.ensemble(runs).model(batch)["nats"] for runs in ([first], [second], [first, second])
        )
    torch.testing.assert_close((-both).exp(), ((-one).exp() + (-other).exp()) / 2)
    twice = predictor.average([first, first]).model.state_dict()
    assert all(torch.equal(value, twice[key]) for key, value in load(first).model.state_dict().items())
    capsys.readouterr()
    assert evaluate([f"run={first},{second}"]) == 0
    assert capsys.readouterr().out.count("checkpoint: ") == 2
    assert evaluate([f"run={first},{second}", "average=true"]) == 2
    assert "not of the sizes" in capsys.readouterr().err
    assert compare([f"run={first},{second}"]) == 0
    assert "by 1000 paired bootstrap draws" in capsys.readouterr().out
