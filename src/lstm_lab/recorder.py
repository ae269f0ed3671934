"""The record of a run: its directory, its tracked run, and the truth about how it ended."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_lab import __version__
from lstm_lab.compression import origin
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError
from lstm_lab.evaluation import Tested
from lstm_lab.figures.training import draw_learning_curve
from lstm_lab.paths import outputs_dir
from lstm_lab.predictor import Predictor
from lstm_lab.rundir import RunDirectory
from lstm_lab.sweeps import current_trial
from lstm_lab.tracking import lease
from lstm_lab.tracking.record import identity, write_record
from lstm_lab.tracking.redaction import environment_secrets, redact, redact_text, secrets_in
from lstm_lab.tracking.run import Run, Status, open_run
from lstm_lab.tracking.study import PARENT
from lstm_lab.training.best import KeepBest
from lstm_lab.training.checkpoint import write_checkpoint
from lstm_lab.training.signals import Interrupted


class Record:
    """Everything that is written down about one run.

    Args:
        directory: where files go.
        tracked: the run in the tracking store, or one that only writes ``events.jsonl``.
    """

    def __init__(self, directory: RunDirectory, tracked: Run) -> None:
        self.directory, self.tracked = directory, tracked
        self.started = time.monotonic()
        self._protocol = ""
        self._pictures: list[Path] = []
        self._gist: list[str] = []
        self._origin: dict[str, Any] = {}
        self._closed = False

    def close(self, status: Status, reason: str | None = None) -> None:
        """Ends the record, once; the first status counts."""
        if self._closed:
            return
        self._closed = True
        self.directory.write_json("status.json", {"status": status, "reason": reason, "version": __version__})
        self.tracked.close(status, reason)
        self.directory.close()
        if status != "FINISHED":
            print(f"the record of this run is in {self.directory.path}", file=sys.stderr)

    @property
    def logger(self) -> Any:
        """The Lightning logger of this run."""
        from lstm_lab.tracking.logger import RunLogger

        return RunLogger(self.tracked)

    def history(self, rows: list[dict[str, float]], best: KeepBest) -> None:
        """Keeps the course of training as a table and a picture, in which the best step is marked.

        A trial of a sweep has the table only: the study draws all trials into one picture.
        """
        table = pd.DataFrame(rows)
        if not len(table):
            return
        table.to_csv(self.directory.path / "history.csv", index=False)
        diverged_at_once = table.drop(columns="step").isna().all(axis=None)
        if not diverged_at_once and current_trial() is None:
            draw_learning_curve(self.directory.figure("learning_curve"), table, best.monitor, best.smaller)

    def checkpoint(
        self, predictor: Predictor, data: dict[str, Any], *, refitted: bool = False, refits: bool = False
    ) -> None:
        """Writes ``best.ckpt``, with what it takes to find the data again.

        Args:
            predictor: what was trained.
            data: the settings of its data.
            refitted: whether it has seen validation rows, too.
            refits: whether that is still to come; what validation chose is then kept as ``fit.ckpt``.
        """
        content = {**predictor.checkpoint(), "data": data, "refitted": refitted, "version": __version__}
        for path in [self.directory.best, *([self.directory.fitted] if refits else [])]:
            write_checkpoint(path, content)

    def test(self, tested: Tested, predictor: Predictor, data: SequenceDataModule, best: KeepBest) -> None:
        """Writes numbers, predictions and picture of the test, once."""
        self._protocol = data.protocol
        facts = {
            **tested.to_plain(),
            "protocol": data.protocol,
            "validation": {best.monitor: best.score, "steps": best.step, "ended": best.reason},
            "data": {"name": data.title, "size": data.size, "digest": data.digest},
            "seconds": round(time.monotonic() - self.started, 2),
            **({"origin": self._origin} if self._origin else {}),
        }
        self.directory.write_json("metrics.json", facts)
        tested.predictions.to_csv(self.directory.path / "predictions.csv", index=False)
        for name, table in tested.tables.items():
            table.to_csv(self.directory.path / f"{name}.csv", index=False)
        for name, draw in tested.pictures.items():
            draw(self.directory.figure(name))
        self._pictures = [self.directory.figure(name) for name in tested.pictures]
        numbers = {**tested.metrics}
        if len(tested.baselines):  # the best one
            best_row = tested.baselines.iloc[0]
            numbers |= {f"baseline/{key}": float(best_row[key]) for key in tested.shown if key in best_row}
        self.tracked.log_metrics(numbers, step=0)  # the same step in every run, so that MLflow draws bars
        self.tracked.set_tags({"verdict": facts["verdict"], "protocol": data.protocol})
        tables = [f"{name}.csv" for name in tested.tables]
        for path in ("metrics.json", "predictions.csv", "history.csv", *tables, "figures"):
            self.tracked.log_artifact(self.directory.path / path)
        if self.tracked.id is not None:
            from lstm_lab.tracking.model import save_model

            example = predictor.processor.example()
            self.tracked.log_model(save_model(self.directory.path / "model", self.directory.best, example))

    def comes_from(self, found: dict[str, Any]) -> None:
        """Keeps from which runs this one comes, see `lstm_lab.compression.origin`."""
        self._origin = found
        self._gist += origin.lines(found)
        for what, one in found.items():
            metrics = {f"{what}.{name}": f"{value:.6g}" for name, value in one["metrics"].items()}
            self.tracked.set_tags({what: one["run"], **metrics})

    def probed(self, paths: Sequence[Path], line: str) -> None:
        """Sends what a probe wrote into the run directory, and keeps its gist for a person."""
        for path in paths:
            self.tracked.log_artifact(path)
        self._gist += [line, *(f"picture:  {path}" for path in paths if path.suffix == ".png")]

    def validated(self, best: KeepBest) -> None:
        """Writes what a trial of a sweep gave, which ends before the test."""
        found = {best.monitor: best.score, "steps": best.step, "ended": best.reason}
        self.directory.write_json("metrics.json", {"metrics": {}, "validation": found})
        if best.score is not None:
            self.tracked.log_metrics({f"best/{best.monitor}": best.score}, step=best.step)
        if best.pruned:
            self.tracked.set_tags({"pruned": best.reason})
            self.close("KILLED", best.reason)

    def closing_lines(self) -> list[str]:
        """The last lines a person reads: protocol, where things are, how to look at them."""
        return [
            f"protocol: {self._protocol}",
            f"run:      {self.directory.path}",
            *(f"picture:  {path}" for path in self._pictures[:1]),
            *self._gist,
            "look:     python -m lstm_lab.ui",
        ]


@contextmanager
def record(
    settings: dict[str, Any],
    overrides: Sequence[str],
    data: SequenceDataModule,
    threads: int,
    path: Path,
    resumes: bool = False,
) -> Iterator[Record]:
    """Opens the record of a run and closes it with the status that is true.

    FINISHED after the last artifact, KILLED for Ctrl-C and SIGTERM, FAILED with the reason for everything else.

    Args:
        settings: the whole config.
        overrides: the words of the command line.
        data: what is learned from.
        threads: how many this process uses.
        path: the run directory.
        resumes: whether it holds a run that goes on.
    """
    model = settings["model"]["cell"]
    if resumes and lease.is_alive(path):
        raise UserError(f"{path}: another process is still writing there.")
    directory = RunDirectory(path)
    if not resumes:
        directory.write_yaml("config.yaml", redact(settings))
        directory.write_yaml("overrides.yaml", redact(list(overrides)))
    (path / "status.json").unlink(missing_ok=True)
    where = settings["tracking"]
    tracked = open_run(
        directory=directory.path,
        uri=where["uri"] if where["enabled"] else "off",
        experiment=where["experiment"] or data.title,
        name=f"{model}-{data.title}-{directory.id}",
        params=redact(settings),
        tags={
            "model": model,
            "data": data.title,
            **identity(None, settings["seed"], threads),
            **where["tags"],
        },
        parent=os.environ.get(PARENT),
        outputs=outputs_dir(),
    )
    kept = Record(directory, tracked)
    try:
        tracked.log_input(data.title, data.digest, context="training", source=data.source)
        if not resumes:
            for file in [path / "config.yaml", path / "overrides.yaml", *write_record(path)]:
                tracked.log_artifact(file)
        yield kept
    except (Interrupted, KeyboardInterrupt) as end:
        kept.close("KILLED", str(end) or "interrupted")
        if directory.last.is_file():
            print(f"go on with it: python -m lstm_lab.train resume={directory.id}", file=sys.stderr)
        raise
    except BaseException as error:
        if not isinstance(error, (UserError, SystemExit)):
            secrets = secrets_in(settings) | environment_secrets()
            trace = redact_text("".join(traceback.format_exception(error)), secrets)
            tracked.log_artifact(directory.write_text("error.txt", trace))
        kept.close("FAILED", f"{type(error).__name__}: {error}")
        raise
    kept.close("FINISHED")


class Onlooker:
    """What the other processes of a run have for a record: they write nothing."""

    logger = False
