"""The only way to predict: a checkpoint gives back its processor and its net, and both give the user's units."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.data import SequenceDataModule, load_processor
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.models import SequenceModel
from lstm_lab.paths import find_run
from lstm_lab.rundir import read_status
from lstm_lab.tasks import Task
from lstm_lab.training.checkpoint import read_checkpoint
from lstm_lab.wiring import build

if TYPE_CHECKING:
    from lstm_lab.streaming.series import SeriesStream
    from lstm_lab.streaming.stream import Stream

FORMAT = "lstm_lab/2"


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
            raw: a table as the training data had it, of a series with the clock as its index; or what the kind of data
                allows, such as a text, the path of a file, or a list of them. For a series None goes on from the end
                of the training file, for others it takes an example.
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

    def stream(self, **options: Any) -> Stream | SeriesStream:
        """Opens a stream: samples go in one by one with ``push``, and after each comes the prediction of all so far.

        Args:
            options: ``begun=True`` lets the rows of a series follow on those of the training file.

        Raises:
            UserError: for a model that has to see a whole sequence.
        """
        from lstm_lab.streaming.stream import open_stream

        return open_stream(self, **options)

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

    A run that was broken off is told on stderr.

    Raises:
        UserError: if there is no such run, or its checkpoint is damaged or not ours.
    """
    path = Path(run)
    if path.suffix != ".ckpt":
        path = find_run(str(run)) / "checkpoints" / "best.ckpt"
    content = read_checkpoint(path)
    if content.get("format") != FORMAT:
        raise UserError(f"{path}: this checkpoint was not written by this version of lstm_lab; train again.")
    model = SequenceModel(**content["hyper_parameters"])
    model.load_state_dict(content["state_dict"])
    _say_if_unfinished(path)
    return Predictor(model, load_processor(content["processor"]))


def _say_if_unfinished(path: Path) -> None:
    run = path.parent.parent
    status = read_status(run).get("status", "FINISHED")
    if status != "FINISHED":
        print(
            f"lstm_lab: {run.name} is {status}: these are its best weights until then. python -m lstm_lab.train "
            f"resume={run.name} goes on with it.",
            file=sys.stderr,
        )


def data_of(content: dict[str, Any], **where: Any) -> SequenceDataModule:
    """Reads the data of a checkpoint again, with the symbols and classes that its network learnt.

    Args:
        content: of the checkpoint.
        where: settings of the data that have changed since, such as ``path`` and ``dir``.
    """
    data: SequenceDataModule = build({**content["data"], **where}, SequenceDataModule)
    data.earlier = load_processor(content["processor"])
    data.setup("test")
    return data


def ensemble(runs: Sequence[str | Path]) -> Predictor:
    """Returns the networks of several runs as one predictor: their predictions count the same.

    Args:
        runs: as `load` takes them. Sizes may differ; data and processor must not.

    Raises:
        UserError: naming the first run whose processor or task differs.
    """
    loaded = _alike(runs)
    model = loaded[0].model
    model.members = nn.ModuleList(member for one in loaded for member in one.model.members)
    model.weights = torch.cat([one.model.weights for one in loaded]) / len(loaded)
    return loaded[0]


def average(runs: Sequence[str | Path]) -> Predictor:
    """Returns one predictor whose weights are the mean of several runs' or checkpoints' (Polyak & Juditsky 1992).

    It helps for checkpoints of one run, and for runs that began with the same weights; unrelated networks have
    nothing in common to average.

    Raises:
        UserError: naming the first run whose processor, task or sizes differ.
    """
    loaded = _alike(runs)
    states = [one.model.state_dict() for one in loaded]
    for run, state in zip(runs, states, strict=True):
        if [(key, value.shape) for key, value in state.items()] != [
            (key, value.shape) for key, value in states[0].items()
        ]:
            raise UserError(
                f"{run}: its networks are not of the sizes of {runs[0]}; they cannot be averaged."
            )
    mean = {
        key: torch.stack([state[key] for state in states]).mean(0) if value.is_floating_point() else value
        for key, value in states[0].items()
    }
    loaded[0].model.load_state_dict(mean)
    return loaded[0]


def _alike(runs: Sequence[str | Path]) -> list[Predictor]:
    """Loads runs that answer the same question in the same words."""
    loaded = [load(run) for run in runs]
    for run, one in zip(runs, loaded, strict=True):
        if one.task.name != loaded[0].task.name or not same(
            one.processor.to_plain(), loaded[0].processor.to_plain()
        ):
            raise UserError(
                f"{run}: its task or its processor differs from that of {runs[0]}; train both on the same data."
            )
    return loaded


def same(one: Any, other: Any) -> bool:
    """Whether two pieces of plain data are equal, tensors in them too."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and bool(torch.equal(one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)
