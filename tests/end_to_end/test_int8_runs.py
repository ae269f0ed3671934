"""A language model of eight bits through the real commands: scored, asked, streamed, written on from its file."""

import io
import json
import sys

import pytest
import torch

from lstm_lab.evaluate import main as evaluate
from lstm_lab.export import main as export
from lstm_lab.paths import find_run
from lstm_lab.predict import main as predict
from lstm_lab.predictor import load
from lstm_lab.train import main as train

ECHO = [
    "data=echo",
    "model=lstm",
    "model.hidden_size=16",
    "frontend.size=16",
    "fit.max_steps=60",
    "tracking=off",
]


@pytest.fixture
def run(outputs):
    """A finished run."""
    assert train(ECHO) == 0
    return find_run("latest")


def test_a_language_model_of_eight_bits_is_scored_asked_streamed_and_exported(
    run, capsys, tmp_path, monkeypatch
):
    truth = json.loads((run / "metrics.json").read_text())["metrics"]["test/perplexity"]
    capsys.readouterr()
    assert evaluate(["quantize=int8"]) == 0
    told = capsys.readouterr().out
    found = float(next(line for line in told.splitlines() if line.startswith("LSTM")).split()[1])
    assert found == pytest.approx(truth, rel=0.02)

    assert predict(["quantize=int8", "prompt=ann red", "steps=12", "temperature=0"]) == 0
    asked = capsys.readouterr().out.strip()

    monkeypatch.setattr(sys, "stdin", io.StringIO("ann red big old"))
    assert predict(["quantize=int8", "stream=true", "path=-"]) == 0
    streamed = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert [row[1] for row in streamed] == ["ann", "red", "big", "old"]

    assert export(["format=torch", "quantize=int8", "state=true", f"out={tmp_path}"]) == 0
    assert "differs from predict by 0.0e+00" in capsys.readouterr().out
    tokenizer = load(run).processor.tokenizer
    ahead = written_by(tmp_path / "model.pt", tokenizer.encode("ann red"), 12)
    assert tokenizer.decode(ahead).strip() == asked.removeprefix("ann red").strip()


def written_by(path, prompt, steps):
    """What a file writes that knows nothing of this package: the likeliest symbol, again and again."""
    card = json.loads((path.parent / "card.json").read_text())
    model = torch.jit.load(str(path))
    shapes = [one["shape"] for one in card["inputs"] if one["name"].startswith("state_")]
    state = [torch.zeros([1 if size == "batch" else size for size in shape]) for shape in shapes]
    piece, written = torch.as_tensor(prompt)[None].long(), []
    for _ in range(steps):
        scores, *state = model(piece, torch.tensor([piece.shape[1]]), *state)
        scores[0, -1, :1] = -torch.inf  # padding is never written
        piece = scores[:, -1:].argmax(-1)
        written.append(int(piece))
    return written


def test_mistakes_are_one_line(run, capsys):
    for words, said in {
        ("quantize=int4",): "quantize=int4",
        ("quantize=int8", "stream=maybe", "path=-"): "stream=maybe",
    }.items():
        capsys.readouterr()
        assert predict(list(words)) == 2
        told = capsys.readouterr().err.strip()
        assert said in told
        assert "\n" not in told
