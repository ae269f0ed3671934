"""Scoring taggers: every label that counts once, by class, beside rules on symbols and windows."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics import confusion_matrix, f1_score

from lstm_lab.baselines.tag import tag_baselines
from lstm_lab.data import CopyMemoryDataModule, TaggedSequencesDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.lags import add_accuracy_by_lag
from lstm_lab.figures.classify import draw_confusion
from lstm_lab.predictor import Predictor


def test(predictor: Predictor, data: TaggedSequencesDataModule) -> Tested:
    """Scores every test sequence once; the accuracy of three or eight classes of structure is called Q3 or Q8."""
    names = data.spec.target.names
    found = predict_labels(predictor, data)
    samples = data.samples("test")
    truth = [labels.numpy() for labels in samples.along["label"][0].flat.split(samples.lengths.tolist())]
    train = data.samples("train")
    train_labels = [one.numpy() for one in train.along["label"][0].flat.split(train.lengths.tolist())]
    pairs = list(zip(train.tokens.arrays(), train_labels, strict=True))
    rules = tag_baselines(pairs, samples.tokens.arrays(), len(names))
    counted = np.concatenate(truth) >= 0
    right = np.concatenate(truth)[counted]
    metrics = score(right, np.concatenate(found)[counted], names)
    rows = {name: score(right, np.concatenate(rule)[counted], names) for name, rule in rules.items()}
    table = pd.DataFrame(rows).T.sort_values("accuracy", ascending=False, kind="stable")
    title = f"Q{len(names)} %" if data.name in ("cb513", "protein_qs") else "accuracy %"
    shown = {"accuracy": title, "f1": "F1 %"} | {f"f1_{name}": f"F1 {name}" for name in names}
    matrix = confusion_matrix(right, np.concatenate(found)[counted], labels=range(len(names)))
    picture = pd.DataFrame(matrix, names, names)
    tested = Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        shown,
        verdict(metrics["accuracy"], table, title),
        _predictions(data, found, truth),
        larger=True,
        pictures={"confusion": partial(_confusion, picture, f"{data.title}: {data.protocol}")},
    )
    if isinstance(data, CopyMemoryDataModule):
        lags = np.repeat(data.lags_of(samples.keys), [len(one) for one in truth])
        add_accuracy_by_lag(tested, data, lags[counted], np.concatenate(found)[counted] == right)
    return tested


def predict_labels(predictor: Predictor, data: TaggedSequencesDataModule) -> list[np.ndarray]:
    """Returns the labels of each test sequence, in the order of the samples."""
    place = {key: row for row, key in enumerate(data.samples("test").keys.tolist())}
    found: list[np.ndarray] = [np.empty(0, dtype=np.int64)] * len(place)
    for batch in data.test_dataloader():
        labels = predictor.predict_batch(batch)["labels"]
        for key, row, length in zip(batch.keys.tolist(), labels, batch.lengths.tolist(), strict=True):
            found[place[key]] = row[:length].numpy()
    return found


def score(truth: np.ndarray, found: np.ndarray, names: tuple[str, ...]) -> dict[str, float]:
    """Accuracy, macro F1 and the F1 of each class, in %; labels (N,)."""
    each = f1_score(truth, found, labels=range(len(names)), average=None, zero_division=0)
    return {
        "accuracy": 100 * float((truth == found).mean()),
        "f1": 100 * float(np.mean(each)),
        **{f"f1_{name}": 100 * float(one) for name, one in zip(names, each, strict=True)},
    }


def verdict(ours: float, baselines: pd.DataFrame, title: str) -> str:
    """One line that says whether the model was worth training."""
    best, theirs = baselines.index[0], float(baselines["accuracy"].iloc[0])
    word = "beats" if ours > theirs else "does not beat"
    return f"{word} {best}: {title.removesuffix(' %')} {ours:.1f} % against {theirs:.1f} %"


def _predictions(
    data: TaggedSequencesDataModule, found: list[np.ndarray], truth: list[np.ndarray]
) -> pd.DataFrame:
    """A row a label that counts: sequence, step, symbol, truth and label."""
    samples, names = data.samples("test"), np.array(data.spec.target.names)
    rows = []
    for key, labels, right in zip(samples.keys.tolist(), found, truth, strict=True):
        known = np.flatnonzero(right >= 0)
        symbols = np.array(data.tagged.symbols[key])
        rows.append(
            pd.DataFrame(
                {
                    "sequence": key,
                    "step": known + 1,
                    "symbol": symbols[known],
                    "truth": names[right[known]],
                    "label": names[labels[known]],
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def _confusion(matrix: pd.DataFrame, title: str, path) -> None:  # type: ignore[no-untyped-def]
    draw_confusion(path, matrix, title)
