"""How a trained model is asked from the command line: one module for each task.

Each has ``WORDS``, its legal keys with one line of help, and ``run(directory, given)``, which loads the run,
predicts, prints and writes. Nothing heavy is imported before the words are checked.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lstm_lab.errors import UserError, check_choice

if TYPE_CHECKING:
    from lstm_lab.predictor import Predictor

MODULES = {
    "forecast": "lstm_lab.predicting.forecast",
    "tag": "lstm_lab.predicting.tag",
    "infill": "lstm_lab.predicting.infill",
    "language": "lstm_lab.predicting.language",
    "classify": "lstm_lab.predicting.classify",
    "regress": "lstm_lab.predicting.regress",
    "translate": "lstm_lab.predicting.translate",
    "frames": "lstm_lab.predicting.frames",
    "transcribe": "lstm_lab.predicting.transcribe",
}


def task_of(directory: Path) -> str:
    """The name of a run's task, by its config.

    Raises:
        UserError: for a task that cannot be asked in this way.
    """
    target = yaml.safe_load((directory / "config.yaml").read_text())["task"]["_target_"]
    name = str(target).rpartition(".")[2].lower()
    check_choice(f"{directory}: predict for task", name, MODULES)
    return name


def load(directory: Path, given: dict[str, str]) -> Predictor:
    """The predictor of a run, with weights of eight bits where ``quantize=int8`` asks for them.

    Raises:
        UserError: as `lstm_lab.predictor.load`, and for a network that has no eight bits.
    """
    check_choice("quantize", given.get("quantize", "int8"), ("int8",))
    from lstm_lab import predictor

    loaded = predictor.load(directory)
    if "quantize" not in given:
        return loaded
    from lstm_lab.compression import quantized

    return quantized(loaded)


def folder(given: dict[str, str], directory: Path) -> Path:
    """Where results go: ``out=``, or the run directory. It is made if need be.

    Raises:
        UserError: if it cannot be.
    """
    out = Path(given["out"]).expanduser() if "out" in given else directory
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}.") from None
    return out


def whole_number(given: dict[str, str], key: str) -> int | None:
    """The value of a key that counts something, None without it.

    Raises:
        UserError: if it is no whole number of at least 1.
    """
    text = given.get(key)
    if text is None:
        return None
    if not text.isdigit() or int(text) < 1:
        raise UserError(f"{key}={text} must be a whole number of at least 1.")
    return int(text)
