"""What a sweep leaves behind: the results file, the table of trials, plain tables for the figures."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shlex
import statistics
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import optuna
from omegaconf import OmegaConf

from lstm_lab.sweeps.observer import TrialRecord

_LAST_COLUMNS = ("seconds", "retry_of", "reason", "directory")


def better(directions: Sequence[str], one: Sequence[float], other: Sequence[float]) -> bool:
    """Tells whether `one` is at least as good as `other` in every objective and better in one (Pareto)."""
    signs = [1 if direction == "minimize" else -1 for direction in directions]
    pairs = [(sign * a, sign * b) for sign, a, b in zip(signs, one, other, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def best(records: Sequence[TrialRecord], directions: Sequence[str]) -> list[TrialRecord]:
    """Returns the best complete trial, or all that no other beats when there are several objectives."""
    complete = [one for one in records if one.state == "COMPLETE" and len(one.values) == len(directions)]
    if len(directions) == 1:
        sign = 1 if directions[0] == "minimize" else -1
        return sorted(complete, key=lambda one: (sign * one.values[0], one.number))[:1]
    return [
        one for one in complete if not any(better(directions, other.values, one.values) for other in complete)
    ]


def count(records: Sequence[TrialRecord]) -> str:
    """Returns how many trials there are, and in which state."""
    states = {
        state: sum(one.state == state for one in records)
        for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING")
    }
    named = [f"{number} {state.lower()}" for state, number in states.items() if number or state != "RUNNING"]
    return f"{len(records)} trials: {', '.join(named)}"


def write_results(directory: Path, records: Sequence[TrialRecord], directions: Sequence[str]) -> None:
    """Writes ``optimization_results.yaml`` and ``trials.csv``, each in one step."""
    found = best(records, directions)
    content: dict[str, Any] = {"name": "optuna"}
    if len(directions) == 1:
        content["best_params"] = dict(found[0].params) if found else None
        content["best_value"] = found[0].values[0] if found else None
    else:
        content["solutions"] = [{"params": dict(one.params), "values": list(one.values)} for one in found]
    write_atomically(directory / "optimization_results.yaml", OmegaConf.to_yaml(OmegaConf.create(content)))
    write_atomically(directory / "trials.csv", trials_csv(records, len(directions)))


def trials_csv(records: Sequence[TrialRecord], objectives: int) -> str:
    """Returns the table of all trials, one line each."""
    keys = list(dict.fromkeys(key for one in records for key in one.params))
    names = ["value"] if objectives == 1 else [f"value_{index}" for index in range(objectives)]
    intervals = ["interval"] if objectives == 1 else [f"interval_{index}" for index in range(objectives)]
    with_interval = any(one.interval for one in records)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", "state", *names, *(intervals if with_interval else []), *keys, *_LAST_COLUMNS])
    for one in records:
        seconds = None if one.seconds is None else round(one.seconds, 3)
        writer.writerow(
            [one.number, one.state]
            + [one.values[index] if index < len(one.values) else "" for index in range(objectives)]
            + ([one.interval[i] if one.interval else "" for i in range(objectives)] if with_interval else [])
            + [one.params.get(key, "") for key in keys]
            + [seconds, one.retry_of, one.reason, one.directory]
        )
    return text.getvalue()


def write_atomically(path: Path, text: str) -> None:
    """Replaces a file in one step: a reader sees the old text or the new, never half of one."""
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)


def command_line(command: str, overrides: Sequence[str]) -> str:
    """Returns the words that run one point again, quoted for a shell."""
    return " ".join([command, *(shlex.quote(word) for word in overrides)])


def mean_and_interval(replicates: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """Averages replicates.

    Returns:
        the mean per objective, and half the width of its 95 % interval by Student's t (NaN never: one
        replicate has the interval 0).
    """
    count = len(replicates)
    columns = list(zip(*replicates, strict=True))
    means = [statistics.mean(column) for column in columns]
    if count < 2:
        return means, [0.0 for _ in columns]
    from scipy.stats import t

    factor = float(t.ppf(0.975, count - 1)) / math.sqrt(count)
    spreads = [statistics.stdev(column) for column in columns]
    return means, [factor * spread for spread in spreads]


def tables(study: optuna.Study, records: Sequence[TrialRecord]) -> dict[str, Any]:
    """Returns what the figures of a study are drawn from, as plain lists and dicts.

    Returns:
        ``directions``; ``trials`` (number, state, values, params, steps: the reported values by step);
        ``importance`` (key to share, one dict per objective, empty while there is too little to tell);
        ``best`` (numbers of the best trials); ``log`` (keys that are drawn on a logarithmic axis).
    """
    directions = [direction.name.lower() for direction in study.directions]
    frozen = {trial.number: trial for trial in study.get_trials(deepcopy=False)}
    logarithmic = {
        key
        for trial in frozen.values()
        for key, distribution in trial.distributions.items()
        if getattr(distribution, "log", False)
    }
    return {
        "study": study.study_name,
        "directions": directions,
        "trials": [
            {
                "number": one.number,
                "state": one.state,
                "values": list(one.values),
                "params": dict(one.params),
                "steps": dict(frozen[one.number].intermediate_values),
            }
            for one in records
        ],
        "importance": [_importance(study, index) for index in range(len(directions))],
        "best": [one.number for one in best(records, directions)],
        "log": sorted(logarithmic),
    }


def _importance(study: optuna.Study, objective: int) -> dict[str, float]:
    complete = [one for one in study.get_trials(deepcopy=False) if one.state.name == "COMPLETE"]
    # Two trials, or equal values, say nothing about what matters.
    if len(complete) < 4 or len({one.values[objective] for one in complete}) < 2:
        return {}
    # PED-ANOVA asks what makes a value low, so what shall be high is turned round.
    sign = 1 if study.directions[objective].name == "MINIMIZE" else -1
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # it says just that
            importances = optuna.importance.get_param_importances(
                study, target=lambda one: sign * one.values[objective]
            )
    except (RuntimeError, ValueError):  # too few trials that share their parameters
        return {}
    return {key: float(share) for key, share in importances.items()}


def describe(params: dict[str, Any]) -> str:
    """Returns parameters as they are shown in a line of text."""
    return " ".join(f"{key}={_brief(value)}" for key, value in params.items())


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value, default=str).strip('"')
