"""One experiment, from a config to a finished record: this file reads as the story of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from lstm_lab import evaluation, recorder, report, resuming
from lstm_lab.compression import origin, pruning
from lstm_lab.data.loader import EvaluationLoader
from lstm_lab.errors import DivergedError
from lstm_lab.models import SequenceModel
from lstm_lab.planning import Plan, build_model, listen, prepare, pruned_by, time_a_step
from lstm_lab.predictor import Predictor
from lstm_lab.starting import start_from
from lstm_lab.sweeps import current_trial
from lstm_lab.training import ranks, signals
from lstm_lab.training.best import History, KeepBest
from lstm_lab.training.progress import LiveBar
from lstm_lab.training.ranks import Group
from lstm_lab.training.saver import Session
from lstm_lab.training.signals import Stop
from lstm_lab.training.trainer import build_trainer


@dataclass
class Result:
    """What a run gave.

    Attributes:
        objective: the number that a sweep improves, the best validation of the task's metric.
        metrics: final numbers by name, such as ``test/rmse``.
        directory: the run directory, None for a dry run.
    """

    objective: float
    metrics: dict[str, float] = field(default_factory=dict)
    directory: Path | None = None


def run(config: DictConfig, overrides: Sequence[str] = ()) -> Result:
    """Runs one experiment: plan, fit, refit, test, report.

    Args:
        config: the composed config of ``conf/train.yaml``.
        overrides: the words of the command line, for the record.

    Raises:
        UserError: for a mistake in the settings, before anything is written.
        DivergedError: when training gave NaN or infinity.
    """
    settings: Any = OmegaConf.to_container(config, resolve=True)
    return join(settings, overrides)


def join(settings: dict[str, Any], overrides: Sequence[str] = (), directory: Path | None = None) -> Result:
    """Takes this process's part in an experiment: the first decides what is run, the others are told.

    Args:
        settings: the whole config as plain data.
        overrides: the words of the command line, for the record.
        directory: of the run, where it is part of something larger; a new one if not given.
    """
    with signals.listen(requeue=ranks.under_slurm()) as stop:
        group = ranks.find_group(settings.get("trainer", {}))
        orders = group.agree(lambda: resuming.choose(pruning.settings_of(settings, overrides), overrides))
        if directory is not None:
            orders["directory"] = str(directory)
        if group.leads:  # a resumed run has a trainer of its own
            group = ranks.find_group(orders["settings"]["trainer"])
        try:
            return lead(orders, group, stop) if group.leads else follow(orders, group, stop)
        except signals.Interrupted as end:
            if end.number == signals.REQUEUE and group.leads:
                print(ranks.requeue())
            raise
        finally:
            ranks.leave()


def lead(orders: dict[str, Any], group: Group, stop: Stop) -> Result:
    """Runs the experiment that `resuming.choose` decided on, from the first process."""
    settings, overrides, directory = orders["settings"], orders["overrides"], Path(orders["directory"])
    plan = prepare(settings, overrides, group)
    seconds = time_a_step(plan)
    report.announce(plan.data, plan.model, plan.threads, plan.chunk, plan.max_steps, seconds)
    if settings["dry_run"]:
        return dry_run(plan)
    state = resuming.state_of(directory) if orders["resumes"] else None
    with recorder.record(
        settings, overrides, plan.data, plan.threads, directory, orders["resumes"]
    ) as record:
        record.comes_from(origin.of(settings))
        session = Session(stop, directory, state)
        with ranks.followers(group, orders, lambda reason: record.close("FAILED", reason)):
            if current_trial() is not None:
                return trial(plan, record, session)
            model, best = train(plan, record, session)
        predictor = Predictor(model, plan.data.processor)
        record.checkpoint(predictor, settings["data"], refitted=plan.refits)
        tested = evaluation.test(predictor, plan.data)
        record.test(tested, predictor, plan.data, best)
        if plan.watch is not None:
            record.probed(*plan.watch.finish(predictor, plan.data, record.directory.path))
        stop.check()  # a signal that came during the last step counts, too
    report.show(tested, settings["model"]["cell"].upper(), plan.data, record.closing_lines())
    return Result(best.objective, tested.metrics, record.directory.path)


def follow(orders: dict[str, Any], group: Group, stop: Stop) -> Result:
    """Trains in step with `lead`, from any other process: no word, no file."""
    plan = prepare(orders["settings"], orders["overrides"], group)
    time_a_step(plan)  # draws the same random numbers
    if plan.settings["dry_run"]:
        return Result(float("nan"))
    directory = Path(orders["directory"])
    state = resuming.state_of(directory) if orders["resumes"] else None
    session = Session(stop, directory, state)
    if current_trial() is not None:
        return Result(fit(plan, recorder.Onlooker(), session).objective)
    _, best = train(plan, recorder.Onlooker(), session)
    return Result(best.objective)


def train(
    plan: Plan, record: recorder.Record | recorder.Onlooker, session: Session
) -> tuple[SequenceModel, KeepBest]:
    """Fits, lets validation decide, and trains anew on all rows but the test's."""
    best = fit(plan, record, session)
    judge(plan)
    model = refit(plan, best, session) if plan.refits else plan.model
    ranks.leave()
    return model, best


