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


REVIEWS = "".join(
    f"the {who} sat on the {where} {end}\t{label}\n"
    for end, label in (("well", "good"), ("badly", "bad"))
    for who in ("cat", "dog", "mat", "log", "rat")
    for where in ("mat", "log", "cat", "dog")
)
CLASSIFIER = [
    "tracking=off", "data=labelled", "data.path=reviews.tsv", "model.hidden_size=8", "model.num_layers=2",
    "model.bidirectional=false", "ensemble=2", "fit.max_steps=1", "refit=false", "optim.lr=1e-12",
    "optim.weight_decay=0",
]  # fmt: skip


def test_a_classifier_begins_with_what_a_language_model_learnt(novel, tmp_path, capsys):
    """Symbols keep their numbers, front end and core their weights; the head is new, for each member another."""
    first = run([*WORDS, "data.tokenizer=word", "fit.max_steps=20"]).directory
    (tmp_path / "reviews.tsv").write_text(REVIEWS)
    second = run([*CLASSIFIER, f"start={first}", "frontend.frozen=true"]).directory
    contents = [torch.load(one / "checkpoints" / "best.ckpt", weights_only=True) for one in (first, second)]
    novels, reviews = (one["processor"]["tokenizer"] for one in contents)
    assert reviews == novels
    before, after = (one["state_dict"] for one in contents)
    moved = [name for name in before if ".frontend." in name or ".core." in name]
    assert len(moved) == 9  # vectors, and four weights of each of two layers
    for name in moved:
        # Locked dropout has a kernel for each layer; the classifier has one for both.
        there = name.replace("kernels.1.", "kernels.0.").replace(
            "_l0", "_l1" if "kernels.1." in name else "_l0"
        )
        for member in ("members.0.", "members.1."):
            value = after[there.replace("members.0.", member)]
            torch.testing.assert_close(value, before[name], atol=1e-6, rtol=0)
    assert not torch.equal(after["members.0.head.weight"], after["members.1.head.weight"])
    assert load(second).predict(["the rat sat"])["label"].iloc[0] in ("good", "bad")

    capsys.readouterr()
    assert train_door([*CLASSIFIER, "start=nowhere"]) == 2
    assert capsys.readouterr().err.startswith("lstm_lab: start=nowhere: no such run directory.")
    assert train_door([*CLASSIFIER, f"start={first}", "model.hidden_size=9"]) == 2
    error = capsys.readouterr().err
    assert "not of the sizes of this run's" in error
    assert "(32, 64) there and (36, 64) here" in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize("frozen", [True, False])
def test_vectors_from_a_file_stay_or_move(outputs, tmp_path, frozen):
    """Words of the file begin with its vectors, and keep them to the end where they are frozen."""
    words = {name: torch.full((5,), 0.1 * number) for number, name in enumerate(["cat", "dog", "red"], 1)}
    rows = [" ".join([name, *(f"{value:.3f}" for value in vector)]) for name, vector in words.items()]
    (tmp_path / "vectors.txt").write_text("\n".join(rows) + "\n")
    given = [
        "tracking=off", "data=keywords", "data.vectors=vectors.txt", f"frontend.frozen={str(frozen).lower()}",
        "model.hidden_size=6", "ensemble=1", "fit.max_steps=5", "optim.weight_decay=0", "refit=false",
    ]  # fmt: skip
    directory = run(given).directory
    loaded = load(directory)
    table = loaded.model.members[0].frontend.table.weight.detach()
    assert table.shape[1] == 5  # the file's, whatever frontend.size says
    numbers = loaded.processor.tokenizer.encode(" ".join(words))
    expected = torch.stack(list(words.values()))
    moved = (table[torch.from_numpy(numbers)] - expected).abs().max()
    assert (moved < 1e-6) if frozen else (1e-4 < moved < 0.2)
    assert loaded.predict(["red cat dog"])["label"].notna().all()
