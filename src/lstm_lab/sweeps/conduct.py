"""One sweep from its first check to its last figure."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from hydra.utils import get_method, instantiate
from omegaconf import DictConfig, OmegaConf

from lstm_lab.errors import UserError
from lstm_lab.sweeps import jobs, results
from lstm_lab.sweeps.display import Display
from lstm_lab.sweeps.frozen import Freezer, masked_copy
from lstm_lab.sweeps.ledger import Ledger
from lstm_lab.sweeps.nursery import Nursery
from lstm_lab.sweeps.observer import Observers, SweepFacts, TrialRecord
from lstm_lab.sweeps.opening import Budget, budget, open_ledger
from lstm_lab.sweeps.settings import Settings, divided_threads, read_settings
from lstm_lab.sweeps.space import Space, read_space
from lstm_lab.sweeps.storage import quiet_optuna, shown
from lstm_lab.sweeps.supervisor import Supervisor
from lstm_lab.sweeps.task import TaskAddress

log = logging.getLogger(__name__)

# Drawing takes a second or two; a sweep of short trials must not spend its time on it.
_FIGURE_SECONDS = 60.0


class SweepBroken(Exception):
    """Too many trials have failed; the results of the others are written."""


def conduct(
    config: DictConfig, context: HydraContext, task_function: TaskFunction, arguments: Sequence[str]
) -> list[TrialRecord]:
    """Runs a sweep.

    Args:
        config: the composed config of the multirun.
        context: Hydra's loader and callbacks.
        task_function: the bare function under ``@hydra.main``.
        arguments: the words of the command line that are not Hydra's own.

    Raises:
        UserError: before the first trial, for anything that would go wrong in one.
        SweepBroken: after too many failures.
        KeyboardInterrupt: after SIGINT or SIGTERM.
    """
    quiet_optuna()
    node = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    settings = read_settings(node, config.hydra.runtime.choices)  # type: ignore[arg-type]
    through_launcher = _through_launcher(settings, config)
    freezer = Freezer(context.config_loader, config)
    task = None if through_launcher else TaskAddress.of(task_function)
    # Before anything is started or written: a typo costs no trial.
    space, plan = _checked(settings, config, context, arguments, freezer)
    conductor = _Conductor(config, settings, space, plan, freezer, task)
    if task is None:
        launcher = Plugins.instance().instantiate_launcher(
            config=config, hydra_context=context, task_function=task_function
        )
        return conductor.through_launcher(launcher)
    threads = divided_threads(settings.threads, settings.n_jobs, int(config.hydra.sweeper.ranks or 1))
    preload = ["optuna", "lstm_lab.sweeps.samplers", "lstm_lab.sweeps.storage", *settings.preload]
    with Nursery(preload, vars(task), jobs.thread_variables(threads)) as nursery:
        return conductor.through_nursery(nursery)


def _checked(
    settings: Settings,
    config: DictConfig,
    context: HydraContext,
    arguments: Sequence[str],
    freezer: Freezer,
) -> tuple[Space, Budget]:
    extend = None
    if settings.custom_search_space:
        function = get_method(settings.custom_search_space)

        def extend(trial: Any) -> None:
            function(config, trial)

    space = read_space(settings.params, arguments, extend, context.config_loader)
    for point in settings.enqueue:
        space.check_point(point)
    freezer.check(space)
    return space, budget(settings, space)


def _through_launcher(settings: Settings, config: DictConfig) -> bool:
    words = [str(word) for word in config.hydra.overrides.hydra]
    chosen = config.hydra.runtime.choices.get("hydra/launcher") != "basic" or any(
        word.startswith("hydra/launcher=") for word in words
    )
    through = settings.isolation == "launcher" or (settings.isolation == "auto" and chosen)
    if through:
        for key, wish in (
            ("replicates", settings.replicates > 1),
            ("trial_timeout", settings.trial_timeout is not None),
            ("retrain_best", settings.retrain_best),
        ):
            if wish:
                raise UserError(
                    f"hydra.sweeper.{key} needs processes of the sweeper's own: leave hydra/launcher away, "
                    "or set hydra.sweeper.isolation=process."
                )
    return through


class _Conductor:
    """Binds the parts of one sweep together."""

    def __init__(
        self,
        config: DictConfig,
        settings: Settings,
        space: Space,
        plan: Budget,
        freezer: Freezer,
        task: TaskAddress | None,
    ) -> None:
        self._settings, self._freezer, self._task = settings, freezer, task
        self._directory = Path(str(config.hydra.sweep.dir)).absolute()
        self._directory.mkdir(parents=True, exist_ok=True)
        self._ledger: Ledger = open_ledger(settings, space, plan, self._directory, config.hydra.job.name)
        results.write_atomically(self._directory / "multirun.yaml", OmegaConf.to_yaml(masked_copy(config)))
        self._observers = Observers([self, *(_built(one) for one in settings.observers)])
        self._display = Display(settings.live, settings.directions, plan.n_trials)
        self._draw = _built(settings.figures, call=False) if settings.figures else None
        self._drawn_at = time.monotonic()
        self._command = task.command() if task else "python …"

    def through_nursery(self, nursery: Nursery) -> list[TrialRecord]:
        """Runs trials in processes of their own."""
        assert self._task is not None
        supervisor = Supervisor(
            self._ledger, self._freezer, self._task, self._settings, self._observers, self._ended
        )
        broken = self._guarded(lambda: supervisor.run(nursery), lambda: supervisor.broken)
        if self._settings.retrain_best and not broken:
            from lstm_lab.sweeps.retrain import retrain

            retrain(self._best(), self._freezer, self._task, nursery, self._display.note)
        return self._ledger.records()

    def through_launcher(self, launcher: Any) -> list[TrialRecord]:
        """Runs trials through one of Hydra's launchers, in batches of n_jobs."""
        from lstm_lab.sweeps.through_launcher import LauncherSupervisor

        supervisor = LauncherSupervisor(
            self._ledger, launcher, self._settings, self._observers, self._ended, self._directory
        )
        self._guarded(supervisor.run, lambda: supervisor.broken)
        return self._ledger.records()

    def _guarded(self, run: Any, broken: Any) -> str | None:
        self._display.started(facts := self._facts())
        if earlier := [one for one in self._ledger.records() if one.state != "WAITING"]:
            self._display.note(f"goes on after {results.count(earlier)}")
        self._observers.notify("sweep_started", facts)
        ok = False
        try:
            run()
            ok = not broken()
        finally:
            self._write()
            self._display.close()
            self._figures(last=True)
            self._observers.notify("sweep_finished", self._ledger.records(), self._directory, ok)
            self._summarise()
        if reason := broken():
            raise SweepBroken(reason)
        return None

    def _facts(self) -> SweepFacts:
        study, settings = self._ledger.study, self._settings
        enumerated = settings.sampler_name == "grid" or self._ledger.is_enumerated
        return SweepFacts(
            study=study.study_name,
            storage=shown(self._ledger.address),
            directory=self._directory,
            directions=settings.directions,
            sampler="grid" if enumerated else type(study.sampler).__name__.removesuffix("Sampler"),
            pruner=type(study.pruner).__name__.removesuffix("Pruner"),
            n_trials=self._ledger.n_trials,
            n_jobs=settings.n_jobs,
            command=self._command,
            space=self._ledger.space.signature(),
        )

    def trial_started(self, record: TrialRecord) -> None:
        """Shows a new trial in the live table (the conductor observes its own sweep)."""
        self._display.refresh(self._ledger.records())

    def _ended(self, record: TrialRecord) -> None:
        self._display.ended(record)
        self._write()
        self._figures()

    def _write(self) -> None:
        records = self._ledger.records()
        results.write_results(self._directory, records, self._settings.directions)
        self._display.refresh(records)

    def _figures(self, last: bool = False) -> None:
        now = time.monotonic()
        if self._draw is None or (not last and now - self._drawn_at < _FIGURE_SECONDS):
            return
        self._drawn_at = now
        try:
            self._draw(
                results.tables(self._ledger.study, self._ledger.records()), self._directory / "figures"
            )
        except Exception as error:  # a picture less is no reason to lose a sweep
            log.warning("The figures of the study could not be drawn: %s: %s", type(error).__name__, error)

    def _best(self) -> list[TrialRecord]:
        return results.best(self._ledger.records(), self._settings.directions)

    def _summarise(self) -> None:
        records, found = self._ledger.records(), self._best()
        self._display.note(results.count(records))
        if not found:
            self._display.note("No trial has a result. The reasons stand in trials.csv.")
        for one in found[:10]:
            values = " ".join(f"{value:.6g}" for value in one.values)
            self._display.note(f"best: trial {one.number}  {values}  {results.describe(one.params)}".rstrip())
            self._display.note("  " + results.command_line(self._command, one.overrides))


def _built(what: Any, call: bool = True) -> Any:
    """Returns the object behind a dotted path (called without arguments if `call`) or a node."""
    if isinstance(what, str):
        return instantiate({"_target_": what}) if call else get_method(what)
    return instantiate(what) if isinstance(what, (dict, DictConfig)) else what