def trial(plan: Plan, record: recorder.Record, session: Session) -> Result:
    """Fits and validates only: a trial of a sweep never sees the test set, nor a model that has seen validation."""
    best = fit(plan, record, session)
    record.validated(best)
    ranks.leave()
    return Result(best.objective, {best.monitor: best.objective}, record.directory.path)


def fit(plan: Plan, record: recorder.Record | recorder.Onlooker, session: Session) -> KeepBest:
    """Trains on the training rows; validation decides. The model ends with its best weights."""
    stop = plan.settings["early_stopping"]
    smaller = plan.settings["task"]["direction"] == "minimize"
    best = KeepBest(plan.task.metric, smaller, stop["patience"], stop["goal"], current_trial())
    if session.ended("fit"):
        session.restore(best, plan.group)
        best.restore(plan.model)
        return best
    best.since = plan.sparsity.steps if plan.sparsity else 0  # what has too many weights yet is not the best
    history, saver = History(), session.saver("fit", plan.settings["fit"]["save_every"])
    callbacks = [best, history, saver, LiveBar("fit", plan.max_steps, plan.task.metric), *plan.callbacks]
    trainer = build_trainer(plan.max_steps, callbacks=callbacks, logger=record.logger, **plan.trainer)
    try:
        with session.stop.held():
            trainer.fit(plan.model, datamodule=plan.data)
    finally:
        best.restore(plan.model)
        if isinstance(record, recorder.Record):
            if best.score is not None:  # however training ended, its best weights are kept
                predictor = Predictor(plan.model, plan.data.processor)
                refits = plan.refits and current_trial() is None
                record.checkpoint(predictor, plan.settings["data"], refits=refits)
            record.history(history.table(), best)
    if best.score is None:
        raise DivergedError(
            f"{best.monitor} was not finite in {trainer.global_step} steps: training diverged."
        )
    if plan.trainer["profile"] and plan.group.leads:
        print(trainer.profiler.summary())  # type: ignore[attr-defined]
    return best


@torch.no_grad()
def judge(plan: Plan) -> None:
    """Lets validation samples, on which `fit` did not train, weigh the members and set the width of the interval."""
    samples = plan.data.calibration()
    if samples is None:
        return
    plan.model.eval()
    batches = [batch.to(plan.model.device) for batch in EvaluationLoader(samples)]
    plan.model.weights.copy_(plan.task.weigh(list(plan.model.members), batches))
    plan.data.calibrate([(plan.model(batch), batch) for batch in batches], plan.settings["task"])


def refit(plan: Plan, best: KeepBest, session: Session) -> SequenceModel:
    """Trains anew on training and validation rows, over the same schedule as `fit`.

    If early stopping ended `fit`, it is for as many steps as validation chose. A schedule that ran to its end
    is run to its end again: weights in the middle of a high learning rate are not comparable.
    """
    plan.data.fit_again()
    listen(plan.task, plan.settings, plan.data, refit=True)
    steps = best.step if best.stopped else plan.max_steps
    model = build_model(plan.settings, plan.data, plan.task, plan.chunk, plan.allowed, plan.max_steps)
    start_from(model, plan.settings["start"], pruned_by(plan.settings), refit=True)
    model.weights.copy_(plan.model.weights)
    if session.ended("refit"):
        session.load(model)
        return model
    bar = LiveBar("refit", steps, plan.task.metric)
    saver = session.saver("refit", plan.settings["fit"]["save_every"], best)
    sparsity = [plan.sparsity] if plan.sparsity else []
    trainer = build_trainer(steps, callbacks=[saver, bar, *sparsity], **{**plan.trainer, "profile": None})
    plan.data.trainer = trainer  # which tells the loader its share
    with session.stop.held():
        trainer.fit(model, train_dataloaders=plan.data.train_dataloader())
    if not all(bool(torch.isfinite(weight).all()) for weight in model.parameters()):
        raise DivergedError(f"a weight was not finite after {steps} steps of the refit: training diverged.")
    return model


def dry_run(plan: Plan) -> Result:
    """Runs one batch through the model and records nothing."""
    batch = next(iter(plan.data.val_dataloader()))
    plan.model.eval()
    with torch.no_grad():
        plan.model.on_validation_epoch_start()
        plan.model.validation_step(batch, 0)
        number = float(plan.model.validation_results()[plan.task.metric])
    print(f"dry run: one batch gave {plan.task.metric} {number:.4g}. Nothing was recorded.")
    return Result(number)
