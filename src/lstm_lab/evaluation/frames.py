"""Scoring predicted frames: each step ahead by itself, beside the last frame once more."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lstm_lab.baselines.frames import FRAME_BASELINES
from lstm_lab.data import SequenceDataModule
from lstm_lab.evaluation import Tested
from lstm_lab.figures.video import draw_gif, draw_steps, draw_strip
from lstm_lab.predictor import Predictor
from lstm_lab.tasks.frame_metrics import frame_metrics
from lstm_lab.tasks.frames import as_share

SHOWN = {
    "mse_frame_sum": "MSE per frame",
    "mae_frame_sum": "MAE per frame",
    "ssim": "SSIM",
    "psnr": "PSNR dB",
}
# Sequences of the test that are drawn.
_DRAWN = 6


def test(predictor: Predictor, data: SequenceDataModule) -> Tested:
    """Scores every test sequence once; metrics are means over sequences and steps ahead."""
    ours = str(type(predictor.model).__name__)
    by_name: dict[str, dict[str, list[Tensor]]] = {}
    keys, drawn = [], None
    for batch in data.test_dataloader():
        predicted = predictor.predict_batch(batch)["frames"]
        known, truth = as_share(batch.inputs), as_share(batch.targets["frames"])
        steps = truth.shape[1]
        rivals = {name: rule(known, steps) for name, rule in FRAME_BASELINES.items()}
        for name, frames in {ours: predicted, **rivals}.items():
            for metric, values in frame_metrics(frames, truth).items():
                by_name.setdefault(name, {}).setdefault(metric, []).append(values)
        keys.append(batch.keys)
        drawn = (known[:_DRAWN], truth[:_DRAWN], predicted[:_DRAWN]) if drawn is None else drawn
    each = {
        name: {metric: torch.cat(parts) for metric, parts in one.items()} for name, one in by_name.items()
    }
    found = each.pop(ours)  # (N, S) a metric
    metrics = {metric: float(values.double().mean()) for metric, values in found.items()}
    for step in range(found["ssim"].shape[1]):
        for metric in SHOWN:
            metrics[f"{metric}/step_{step + 1}"] = float(found[metric][:, step].double().mean())
    rows = {
        name: {metric: float(one[metric].double().mean()) for metric in SHOWN} for name, one in each.items()
    }
    table = pd.DataFrame(rows).T.sort_values("mse_frame_sum")
    curves = {ours: found["mse_frame_sum"].mean(0)} | {
        n: one["mse_frame_sum"].mean(0) for n, one in each.items()
    }
    assert drawn is not None
    past, future, ahead = (part.numpy() for part in drawn)
    return Tested(
        {f"test/{name}": value for name, value in metrics.items()},
        table,
        SHOWN,
        verdict(metrics, table),
        as_table(torch.cat(keys), found),
        pictures={
            "strip": partial(
                draw_strip, known=past[:3], truth=future[:3], predicted=ahead[:3], title=data.title
            ),
            "steps": partial(
                draw_steps,
                table=pd.DataFrame({name: curve.numpy() for name, curve in curves.items()}),
                title=f"{data.title}: squared error of a frame by how far it lies ahead",
            ),
            "prediction.gif": partial(draw_gif, known=past, truth=future, predicted=ahead),
        },
    )


def as_table(keys: Tensor, found: dict[str, Tensor]) -> pd.DataFrame:
    """Returns a row a predicted frame: which sequence, how far ahead, and its errors."""
    count, steps = found["ssim"].shape
    columns = {"sample": np.repeat(keys.numpy(), steps), "step": np.tile(np.arange(1, steps + 1), count)}
    return pd.DataFrame({**columns, **{name: values.flatten().numpy() for name, values in found.items()}})


def verdict(metrics: dict[str, float], baselines: pd.DataFrame) -> str:
    """One line that says whether the model was worth training."""
    best, theirs = str(baselines.index[0]), float(baselines["mse_frame_sum"].iloc[0])
    ratio = theirs / metrics["mse_frame_sum"]
    if ratio > 1:
        copied = float(baselines["mse_frame_sum"]["copy last frame"]) / metrics["mse_frame_sum"]
        return f"beats {best}: {ratio:.1f} times less squared error, {copied:.1f} times less than copy last frame"
    return f"does not beat {best}: squared error {metrics['mse_frame_sum']:.2f} a frame against {theirs:.2f}"
