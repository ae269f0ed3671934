"""A finished run as the teacher of another: whether it fits, and what it is."""

from __future__ import annotations

from typing import Any

from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError, check_choice
from lstm_lab.models import SequenceModel
from lstm_lab.predictor import same
from lstm_lab.tasks import Task
from lstm_lab.tasks.teaching import Teacher

TASKS = ("classify", "forecast", "language")


def check_distil(settings: dict[str, Any]) -> None:
    """Checks the numbers of ``distill``.

    Raises:
        UserError: for one that is out of range.
    """
    if not 0 < settings["weight"] <= 1:
        raise UserError(f"distill.weight={settings['weight']} must be above 0 and at most 1.")
    if settings["temperature"] <= 0:
        raise UserError(f"distill.temperature={settings['temperature']} must be above 0.")


def teacher_of(
    content: dict[str, Any], settings: dict[str, Any], data: SequenceDataModule, task: Task
) -> Teacher:
    """Returns the teacher that a checkpoint holds.

    Args:
        content: of the checkpoint.
        settings: of ``distill``.
        data: what the student learns from.
        task: what the student is asked for.

    Raises:
        UserError: if the two would not speak of the same thing.
    """
    run = settings["teacher"]
    check_distil(settings)
    check_choice("distill.teacher: task", task.name, TASKS)
    model = SequenceModel(**content["hyper_parameters"])
    model.load_state_dict(content["state_dict"])
    reason = _misfit(model, content["processor"], data, task)
    if reason:
        raise UserError(f"distill.teacher={run}: {reason}. A teacher answers the student's own question.")
    return Teacher(
        model.task, list(model.members), model.weights, settings["weight"], settings["temperature"]
    )


def _misfit(
    teacher: SequenceModel, processor: dict[str, Any], data: SequenceDataModule, task: Task
) -> str | None:
    """Why a teacher cannot be heard, None if it can."""
    there, here = teacher.spec, data.spec
    if teacher.task.name != task.name:
        return f"its task is {teacher.task.name}, this run's {task.name}"
    for name in ("target", "inputs", "future"):
        if getattr(there, name) != getattr(here, name):
            return f"its {name} {_short(getattr(there, name))}, here {_short(getattr(here, name))}"
    if task.name == "forecast":  # its networks read the user's units, and as far back as they need
        if there.length > here.length:
            return f"it reads {there.length} rows, this run's data.lookback gives {here.length}"
        if data.statistics.get("unseen"):
            return "it would tell of the series that data.group leaves out of training"
    elif not same(processor, data.processor.to_plain()):
        return "its symbols, classes or features were measured on other samples"
    return None


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) < 90 else f"{text[:87]}…"
