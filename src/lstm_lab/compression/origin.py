"""What a run comes from: the run that it was pruned from, the run that taught it, and how good those were."""

from __future__ import annotations

from typing import Any

from lstm_lab.errors import UserError
from lstm_lab.paths import find_run
from lstm_lab.rundir import read_metrics


def of(settings: dict[str, Any]) -> dict[str, Any]:
    """Returns what the record of a run says of its origin, an empty dict where it has none.

    Args:
        settings: the whole config.

    Returns:
        By ``pruned`` and ``teacher``: the name of the ``run`` and its test ``metrics``; of pruning also ``amount`` and
        ``by``, of teaching ``weight`` and ``temperature``.
    """
    found = {}
    prune, distill = settings.get("prune") or {}, settings.get("distill") or {}
    if prune.get("amount"):
        found["pruned"] = {
            **_run(settings["start"], "start"),
            "amount": prune["amount"],
            "by": prune["by"],
        }
    if distill.get("teacher") is not None:
        found["teacher"] = {
            **_run(distill["teacher"], "distill.teacher"),
            "weight": distill["weight"],
            "temperature": distill["temperature"],
        }
    return found


def lines(origin: dict[str, Any]) -> list[str]:
    """Says it to a person, a line each."""
    told = []
    for what, one in origin.items():
        metrics = one["metrics"]
        name = next(iter(metrics), None)
        score = f", {name} {metrics[name]:.4g}" if name else ""
        told.append(f"{what + ':':<9} {'from ' if what == 'pruned' else ''}{one['run']}{score}")
    return told


def _run(name: str, word: str) -> dict[str, Any]:
    run = find_run(name, word)
    try:
        metrics = read_metrics(run)["metrics"]
    except UserError:  # a trial of a sweep ends before its test
        metrics = {}
    return {"run": run.name, "metrics": metrics}
