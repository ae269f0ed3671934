"""From a folder of recordings to a labelled file, and from a table to transcripts, through the real commands."""

import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch

from lstm_lab import evaluate, predict, train
from lstm_lab.doors import compose_config
from lstm_lab.experiment import run
from lstm_lab.predictor import load
from lstm_lab.training.saver import Saver
from lstm_lab.training.signals import Interrupted

SMALL = ["model.hidden_size=16", "frontend.channels=[]", "frontend.time_strides=[]"]
QUICK = [
    *SMALL,
    "tracking=off",
    "threads=1",
    "data.sample_rate=8000",
    "data.features.window=0.032",
    "optim.weight_decay=0.01",
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTM_LAB_CACHE", str(tmp_path / "cache"))


def tones(rng, frequencies, rate=8000):
    """One tone a frequency, each a tenth of a second or more, in a little noise."""
    pieces = []
    for hz in frequencies:
        t = np.arange(int(rate * rng.uniform(0.1, 0.16))) / rate
        pieces += [0.4 * np.sin(2 * np.pi * hz * t), np.zeros(400)]
    wave = np.concatenate(pieces)
    return wave + 0.01 * rng.standard_normal(len(wave))


@pytest.fixture
def folder(tmp_path):
    """Thirty recordings of each of two labels."""
    rng = np.random.default_rng(0)
    for label, hz in (("low", 400), ("high", 1500)):
        (tmp_path / "recordings" / label).mkdir(parents=True)
        for take in range(30):
            wave = tones(rng, [hz * rng.uniform(0.9, 1.1)])
            soundfile.write(tmp_path / "recordings" / label / f"{take}.wav", wave, 8000)
    return tmp_path / "recordings"


def test_from_a_folder_to_a_labelled_file(folder, outputs, capsys):
    words = ["model=gru", "data=audio_folder", f"data.path={folder}", "fit.max_steps=60", *QUICK]
    assert train.main(words) == 0
    said = capsys.readouterr().out
    assert "60 clips, 2 classes" in said
    run = outputs / "runs" / "latest"
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["metrics"]["test/accuracy"] == 100
    assert {"nearest mean", "linear on pooled features"} <= set(metrics["baselines"])
    new = folder.parent / "new.flac"
    soundfile.write(new, tones(np.random.default_rng(9), [1450], 16000), 16000)
    assert predict.main([f"path={new}"]) == 0
    labels = pd.read_csv(run / "labels.csv")
    assert labels["label"].tolist() == ["high"]
    assert labels["path"].tolist() == [str(new)]
    assert predict.main([f"path={folder}", f"out={folder.parent}"]) == 0
    assert len(pd.read_csv(folder.parent / "labels.csv")) == 60
    assert evaluate.main(["run=latest"]) == 0
    assert predict.main(["path=nowhere.wav"]) == 2
    assert "there is no such file" in capsys.readouterr().err
    # A prediction of a test file is the test's prediction.
    tested = pd.read_csv(run / "predictions.csv")
    again = load(run).predict(str(folder / "low"))
    assert set(tested["p(low)"].round(4)) & set(again["p(low)"].round(4))


@pytest.mark.slow
def test_from_a_table_to_transcripts(tmp_path, outputs, capsys):
    rng, rows = np.random.default_rng(1), []
    pitch = {"a": 400, "b": 900, "c": 1600}
    for number in range(240):
        text = "".join(rng.choice(list(pitch), rng.integers(1, 5)))
        soundfile.write(tmp_path / f"{number}.wav", tones(rng, [pitch[one] for one in text]), 8000)
        rows.append({"path": f"{number}.wav", "text": text})
    pd.DataFrame(rows).to_csv(tmp_path / "clips.csv", index=False)
    words = ["model=gru", "data=audio_csv", "task=transcribe", f"data.path={tmp_path / 'clips.csv'}"]
    words += ["fit.max_steps=400", "early_stopping.patience=0", *QUICK, "model.hidden_size=32"]
    words += ["model.bidirectional=false"]
    assert train.main(words) == 0
    run = outputs / "runs" / "latest"
    assert json.loads((run / "metrics.json").read_text())["metrics"]["test/wer"] < 10
    assert (run / "figures" / "alignment.png").is_file()
    assert predict.main([f"path={tmp_path / '0.wav'}", "beam=4"]) == 0
    found = pd.read_csv(run / "transcripts.csv")
    times = [(start, end) for _, start, end in json.loads(found["words"][0])]
    assert all(start < end for start, end in times)
    assert times == sorted(times)
    assert predict.main([f"path={tmp_path / '0.wav'}", "beam=0"]) == 0
    whole = pd.read_csv(run / "transcripts.csv")["text"][0]
    capsys.readouterr()
    assert predict.main([f"path={tmp_path / '0.wav'}", "stream=0.07"]) == 0
    assert capsys.readouterr().out.split()[-1] == whole
    assert predict.main([f"path={tmp_path / '0.wav'}", "stream=fast"]) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["data=audio_folder"], "data=audio_folder needs a folder or zip: data.path="),
        (["data=audio_folder", "data.path=nowhere"], "no such folder or zip"),
        (["data=dtmf", "data.features.n_mels=200"], "some filter holds no bin"),
        (["data=dtmf", "frontend.speeds=[0.9]"], "add data.inputs=wave"),
        (["data=dtmf", "frontend.normalize=clip"], "Did you mean 'frontend.normalise'"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(words, message, outputs, capsys):
    assert train.main(["model=lstm", *words, "tracking=off"]) == 2
    told = capsys.readouterr().err.strip()
    assert message in told
    assert "\n" not in told
    assert not outputs.exists() or not any(outputs.rglob("config.yaml"))


def test_a_run_cut_while_it_augments_draws_what_an_unbroken_one_draws(folder, outputs, monkeypatch):
    """Speed, noise, room and place of every clip come from a generator whose place is part of the checkpoint."""
    words = [
        "model=gru",
        "data=audio_folder",
        f"data.path={folder}",
        "data.inputs=wave",
        "data.batch_size=16",
    ]
    words += [
        "fit.max_steps=12",
        "fit.validate_every=4",
        "frontend.speeds=[0.9,1.1]",
        "frontend.noise=[5,20]",
    ]
    words += ["frontend.reverb=0.05", "frontend.shift=0.1", "frontend.gain=3", "frontend.tilt=2", *QUICK]
    assert train.main(words) == 0
    whole = outputs / "runs" / "latest"
    whole = whole.resolve()
    agree = Saver._agree

    def interrupted(self, trainer):
        if trainer.global_step in range(5, 12):  # several steps are taken in one go
            os.kill(os.getpid(), signal.SIGTERM)
        return agree(self, trainer)

    with monkeypatch.context() as cut:
        cut.setattr(Saver, "_agree", interrupted)
        with pytest.raises(Interrupted):
            run(compose_config(words), words)
    assert train.main(["resume=latest"]) == 0
    ours, theirs = (
        torch.load(one / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
        for one in ((outputs / "runs" / "latest").resolve(), whole)
    )
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
