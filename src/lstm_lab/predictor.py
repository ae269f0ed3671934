"""The only way to predict: a checkpoint gives back its processor and its net, and both give the user's units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from lstm_lab.batch import Batch
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.models import SequenceModel
from lstm_lab.paths import find_run
from lstm_lab.training.checkpoint import read_checkpoint

FORMAT = "lstm_lab/1"


class Predictor:
    """A trained model with its processor: neither training data nor config is needed.

    Args:
        model: the model, its weights loaded.
        processor: from the user's table to batches and back.
    """

    def __init__(self, model: SequenceModel, processor: SeriesProcessor) -> None:
        self.model, self.processor = model.eval(), processor

    @torch.inference_mode()
    def predict_batch(self, batch: Batch, steps: int | None = None) -> dict[str, torch.Tensor]:
        """Returns the task's predictions for a batch, in the user's units, on the CPU."""
        self.model.eval()
        predictions = self.model(batch.to(self.model.device), steps)
        return self.processor.with_interval({name: tensor.cpu() for name, tensor in predictions.items()})

    def predict(self, frame: pd.DataFrame | None = None, steps: int | None = None) -> pd.DataFrame:
        """Forecasts the steps after the last row of a table.

        Args:
            frame: rows in time order with the columns that the model was trained on, at least as many as it
                reads; None goes on from the end of the training file.
            steps: how many; the horizon of the training if not given. Further ones are forecast from the
                model's own forecasts.

        Returns:
            One row a step, in the user's units: ``forecast``, and ``lower`` and ``upper`` of the interval, which
            is known up to the horizon only.

        Raises:
            UserError: if the table does not fit.
        """
        rows = self.processor.last_rows() if frame is None else frame
        if steps is not None:
            check_at_least("steps", steps, 1)
        return self.processor.to_frame(self.predict_batch(self.processor.to_batch(rows), steps), rows.index)

    def checkpoint(self) -> dict[str, Any]:
        """Everything about the predictor as tensors and plain data, in the layout of a Lightning checkpoint."""
        return {
            "format": FORMAT,
            "pytorch-lightning_version": "2.6.6",
            "state_dict": {name: tensor.cpu() for name, tensor in self.model.state_dict().items()},
            "hyper_parameters": dict(self.model.hparams),
            "processor": self.processor.to_plain(),
        }


def load(run: str | Path = "latest") -> Predictor:
    """Loads the predictor of a finished run.

    Args:
        run: a run directory, the id of a run, ``latest``, or a checkpoint file.

    Raises:
        UserError: if there is no such run, or its checkpoint is damaged or not ours.
    """
    path = Path(run)
    if path.suffix != ".ckpt":
        path = find_run(str(run)) / "checkpoints" / "best.ckpt"
    content = read_checkpoint(path)
    if content.get("format") != FORMAT:
        raise UserError(f"{path}: this checkpoint was not written by lstm_lab.")
    model = SequenceModel(**content["hyper_parameters"])
    model.load_state_dict(content["state_dict"])
    return Predictor(model, SeriesProcessor.from_plain(content["processor"]))
