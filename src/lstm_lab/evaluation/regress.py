"""Scoring numbers: squared and absolute errors in the user's units, beside the mean and a straight line."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from lstm_lab.data import SequenceDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.evaluation.lags import add_error_by_lag
from lstm_lab.figures.regress import draw_answers
from lstm_lab.predictor import Predictor

SHOWN = {"mse": "MSE", "rmse": "RMSE", "mae": "MAE", "r2": "R²"}


def test(predictor: Predictor, data: SequenceDataModule) -> Tested:
    """Scores every test sample once; the baselines are the mean of the training part, and least squares on the mean
    of each feature over a sequence."""
    keys, truth, found = predict_samples(predictor, data)
    train, part = _all(data, "train"), _all(data, "test")
    means = _means(part)[part.keys.argsort()]
    rules = {
        "mean of the training part": np.broadcast_to(train.targets["number"].numpy().mean(0), truth.shape),
        "least squares on means": _least_squares(_means(train), train.targets["number"].numpy(), means),
    }
    table = pd.DataFrame({name: score(truth, rule) for name, rule in rules.items()}).T.sort_values("mse")
    metrics = score(truth, found)
    predictions = pd.DataFrame({"sample": keys})
    for place, name in enumerate(data.spec.target.names):
        predictions[f"truth {name}"], predictions[name] = truth[:, place], found[:, place]
    tested = Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        SHOWN,
        verdict(metrics["mse"], table),
        predictions,
        pictures={"answers": partial(_answers, truth, found, data.title)},
    )
    if hasattr(data, "lags_of"):
        errors = {"this model": found, **{str(name): rules[str(name)] for name in table.index}}
        add_error_by_lag(
            tested,
            data,
            data.lags_of(torch.from_numpy(keys)),
            {name: np.square(one - truth).mean(1) for name, one in errors.items()},
        )
    return tested


def predict_samples(
    predictor: Predictor, data: SequenceDataModule
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns keys (N,), truth (N, C) and predictions (N, C) of all test samples, sorted by key."""
    batches = [
        (batch.keys, batch.targets["number"], predictor.predict_batch(batch)["number"])
        for batch in data.test_dataloader()
    ]
    keys, truth, found = (torch.cat(parts) for parts in zip(*batches, strict=True))
    order = keys.argsort()
    return keys[order].numpy(), truth[order].double().numpy(), found[order].double().numpy()


def score(truth: np.ndarray, found: np.ndarray) -> dict[str, float]:
    """Errors of numbers (N, C), and the share of their variance that is explained."""
    squared = np.square(found - truth)
    spread = np.square(truth - truth.mean(0)).mean()
    return {
        "mse": float(squared.mean()),
        "rmse": float(np.sqrt(squared.mean())),
        "mae": float(np.abs(found - truth).mean()),
        "r2": float(1 - squared.mean() / spread) if spread > 0 else float("nan"),
    }


def verdict(ours: float, baselines: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    best, theirs = baselines.index[0], float(baselines["mse"].iloc[0])
    word = "beats" if ours < theirs else "does not beat"
    return f"{word} the {best}: MSE {ours:.4g} against {theirs:.4g}"


def _answers(truth: np.ndarray, found: np.ndarray, title: str, path: Path) -> None:
    draw_answers(path, truth, found, title)


def _all(data: SequenceDataModule, part: str) -> Any:
    samples = data.samples(part)
    return samples.gather(slice(0, len(samples)))


def _means(batch: Any) -> np.ndarray:
    """The mean of each feature over the real steps, (N, F)."""
    values = batch.inputs.flatten(2).double()
    return ((values * batch.mask[..., None]).sum(1) / batch.lengths[:, None]).numpy()


def _least_squares(train: np.ndarray, targets: np.ndarray, test: np.ndarray) -> np.ndarray:
    line, *_ = np.linalg.lstsq(np.c_[train, np.ones(len(train))], targets.astype(np.float64), rcond=None)
    return np.c_[test, np.ones(len(test))] @ line
