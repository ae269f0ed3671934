"""Training goes on from an earlier run on new data: the weights of every task, and what its processor keeps."""

import json

import numpy as np
import pandas as pd
import pytest
import torch

from lstm_lab import evaluate, train

TINY = [
    "tracking=off",
    "fit.max_steps=2",
    "fit.validate_every=2",
    "model.hidden_size=4",
    "ensemble=1",
    "refit=false",
]
SMALL = ["data.size=16", "data.digit_size=8"]
# A first run, and words by which its task meets other data; what is said to be kept.
TASKS = {
    "forecast": (
        ["data=airline", "data.horizon=12"],
        ["data.rows=120"],
        "nothing of that run's processor stays",
    ),
    "language": (
        ["data=echo"],
        ["data=textfile", "data.path=new.txt", "data.bptt=5"],
        "symbols of that run stay",
    ),
    "regress": (
        ["data=adding", "data.sequences=60", "data.tests=4", "data.longest=24", "data.lags=[30]"],
        ["data.data_seed=7"],
        "nothing of that run's processor stays",
    ),
    "tag": (["data=motifs"], ["data=tagged", "data.path=new.tags"], "symbols and classes of that run stay"),
    "infill": (
        ["data=mirrors", "frontend.size=8"],
        ["data=lines", "data.path=mirrors.txt"],
        "symbols of that run stay",
    ),
    "classify": (
        ["data=keywords"],
        ["data=labelled", "data.path=new.tsv", "model.bidirectional=false"],
        "symbols and classes of that run stay",
    ),
    "transcribe": (
        ["data=dtmf_numbers", "data.tones.count=160", "data.tones.keys=[3,5]", "model.bidirectional=false"],
        ["data.tones.snr=[5.0,9.0]"],
        "symbols of that run stay",
    ),
    "translate": (
        ["model=seq2seq", "data=reverse", "data.count=120", "frontend.size=8"],
        ["data=parallel", "data.path=new.pairs", "data.tokenizer=char", "data.shared=true"],
        "symbols of that run stay",
    ),
    "frames": (
        ["data=moving_digits", "data.sequences=8", "data.validation=2", "data.test=2", *SMALL],
        ["data.sequences=12", "data.digits=1"],
        "of that run",
    ),
}
FAST = ("forecast", "classify")
FILES = {
    "new.txt": "hal old new red hal\nann big big red ann\n" * 30,
    "new.tags": "\n\n".join(f"{letter} y\nA x\nd x\nB y\ne y" for letter in "cdefghij"),
    "mirrors.txt": "\n".join(f"{a}{b}{c}{b}{a}" for a in "abc" for b in "abc" for c in "abc"),
    "new.tsv": "\n".join(
        f"cat {'new ' * n}dog\tcat first\ndog {'old ' * n}cat\tdog first" for n in range(15)
    ),
    "new.pairs": "\n".join(f"{a}{b}c\tc{b}{a}" for a in "abdefg" for b in "abdefg"),
}


def test_weights_that_have_seen_a_test_are_no_beginning_for_it(outputs, capsys):
    assert train.main(["data=keywords", *TINY]) == 0
    first = (outputs / "runs" / "latest").resolve()
    assert train.main(["data=keywords", "data.fold=1/3", f"start={first}", *TINY]) == 2
    assert "divided otherwise (no folds; now fold 1 of 3)" in capsys.readouterr().err
    assert [path for path in (outputs / "runs").iterdir() if not path.is_symlink()] == [first]


@pytest.mark.parametrize(
    "task", [pytest.param(one, marks=() if one in FAST else (pytest.mark.slow,)) for one in TASKS]
)
def test_every_task_goes_on_with_the_weights_on_new_data(outputs, tmp_path, capsys, task):
    for name, content in FILES.items():
        (tmp_path / name).write_text(content)
    words, new, kept = TASKS[task]
    assert train.main([*words, *TINY]) == 0
    first = (outputs / "runs" / "latest").resolve()
    before = torch.load(first / "checkpoints" / "best.ckpt", weights_only=True)
    capsys.readouterr()
    again = [word for word in words if word.partition("=")[0] not in {one.partition("=")[0] for one in new}]
    if "data=" in new[0][:5]:
        again = [word for word in again if not word.startswith("data.")]
    assert train.main([*again, *new, *TINY, f"start={first}", "optim.lr=1e-12"]) == 0
    assert (
        f"start: its weights; {kept}" in capsys.readouterr().out.replace("\n", " ") or kept == "of that run"
    )
    second = (outputs / "runs" / "latest").resolve()
    after = torch.load(second / "checkpoints" / "best.ckpt", weights_only=True)
    assert second != first
    buffers = (
        "mean",
        "std",
        "spread",
        "profile",
        "floor",
        "target",
        "taken",
        "zeroed",
        "grams",
        "weights",
        "_parts",
    )
    learnt = [
        name for name in before["state_dict"] if not any(word in name.rpartition(".")[2] for word in buffers)
    ]
    assert learnt
    for name in learnt:
        if name.endswith(("weight", "bias")) or "_l0" in name:
            torch.testing.assert_close(
                after["state_dict"][name], before["state_dict"][name], rtol=0, atol=1e-6
            )
    if task == "classify":  # judged again, symbols and classes have the numbers that the network learnt
        metrics = json.loads((second / "metrics.json").read_text())["metrics"]
        capsys.readouterr()
        assert evaluate.main([f"run={second}"]) == 0
        row = next(line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("LSTM "))
        assert float(row[1]) == pytest.approx(metrics["test/accuracy"], abs=0.1)


def test_a_class_that_the_earlier_run_did_not_know_is_told(outputs, tmp_path, capsys):
    assert train.main(["data=keywords", *TINY]) == 0
    table = pd.DataFrame(
        {"text": ["cat dog", "dog cat", "big"] * 9, "label": ["cat first", "dog first", "neither"] * 9}
    )
    table["text"] = [
        f"{text} {'red ' * int(n)}" for n, text in zip(np.arange(27) // 3, table["text"], strict=True)
    ]
    table.to_csv(tmp_path / "new.csv", index=False)
    capsys.readouterr()
    assert train.main(["data=labelled", "data.path=new.csv", "start=latest", *TINY]) == 2
    told = capsys.readouterr().err
    assert (
        "goes on with the classes of that run (cat first, dog first), but 'neither' is not among them" in told
    )
    assert len(told.splitlines()) == 1
