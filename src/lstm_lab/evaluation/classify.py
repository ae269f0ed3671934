"""Scoring classes: accuracy with its interval, F1, calibration and the confusion matrix, beside simple rules."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import (
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    precision_score,
    recall_score,
)
from statsmodels.stats.proportion import proportion_confint

from lstm_lab.baselines.labels import label_baselines
from lstm_lab.baselines.speech import pooled_baselines
from lstm_lab.data import LabelledTextDataModule, LongLagDataModule, SequenceDataModule
from lstm_lab.data.labels import label_frame
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.lags import add_accuracy_by_lag
from lstm_lab.figures.classify import draw_calibration, draw_confusion
from lstm_lab.figures.speech import draw_clips
from lstm_lab.predictor import Predictor

SHOWN = {"accuracy": "accuracy %", "f1": "F1 %", "loss": "nats"}
# Equal-width bins of confidence for the expected calibration error (Guo et al. 2017, "On calibration of modern neural
# networks", eq. 3).
_BINS = 15
_TOLD = 8  # classes whose F1 fits on a line, and whose numbers are metrics of their own
# Test samples of the largest class over those of the smallest, from which on accuracy alone misleads.
_UNEQUAL = 1.5


def test(predictor: Predictor, data: SequenceDataModule) -> Tested:
    """Scores every test sample once.

    The baselines are the most frequent class of the training part, and rules on what the data offers:
    ``pooled(part)``, features (N, P) that were averaged over each sample and classes (N,).
    """
    names = data.spec.target.names
    keys, truth, probabilities = predict_samples(predictor, data)
    metrics = score(truth, probabilities)
    counts = data.statistics["class_counts"]
    rules = {"most frequent class": np.tile(np.array(counts) / sum(counts), (len(truth), 1))}
    if hasattr(data, "pooled"):
        rules |= pooled_baselines(data.pooled("train"), data.pooled("test")[0], len(names))
    if isinstance(data, LongLagDataModule):
        rules |= data.rules()
    if isinstance(data, LabelledTextDataModule):
        train, test_part = data.samples("train"), data.samples("test")
        labels = train.targets["class"].numpy()
        rules |= label_baselines(train.tokens.arrays(), labels, test_part.tokens.arrays(), len(names))
    chances = {name: _as_probabilities(rule, len(names)) for name, rule in rules.items()}
    rows = {name: score(truth, rule) for name, rule in chances.items()}
    table = pd.DataFrame(rows).T.sort_values("accuracy", ascending=False, kind="stable")
    shown = SHOWN
    if unequal(truth):
        shown = {"accuracy": "accuracy %", "balanced_accuracy": "balanced %", **SHOWN}
    table = table.reindex(columns=list(shown))
    predictions = label_frame(probabilities, names)
    predictions.insert(0, "truth", [str(names[number]) for number in truth])
    predictions.insert(0, "sample", keys)
    right = int((probabilities.argmax(1).numpy() == truth).sum())
    low, high = proportion_confint(right, len(truth), method="wilson")
    matrix = confusion_matrix(truth, probabilities.argmax(1), labels=range(len(names)))
    pictures = {"confusion": partial(_confusion, matrix, names, data)}
    if hasattr(data, "features_of"):
        pictures["clips"] = partial(_clips, truth, probabilities.numpy(), data)
    pictures["calibration"] = partial(_calibration, truth, probabilities.numpy(), data)
    classes = by_class(truth, probabilities.argmax(1).numpy(), names)
    tested = Tested(
        {f"test/{name}": value for name, value in {**metrics, **_each(classes)}.items()},
        table,
        shown,
        verdict(metrics, table),
        predictions,
        larger=True,
        pictures=pictures,
        tables={"classes": classes, "confusion": confusion_table(matrix, names)},
        notes=[
            *_told(classes),
            f"95 % interval of the accuracy: {100 * low:.1f} to {100 * high:.1f} % ({right} of {len(truth)})",
            *_worst(matrix, names),
        ],
    )
    if isinstance(data, LongLagDataModule):
        lags = data.lags_of(torch.from_numpy(keys))
        beside = {name: rule.argmax(1) == truth for name, rule in chances.items()}
        add_accuracy_by_lag(tested, data, lags, probabilities.argmax(1).numpy() == truth, beside)
    return tested


def predict_samples(
    predictor: Predictor, data: SequenceDataModule
) -> tuple[np.ndarray, np.ndarray, torch.Tensor]:
    """Returns keys (N,), true classes (N,) and probabilities (N, C) of all test samples, sorted by key."""
    keys, truth, found = [], [], []
    for batch in data.test_dataloader():
        found.append(predictor.predict_batch(batch)["probabilities"])
        keys.append(batch.keys)
        truth.append(batch.targets["class"])
    order = torch.cat(keys).argsort()
    return (
        torch.cat(keys)[order].numpy(),
        torch.cat(truth)[order].numpy(),
        torch.cat(found)[order],
    )


def score(truth: np.ndarray, probabilities: torch.Tensor | np.ndarray) -> dict[str, float]:
    """Accuracy and macro F1 in %, cross-entropy in nats, and the expected calibration error in %.

    Precision and recall are macro too, over the same classes as F1: those of the truth and of the answers. The balanced
    accuracy is the mean recall of the classes of the truth (Brodersen et al. 2010).

    Args:
        truth: (N,), classes.
        probabilities: (N, C).
    """
    chances = np.asarray(probabilities, np.float64)
    found = chances.argmax(1)
    own = np.take_along_axis(chances, truth[:, None], 1)[:, 0]
    return {
        "accuracy": 100 * float((found == truth).mean()),
        "f1": 100 * float(f1_score(truth, found, average="macro", zero_division=0)),
        "loss": float(-np.log(np.clip(own, 1e-12, None)).mean()),
        "calibration": 100 * calibration_error(found == truth, chances.max(1)),
        "balanced_accuracy": 100
        * float(np.mean([(found == one)[truth == one].mean() for one in set(truth)])),
        "precision": 100 * float(precision_score(truth, found, average="macro", zero_division=0)),
        "recall": 100 * float(recall_score(truth, found, average="macro", zero_division=0)),
    }


def unequal(truth: np.ndarray) -> bool:
    """Whether classes (N,) are so unequal that one that is always named does well."""
    counts = np.unique(truth, return_counts=True)[1]
    return bool(counts.max() > _UNEQUAL * counts.min())


def confusion_table(matrix: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row a true class and a column a class that was named, with the number of test samples."""
    table = pd.DataFrame(matrix, columns=[str(name) for name in names])
    table.insert(0, "truth", [str(name) for name in names])
    return table


