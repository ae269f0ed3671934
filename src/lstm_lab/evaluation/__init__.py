"""Scoring: the test set once, in the user's units, beside the baselines. One examiner for each task."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_lab.data import SequenceDataModule
from lstm_lab.predictor import Predictor

# Modules with a function `test(predictor, data) -> Tested`, by the name of the task.
_EXAMINERS = {
    "forecast": "lstm_lab.evaluation.forecast",
    "tag": "lstm_lab.evaluation.tag",
    "infill": "lstm_lab.evaluation.infill",
    "language": "lstm_lab.evaluation.language",
    "classify": "lstm_lab.evaluation.classify",
    "regress": "lstm_lab.evaluation.regress",
    "translate": "lstm_lab.evaluation.translate",
    "frames": "lstm_lab.evaluation.frames",
    "transcribe": "lstm_lab.evaluation.transcribe",
}


@dataclass
class Tested:
    """What the test gave.

    Attributes:
        metrics: ``test/rmse`` and so on.
        baselines: the same numbers without their prefix for each baseline, one row each, the best first.
        shown: the metrics of the final table, the deciding one first, with their titles.
        larger: whether a larger number is better for the deciding one.
        verdict: one line that says whether the model was worth training.
        predictions: in the user's words and units, with the truth beside them.
        left_out: baselines that could not be had, with the reason.
        pictures: by name, functions that draw to a path.
        tables: by name, further tables, such as the score by lag.
        notes: further lines for a person, such as an interval or a warning.
    """

    metrics: dict[str, float]
    baselines: pd.DataFrame
    shown: dict[str, str]
    verdict: str
    predictions: pd.DataFrame
    larger: bool = False
    left_out: dict[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Callable[[Path], None]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def to_plain(self) -> dict[str, Any]:
        """The part of ``metrics.json`` that the test gave."""
        return {
            "metrics": self.metrics,
            "baselines": {str(name): dict(row) for name, row in self.baselines.iterrows()},
            "left_out": self.left_out,
            "verdict": self.verdict,
            "notes": self.notes,
        }


def test(predictor: Predictor, data: SequenceDataModule) -> Tested:
    """Scores every test sample once, and the baselines on the same targets."""
    return importlib.import_module(_EXAMINERS[predictor.task.name]).test(predictor, data)
