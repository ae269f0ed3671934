"""A run's model as an MLflow model: a file of code and a checkpoint, no pickle anywhere."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_lab.tracking import store

if TYPE_CHECKING:
    import pandas as pd
    from mlflow.types.schema import Schema

_CODE = Path(__file__).with_name("served.py")


def save_model(directory: Path, checkpoint: Path, example: pd.DataFrame) -> Path:
    """Writes an MLflow model that `mlflow.pyfunc.load_model` and ``mlflow models serve`` take.

    It holds the checkpoint and the dozen lines of ``served.py``, which call `lstm_lab.predictor`: the same
    numbers as ``lstm_lab.predict``. The signature is that of a table: any number of rows.

    Args:
        directory: the folder to write; one that is there is replaced.
        checkpoint: the run's ``best.ckpt``.
        example: raw input as a user has it. Its clock becomes a column of text, as it would travel in JSON.

    Returns:
        `directory`.
    """
    store.prepare()
    import mlflow.pyfunc
    from mlflow.models import ModelSignature, infer_signature

    from lstm_lab import __version__, predictor
    from lstm_lab.tracking.served import raw_to_rows, rows_to_raw

    raw = rows_to_raw(example)
    loaded = predictor.load(checkpoint)
    answer = rows_to_raw(loaded.predict(raw_to_rows(raw)))
    shutil.rmtree(directory, ignore_errors=True)
    # It advises type hints, which would forbid tables, and warns of its own internals.
    logging.getLogger("mlflow.pyfunc").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            str(directory),
            python_model=str(_CODE),
            artifacts={"checkpoint": str(checkpoint)},
            signature=ModelSignature(_columns(raw, loaded.processor), infer_signature(answer).inputs),
            input_example=raw,
            pip_requirements=[f"lstm-lab=={__version__}"],
        )
    return directory


def _columns(raw: pd.DataFrame, processor: Any) -> Schema:
    """The schema of a raw table: names, and text where there is text.

    What can be said in several ways (a file by its path or by its content) has a column for each, none of them
    required: the processor tells a table that lacks all of them. Numbers are of any kind: MLflow's ``double`` refuses
    a column of whole numbers, such as the passengers of a month.
    """
    from mlflow.types.schema import AnyType, ColSpec, Schema
    from pandas.api.types import is_numeric_dtype

    kinds = {name: AnyType() if is_numeric_dtype(raw[name]) else "string" for name in raw}
    one_of = getattr(processor, "one_of", ())
    columns = [ColSpec("string", name, required=False) for name in one_of]
    return Schema(
        [*columns, *(ColSpec(kind, str(name)) for name, kind in kinds.items() if name not in one_of)]
    )
