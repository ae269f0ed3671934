"""Scoring gap filling: each symbol of the test missing alone, beside Markov models and counts of contexts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from lstm_lab.baselines.infill import context_baselines
from lstm_lab.data import GapDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.figures.language import draw_surprise
from lstm_lab.predictor import Predictor
from lstm_lab.tasks.infill import Infill

SHOWN = {"bits": "bits per symbol", "accuracy": "right %"}


def test(predictor: Predictor, data: GapDataModule) -> Tested:
    """Scores every symbol of the test part once."""
    bits, right, tokens = score_symbols(predictor, data)
    samples, train = data.samples("test"), data.samples("train")
    counted = [one.numpy() >= 0 for one in samples.along["gap"][0].flat.split(samples.lengths.tolist())]
    rows = context_baselines(train.tokens.arrays(), samples.tokens.arrays(), counted)
    table = pd.DataFrame({name: {"bits": float(one.mean())} for name, one in rows.items()}).T.sort_values(
        "bits"
    )
    metrics = {"bits": float(bits.mean()), "accuracy": 100 * float(right.mean())}
    tokenizer = predictor.processor.tokenizer
    names = {number: tokenizer.symbol(number) for number in np.unique(tokens).tolist()}
    predictions = pd.DataFrame(
        {"place": np.arange(len(bits)), "symbol": [names[one] for one in tokens.tolist()], "bits": bits}
    )
    shown = (
        predictions.head(900).rename(columns={"symbol": "token"}).assign(nats=lambda t: t["bits"] * np.log(2))
    )
    return Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        SHOWN,
        verdict(metrics["bits"], table),
        predictions,
        pictures={"surprise": partial(_draw, shown)},
    )


@torch.inference_mode()
def score_symbols(predictor: Predictor, data: GapDataModule) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns bits (N,), whether the likeliest symbol is right, and the symbol, of all that count in their order."""
    task = predictor.task
    assert isinstance(task, Infill)
    found: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    for batch in data.test_dataloader():
        predictions = predictor.predict_batch(batch)
        bits, best, targets = (
            task.bits(predictions, batch),
            predictions["log"].argmax(-1),
            batch.targets["gap"],
        )
        for row, key in enumerate(batch.keys.tolist()):
            known = targets[row] >= 0
            one = targets[row][known]
            found[key] = (bits[row][known].numpy(), (best[row][known] == one).numpy(), one.numpy())
    ordered = [found[key] for key in data.samples("test").keys.tolist()]
    bits_, right, tokens = (np.concatenate(parts) for parts in zip(*ordered, strict=True))
    return bits_, right, tokens


def verdict(ours: float, baselines: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    best, theirs = baselines.index[0], float(baselines["bits"].iloc[0])
    word = "beats" if ours < theirs else "does not beat"
    return f"{word} {best}: {ours:.4f} bits per symbol against {theirs:.4f}"


def _draw(tokens: pd.DataFrame, path: Path) -> None:
    draw_surprise(path, tokens)