def _each(classes: pd.DataFrame) -> dict[str, float]:
    """Precision, recall and F1 of each class; of many classes they stand in their table alone."""
    if len(classes) > _TOLD:
        return {}
    return {
        f"{kind}_{row['class']}": float(row[kind])
        for kind in ("precision", "recall", "f1")
        for _, row in classes.iterrows()
    }


def by_class(truth: np.ndarray, found: np.ndarray, names: Sequence[str]) -> pd.DataFrame:
    """A row a class: precision, recall and F1 in %, and the test samples that are of it.

    Args:
        truth: (N,), classes.
        found: (N,), classes.
        names: of all classes.
    """
    precision, recall, f1, count = precision_recall_fscore_support(
        truth, found, labels=range(len(names)), zero_division=0
    )
    columns = {"precision": 100 * precision, "recall": 100 * recall, "f1": 100 * f1, "samples": count}
    return pd.DataFrame({"class": list(map(str, names)), **columns})


def calibration_error(right: np.ndarray, confidence: np.ndarray) -> float:
    """The mean distance of confidence and accuracy over bins of confidence, weighed by their size."""
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    distances = [
        abs(right[bins == one].mean() - confidence[bins == one].mean()) * (bins == one).mean()
        for one in np.unique(bins)
    ]
    return float(sum(distances))


def verdict(metrics: dict[str, float], baselines: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    best, theirs = str(baselines.index[0]), float(baselines["accuracy"].iloc[0])
    ours = metrics["accuracy"]
    if ours > theirs:
        left = (100 - ours) / (100 - theirs) if theirs < 100 else 1.0
        return f"beats {best}: {ours:.1f} % against {theirs:.1f} %, {100 * (1 - left):.0f} % fewer errors"
    return f"does not beat {best}: {ours:.1f} % against {theirs:.1f} %"


def _told(classes: pd.DataFrame) -> list[str]:
    """The F1 of each class on one line; of many classes, that of the worst."""
    rows = classes.sort_values("f1", kind="stable").head(_TOLD) if len(classes) > _TOLD else classes
    each = ", ".join(f"{row['class']} {row['f1']:.1f}" for _, row in rows.iterrows())
    which = "of the worst classes" if len(classes) > _TOLD else "by class"
    return [f"F1 % {which}: {each} (precision and recall: classes.csv)"]


def _as_probabilities(rule: np.ndarray, classes: int) -> np.ndarray:
    # Rules that give a class and no probability have no cross-entropy worth showing, but the same table.
    return rule if rule.ndim == 2 else np.eye(classes)[rule]


def _worst(matrix: np.ndarray, names: tuple[str, ...]) -> list[str]:
    """The pair of classes that is confused most, if any is."""
    wrong = matrix - np.diag(np.diag(matrix))
    if not wrong.any():
        return []
    truth, found = np.unravel_index(wrong.argmax(), wrong.shape)
    count, whole = wrong[truth, found], matrix[truth].sum()
    return [f"most confused: {names[truth]} taken for {names[found]}, {count} of {whole}"]


def _confusion(matrix: np.ndarray, names: tuple[str, ...], data: SequenceDataModule, path: Path) -> None:
    draw_confusion(path, pd.DataFrame(matrix, names, names), f"{data.title}: {data.protocol}")


def _calibration(truth: np.ndarray, chances: np.ndarray, data: SequenceDataModule, path: Path) -> None:
    right = chances.argmax(1) == truth
    draw_calibration(path, pd.DataFrame({"confidence": chances.max(1), "right": right}), data.title)


def _clips(truth: np.ndarray, chances: np.ndarray, data: SequenceDataModule, path: Path) -> None:
    """Draws mistakes, and what was nearly one, for there is nothing to learn from the others."""
    own = np.take_along_axis(chances, truth[:, None], 1)[:, 0]
    names, found = data.spec.target.names, chances.argmax(1)
    clips = [
        (data.features_of("test", row), str(names[truth[row]]), str(names[found[row]]))  # type: ignore[attr-defined]
        for row in own.argsort()[:8].tolist()
    ]
    draw_clips(path, clips, data.processor.hop, f"{data.title}: the test clips that the model finds hardest")
