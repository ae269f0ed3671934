"""What a run is about: loss, metrics and decoding for each kind of task."""

from __future__ import annotations

from typing import Any

from lstm_lab.errors import check_choice
from lstm_lab.tasks.base import Task
from lstm_lab.tasks.classify import Classify
from lstm_lab.tasks.forecast import Forecast
from lstm_lab.tasks.frames import Frames
from lstm_lab.tasks.infill import Infill
from lstm_lab.tasks.language import Language
from lstm_lab.tasks.regress import Regress
from lstm_lab.tasks.tag import Tag
from lstm_lab.tasks.transcribe import Transcribe
from lstm_lab.tasks.translate import Translate

__all__ = [
    "TASKS",
    "Classify",
    "Forecast",
    "Frames",
    "Infill",
    "Language",
    "Regress",
    "Tag",
    "Task",
    "Transcribe",
    "Translate",
    "build_task",
]

TASKS: dict[str, type[Any]] = {
    "language": Language,
    "infill": Infill,
    "tag": Tag,
    "forecast": Forecast,
    "classify": Classify,
    "regress": Regress,
    "frames": Frames,
    "transcribe": Transcribe,
    "translate": Translate,
}
_USUAL = {
    "horizon": "forecast",
    "class": "classify",
    "number": "regress",
    "label": "tag",
    "next": "language",
    "gap": "infill",
    "transcript": "transcribe",
    "sentence": "translate",
}


def build_task(task: Task | dict[str, Any] | None, target: str) -> Task:
    """Returns a task from itself, from its plain form, or the usual one for a kind of target."""
    if task is not None and not isinstance(task, dict):
        return task
    settings = dict(task or {})
    name = settings.pop("name", _USUAL.get(target, target))
    check_choice("task", name, TASKS)
    return TASKS[name](**settings)
