"""The only way to predict: a checkpoint gives back its processor and its net, and both give the user's units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data import load_processor
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.models import SequenceModel
from lstm_lab.paths import find_run
from lstm_lab.tasks import Task
from lstm_lab.training.checkpoint import read_checkpoint

FORMAT = "lstm_lab/1"


class Predictor:
    """A trained model with its processor: neither training data nor config is needed.

    Args:
        model: the model, its weights loaded.
        processor: from what the user has to batches and back.
    """

    def __init__(self, model: SequenceModel, processor: Any) -> None:
        self.model, self.processor = model.eval(), processor

    @property
    def task(self) -> Task:
        """What the model was trained for."""
        return self.model.task

    @torch.inference_mode()
    def predict_batch(self, batch: Batch, steps: int | None = None, **options: Any) -> dict[str, Tensor]:
        """Returns the task's predictions for a batch, in the user's units, on the CPU."""
        self.model.eval()
        nets, weights = list(self.model.members), self.model.weights
        found = self.task.infer(nets, weights, batch.to(self.model.device), steps, **options)
        return self.processor.finish({name: tensor.cpu() for name, tensor in found.items()})

    def predict(self, raw: Any = None, steps: int | None = None, **options: Any) -> pd.DataFrame:
        """Predicts from what a user has.

        Args:
            raw: a table as the training data had it; or what the kind of data allows, such as a text, the path of a
                file, or a list of them. For a series None goes on from the end of the training file.
            steps: how far, where the task can go on: steps of a forecast, symbols of a text.
            options: settings of decoding, where the task has some.

        Returns:
            A table in the user's words and units: a row a step for a forecast, else a row an input.

        Raises:
            UserError: if the input does not fit.
        """
        if steps is not None:
            check_at_least("steps", steps, 1)
        table = self.processor.table(raw)
        found = self.predict_batch(self.processor.to_batch(table), steps, **options)
        return self.processor.to_frame(found, table)

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
    return Predictor(model, load_processor(content["processor"]))
