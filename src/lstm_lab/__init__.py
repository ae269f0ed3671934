"""LSTM Lab: one command, one finished, tracked, repeatable experiment with a recurrent network.

``import lstm_lab`` is cheap on purpose: torch and its friends are imported by the rooms that need them, so
that ``--help`` and a typo answer at once.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from lstm_lab.predictor import Predictor

try:
    __version__ = version("lstm-lab")
except PackageNotFoundError:  # running from a source tree that was never installed
    __version__ = "0+unknown"


def load(run: str | Path = "latest") -> Predictor:
    """Loads the predictor of a finished run: ``lstm_lab.load("latest").predict("newer.csv")``.

    Args:
        run: a run directory, the id of a run, ``latest``, or a checkpoint file.
    """
    from lstm_lab.predictor import load as load_predictor

    return load_predictor(run)
