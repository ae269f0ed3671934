"""What the runs of a leaderboard gave, read from their directories, and whether it may stand in one table."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from lstm_lab.errors import UserError, check_choice
from lstm_lab.ranking.entries import decisive
from lstm_lab.ranking.one import RESOURCES, count_parameters
from lstm_lab.rundir import read_metrics
from lstm_lab.tracking.tables import deciding


@dataclass(frozen=True)
class Score:
    """One run.

    Attributes:
        model: the word that chose it.
        seed: of the run.
        directory: of the run.
        failure: why it gave nothing, or an empty string.
        metrics: numbers of the test, by name without ``test/``.
        deciding: the name of the one that decides.
        baselines: numbers of each baseline.
        data: title, size and digest of the data.
        protocol: how the test was scored.
        seconds: of the whole run; NaN where it was interrupted in between.
        peak_memory: bytes; NaN where nobody measured it.
        parameters: numbers that were trained; NaN without a checkpoint.
        alike: everything of the settings but the seed.
    """

    model: str
    seed: int
    directory: Path
    failure: str = ""
    metrics: dict[str, float] = field(default_factory=dict)
    deciding: str = ""
    baselines: dict[str, dict[str, float]] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    protocol: str = ""
    seconds: float = float("nan")
    peak_memory: float = float("nan")
    parameters: float = float("nan")
    alike: dict[str, Any] = field(default_factory=dict)


def read_score(model: str, seed: int, directory: Path) -> Score:
    """Reads a finished run.

    Raises:
        UserError: if it did not finish.
    """
    facts = read_metrics(directory)
    if not facts.get("metrics"):
        raise UserError(f"{directory}: this run has no test; it is a trial of a sweep.")
    path = directory / RESOURCES
    taken = json.loads(path.read_text()) if path.is_file() else {}
    settings = yaml.safe_load((directory / "config.yaml").read_text())
    return Score(
        model,
        seed,
        directory,
        metrics={name.removeprefix("test/"): _number(one) for name, one in facts["metrics"].items()},
        deciding=deciding(facts)[0].removeprefix("test/"),
        baselines={
            name: {key: _number(one) for key, one in row.items()} for name, row in facts["baselines"].items()
        },
        data=facts["data"],
        protocol=facts["protocol"],
        seconds=float("nan") if taken.get("resumed") else facts["seconds"],
        peak_memory=taken.get("peak_memory", float("nan")),
        parameters=taken["parameters"] if "parameters" in taken else count_parameters(directory),
        alike=decisive({**settings, "seed": None}),
    )


def read_runs(directories: Sequence[Path]) -> list[Score]:
    """Reads runs that somebody made, each by its own model and seed.

    Raises:
        UserError: if two of them are the same model with the same seed, or runs of one model differ in more than that.
    """
    scores: list[Score] = []
    for directory in directories:
        settings = yaml.safe_load((directory / "config.yaml").read_text())
        score = read_score(settings["model"]["cell"], settings["seed"], directory)
        for other in (one for one in scores if one.model == score.model):
            if other.seed == score.seed:
                raise UserError(
                    f"two runs of {score.model} with seed {score.seed}: {other.directory} and {directory}."
                )
            if other.alike != score.alike:
                raise UserError(
                    f"runs of {score.model} with different settings are no seeds of one model: "
                    f"{other.directory} and {directory}; python -m lstm_lab.compare shows what differs."
                )
        scores.append(score)
    return scores


def check_comparable(scores: Sequence[Score]) -> None:
    """Refuses to put into one table what was not measured alike.

    Raises:
        UserError: if protocols differ; or, between runs of one seed, the data (a seed may draw its own data, but all
            models have to see the same).
    """
    done = [score for score in scores if not score.failure]
    for one, other in itertools.pairwise(done):
        if one.protocol != other.protocol:
            raise UserError(
                f"runs with different protocols do not stand in one table: '{one.protocol}' "
                f"({one.directory.name}) and '{other.protocol}' ({other.directory.name})."
            )
    first: dict[Any, Score] = {}
    for score in done:
        same = first.setdefault((score.data["name"], score.seed), score)
        if score.data["name"] != done[0].data["name"] or score.data["digest"] != same.data["digest"]:
            known = same if score.data["name"] == done[0].data["name"] else done[0]
            raise UserError(
                f"runs on different data do not stand in one table: {known.data['name']} {known.data['digest']} "
                f"({known.directory.name}) and {score.data['name']} {score.data['digest']} ({score.directory.name})."
            )


def choose_metric(scores: Sequence[Score], metric: str | None) -> str:
    """Returns the number that is compared: the one asked for, else the one that decided.

    Raises:
        UserError: if the runs have no such number.
    """
    done = [score for score in scores if not score.failure]
    name = done[0].deciding if metric is None else metric.removeprefix("test/")
    for score in done:
        check_choice("metric", name, score.metrics)
    return name


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)
