"""A run as the rest of the house sees it: log and forget. Nothing here waits for a store, or dies with it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lstm_lab.tracking import store
from lstm_lab.tracking.courier import Courier
from lstm_lab.tracking.events import EventLog, read_events
from lstm_lab.tracking.lease import Lease
from lstm_lab.tracking.naming import flatten
from lstm_lab.tracking.redaction import redact, redact_text
from lstm_lab.tracking.shipper import Shipper
from lstm_lab.tracking.system import SystemWatch

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Run:
    """One run: every call returns at once; all goes to ``events.jsonl`` first.

    Made by `open_run`.

    Attributes:
        directory: the run directory.
        params: what `log_params` was given so far.
    """

    def __init__(self, directory: Path, events: EventLog, lease: Lease, courier: Courier | None) -> None:
        self.directory = directory
        self.params: dict[str, Any] = {}
        self._events, self._lease, self._courier = events, lease, courier
        self._closed = False

    @property
    def id(self) -> str | None:
        """MLflow's id of the run; None while the store has not answered, and with tracking off."""
        return (self._courier.shipper.state.run_id or None) if self._courier else None

    @property
    def url(self) -> str | None:
        """The run's page on a tracking server; None for a database."""
        if self._courier is None or not self.id or not self._courier.shipper.uri.startswith("http"):
            return None
        state = self._courier.shipper.state
        return f"{state.uri.rstrip('/')}/#/experiments/{state.experiment_id}/runs/{state.run_id}"

    def log_metrics(self, metrics: Mapping[str, Any], step: int, epoch: int | None = None) -> None:
        """Logs numbers at a step.

        The steps of one name rise. A point that repeats the last step, or that an earlier session of a
        resumed run has already logged, is kept in ``events.jsonl`` and goes to MLflow once.

        Args:
            metrics: numbers or tensors of one element, by name: ``train/…``, ``val/…``, ``test/…``,
                ``baseline/…``. A tensor is read here, which waits for its device.
            step: the optimiser step.
            epoch: the epoch, where it has a meaning.
        """
        values = {
            name: float(value.item() if hasattr(value, "item") else value) for name, value in metrics.items()
        }
        self._events.metrics(int(step), values, epoch)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Logs settings, nested or flat; the first value of a name counts."""
        flat = {name: value for name, value in flatten(redact(params)).items() if name not in self.params}
        self.params.update(flat)
        names = list(flat)
        for start in range(0, len(names), 99):  # MLflow takes 100 at a time
            self._events.append("params", values={name: flat[name] for name in names[start : start + 99]})

    def log_artifact(self, path: str | Path, folder: str = "") -> None:
        """Sends a file or a folder as it is when its turn comes; it must stay where it is.

        Args:
            path: the file, best one inside the run directory.
            folder: where it goes among the run's artifacts.
        """
        path = Path(path).resolve()
        home = self.directory.resolve()
        inside = path.relative_to(home) if path.is_relative_to(home) else path
        self._events.append("artifact", path=str(inside), folder=folder)

    def log_model(self, path: str | Path, name: str = "model", kind: str | None = None) -> None:
        """Sends a folder that `lstm_lab.tracking.model.save_model` wrote, as an MLflow model of this run."""
        self._events.append("model", path=str(Path(path).resolve()), name=name, type=kind)

    def log_input(self, name: str, digest: str, context: str = "training", source: str = "") -> None:
        """Logs a data set that the run reads.

        Args:
            name: of the data set.
            digest: what changes when the data does; MLflow gets its first 16 characters, the record all.
            context: ``training``, ``validation`` or ``test``.
            source: path or URL, its credentials hidden.
        """
        self._events.append("input", name=name, digest=digest, context=context, source=redact_text(source))

    def set_tags(self, tags: Mapping[str, Any]) -> None:
        """Sets tags; a later value replaces an earlier one."""
        if tags:
            self._events.append("tags", values=dict(redact(tags)))

    def set_tag(self, name: str, value: Any) -> None:
        """Sets one tag."""
        self.set_tags({name: value})

    def flush(self) -> None:
        """Asks for what has been logged to be sent soon."""
        self._events.flush()
        if self._courier:
            self._courier.wake()

    def close(self, status: Status, reason: str | None = None, patience: float = 10.0) -> bool:
        """Ends the run, once; the very last thing, after all artifacts.

        Args:
            status: how it ended.
            reason: why, for everything but FINISHED.
            patience: seconds without any progress to wait for the store; a database file has a minute.

        Returns:
            Whether everything has arrived; what has not, ``python -m lstm_lab.sync`` sends.
        """
        if self._closed:
            return True
        self._closed = True
        self._events.append("close", status=status, reason=redact_text(reason) if reason else None)
        arrived = self._courier.finish(patience) if self._courier else True
        self._events.close()
        self._lease.release()
        return arrived


def open_run(
    directory: str | Path,
    experiment: str,
    name: str,
    uri: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    parent: str | Path | None = None,
    resume_id: str | None = None,
    outputs: str | Path | None = None,
    system_metrics: bool = True,
    patience: float = 10.0,
) -> Run:
    """Opens a run; a directory that already holds one goes on with the same run.

    Args:
        directory: the run directory.
        experiment: MLflow's experiment, by name.
        name: of the run.
        uri: the store; ``off`` writes ``events.jsonl`` only; None takes ``MLFLOW_TRACKING_URI`` or the
            default.
        params: settings, nested or flat; secrets are hidden here once more.
        tags: what the table of runs is grouped by.
        parent: MLflow's id, or the directory, of the sweep that this run belongs to; set when the run is
            created.
        resume_id: MLflow's id of a run to go on with that has no record in this directory.
        outputs: the folder of all results; `lstm_lab.paths.outputs_dir` if not given.
        system_metrics: whether to measure processor, memory and GPU every ten seconds.
        patience: seconds to wait for a server's first answer; a database file has a minute.

    Raises:
        UserError: for a wrong URI, or a directory in which another process works.
    """
    from lstm_lab.paths import outputs_dir

    directory = Path(directory)
    outputs = Path(outputs) if outputs else outputs_dir()
    uri = store.resolve_uri(uri, outputs)
    lease = Lease(directory)
    key = next((event["key"] for _, event in read_events(directory) if event["kind"] == "open"), None)
    events = EventLog(directory)
    events.append(
        "open",
        key=key or secrets.token_hex(8),
        experiment=experiment,
        name=name,
        tags=dict(redact(tags or {})),
        parent=str(parent) if parent else None,
        run_id=resume_id,
    )
    courier = None
    if uri != store.OFF:
        store.prepare()
        shipper = Shipper(directory, uri, outputs, fresh=key is None)
        shipper.state.save(directory)  # says where the run belongs, should the store never answer
        courier = Courier(shipper, SystemWatch(events) if system_metrics else None)
    run = Run(directory, events, lease, courier)
    run.log_params(params or {})
    if courier is None:
        return run
    courier.start()
    try:
        courier.await_opening(patience)
    except BaseException as end:  # Ctrl-C while a store is slow: the record says so, too
        stopped = isinstance(end, (KeyboardInterrupt, SystemExit))
        run.close("KILLED" if stopped else "FAILED", str(end) or type(end).__name__)
        raise
    return run
