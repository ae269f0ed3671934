"""A linear map from everything that a network reads, to be beaten where something stands beside the series.

Shapes: W windows, S steps ahead, P features.
"""

from __future__ import annotations

import numpy as np
import torch

from lstm_lab.baselines.ridge import ridge
from lstm_lab.batch import Batch
from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.spec import Values

# More features than this are not solved for, and more windows are not fitted to.
_FEATURES, _WINDOWS = 3000, 20_000


def linear_with_covariates(data: TimeSeriesDataModule, origins: np.ndarray) -> np.ndarray | None:
    """Forecasts (W, S, 1) from origins in the test; None where nothing stands beside one series.

    A window of all inputs and what is known ahead goes in, the distance from the last value comes out.
    """
    spec = data.spec
    assert isinstance(spec.inputs, Values)
    if spec.target.size > 1 or (spec.inputs.size == 2 and not spec.future):
        return None
    features, targets, _ = _read(data, "train")
    if features.shape[1] > _FEATURES:
        return None
    asked, _, last = _read(data, "test")
    found = ridge((features, targets), _read(data, "calibration")[:2], asked)
    return (found + last)[np.asarray(origins) - data.split.first_test][..., None]


def _read(data: TimeSeriesDataModule, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features (W, P), the horizon less the last value (W, S), and that value (W, 1).

    All windows of the test; of the others those whose targets are there, and no validation row among the training ones.
    """
    windows, end = data.windows(part), data.split.train if part == "train" else len(data.series)
    stride = 1 if part == "test" else max(1, len(windows) // _WINDOWS)
    batch: Batch = windows.gather(torch.arange(0, len(windows), stride))
    if part != "test":
        whole = batch.targets["horizon_mask"][..., 0].all(dim=1)
        batch = batch[whole & (batch.keys + data.horizon <= end)]
    inputs = batch.inputs[..., :-1].double()  # all but the place in the season
    parts = [inputs.flatten(1)]
    if batch.future is not None:
        parts.append(batch.future.double().flatten(1))
    last, horizon = inputs[:, -1, :1], batch.targets["horizon"][..., 0].double()
    return torch.cat(parts, dim=1).numpy(), (horizon - last).numpy(), last.numpy()
