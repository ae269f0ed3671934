"""Looking into finished runs, and into networks that have not been trained yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_lab import predictor
from lstm_lab.data import SequenceDataModule
from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.errors import UserError
from lstm_lab.figures.lags import draw_by_lag
from lstm_lab.paths import find_run, outputs_dir
from lstm_lab.planning import prepare
from lstm_lab.probing.report import Probed, Settings, draw, look
from lstm_lab.rundir import read_metrics
from lstm_lab.tracking.sync import add_artifacts
from lstm_lab.training import ranks
from lstm_lab.training.checkpoint import read_checkpoint


@dataclass(frozen=True)
class Asked:
    """What the command line asks.

    Attributes:
        probe: its name.
        part: of the data.
        sample: of the part, for gates.
        out: folder of results, or None for the usual one.
        text: to look at, for gates.
        path: of a file to look at, for gates.
        where: ``path`` and ``dir`` of data that has moved.
        numbers: ``sequences``, ``lag``, ``after`` and ``repeats``, where they were given.
    """

    probe: str
    part: str
    sample: int = 0
    out: str | None = None
    text: str | None = None
    path: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """As the instruments take them."""
        return Settings(self.probe, self.part, sample=self.sample, **self.numbers)


def of_runs(asked: Asked, names: str) -> list[str]:
    """Looks into finished runs; of one alone, what is found lies in its directory and goes to its MLflow run.

    Returns:
        Lines for a person.
    """
    runs = [find_run(name) for name in names.split(",") if name]
    if asked.probe == "distance":
        return by_distance({name_of(run, runs): run for run in runs}, asked)
    found, title = {}, ""
    for run in runs:
        loaded = predictor.load(run)
        data = _data(run, asked)
        batch = None
        if asked.text is not None or asked.path is not None:
            raw = asked.text if asked.text is not None else Path(str(asked.path)).expanduser()
            batch = loaded.processor.to_batch(loaded.processor.table(raw))
        title = data.title
        given = data if batch is None else None
        found[name_of(run, runs)] = look(loaded.model, loaded.processor, asked.settings, given, batch)
    home = Path(asked.out).expanduser() if asked.out else runs[0] if len(runs) == 1 else usual(asked, title)
    paths = write(home, asked, found, title)
    if len(runs) == 1 and not asked.out:
        add_artifacts(runs[0], paths, outputs_dir())
    return tell(found, paths)


def of_words(asked: Asked, words: Sequence[str]) -> list[str]:
    """Looks into networks as they begin; for distance, into runs that are trained where there are none yet."""
    models = next((word.partition("=")[2] for word in words if word.startswith("model=")), "lstm").split(",")
    rest = [word for word in words if not word.startswith("model=")]
    if asked.probe == "distance":
        from lstm_lab.probing.training import runs_of

        return by_distance(runs_of(rest, models), asked)
    if asked.probe == "importance":
        raise UserError(
            "probe=importance asks what was learned: name a finished run with run=…, or train with probe=importance."
        )
    found, title = {}, ""
    for model in models:
        settings = plain_settings(compose_config([*rest, f"model={model}"]))
        plan = prepare(settings, rest, ranks.find_group(settings["trainer"]))
        title = plan.data.title
        found[model] = look(plan.model, plan.data.processor, asked.settings, plan.data)
    home = Path(asked.out).expanduser() if asked.out else usual(asked, title)
    return tell(found, write(home, asked, found, f"{title}, before training"))


def _data(run: Path, asked: Asked) -> SequenceDataModule:
    """The data of a run, read again."""
    return predictor.data_of(read_checkpoint(run / "checkpoints" / "best.ckpt"), **asked.where)


def name_of(run: Path, runs: Sequence[Path]) -> str:
    """The model of a run, with its id where several have the same."""
    names = {one: _model(one) for one in runs}
    return names[run] if list(names.values()).count(names[run]) == 1 else f"{names[run]} {run.name[-6:]}"


def _model(run: Path) -> str:
    return str(read_checkpoint(run / "checkpoints" / "best.ckpt")["hyper_parameters"]["cell"])


def usual(asked: Asked, title: str) -> Path:
    """Where what belongs to no single run goes."""
    return outputs_dir() / "probes" / f"{asked.probe}-{title}"


def write(home: Path, asked: Asked, found: Mapping[str, Probed], title: str) -> list[Path]:
    """Writes the tables of all models into one file, and the picture."""
    paths = [home / f"probe_{asked.probe}.csv", home / "figures" / f"probe_{asked.probe}.png"]
    try:
        draw(paths[1], asked.settings, found, title)
        tables = [one.table.assign(model=name) for name, one in found.items()]
        pd.concat(tables, ignore_index=True).to_csv(paths[0], index=False)
    except OSError as error:
        raise UserError(f"{home}: cannot be written: {error.strerror}.") from None
    return paths


def tell(found: Mapping[str, Probed], paths: Sequence[Path]) -> list[str]:
    """A line for each model, and where things are."""
    return [*(f"{name}: {one.line}" for name, one in found.items()), *_places(paths)]


def _places(paths: Sequence[Path]) -> list[str]:
    return [f"{'picture' if path.suffix == '.png' else 'table'}:  {path}" for path in paths]


# -- scores by distance -------------------------------------------------------------------------------------


def by_distance(runs: Mapping[str, Path], asked: Asked) -> list[str]:
    """Puts the scores by lag of several runs into one table and one picture; nothing is scored again.

    Raises:
        UserError: if a run has no such scores, or they are of other data.
    """
    tables, facts = {}, {}
    for name, run in runs.items():
        facts[name] = read_metrics(run)
        path = run / "by_lag.csv"
        if not path.is_file():
            raise UserError(
                f"{run}: its data does not say how far back an answer lies. Data that does: agreement, "
                "temporal_order, parity, copy_memory, adding, reber."
            )
        table = pd.read_csv(path)
        tables[name] = table[table["model"] == "this model"] if "model" in table else table
    (name, first), *others = facts.items()
    for other, fact in others:
        if fact["data"] != first["data"] or fact["protocol"] != first["protocol"]:
            raise UserError(
                f"{name} and {other} were not scored on the same data; they do not share a picture."
            )
    data = _data(next(iter(runs.values())), asked)
    score: str = "MSE" if "MSE" in next(iter(tables.values())) else "accuracy %"
    home = Path(asked.out).expanduser() if asked.out else usual(asked, data.title)
    paths = [home / "probe_distance.csv", home / "figures" / "probe_distance.png"]
    draw_by_lag(
        paths[1],
        tables,
        score,
        f"{data.title}: {score.removesuffix(' %')} by {data.lag_name}",  # type: ignore[attr-defined]
        data.lag_name,  # type: ignore[attr-defined]
        chance=data.chance if score == "accuracy %" else None,  # type: ignore[attr-defined]
        trained_to=data.trained_to,  # type: ignore[attr-defined]
    )
    pd.concat([table.assign(model=name) for name, table in tables.items()]).to_csv(paths[0], index=False)
    return [*(_gist(name, table, score) for name, table in tables.items()), *_places(paths)]


def _gist(name: str, table: pd.DataFrame, score: str) -> str:
    parts: list[Any] = [f"{row[score]:.4g} at {int(row['lag'])}" for _, row in table.iterrows()]
    return f"{name}: {score} {', '.join(parts)}"
