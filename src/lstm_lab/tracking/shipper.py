"""Carries a run's events to MLflow: in order, in few transactions, each exactly once.

The running process (through a thread) and ``lstm_lab.sync`` both use it. It keeps the byte offset up to which
``events.jsonl`` has arrived in ``tracking.json``. A crash between sending and keeping sends the same points
with the same times again, which MLflow's store recognises and keeps once.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_lab.tracking import store
from lstm_lab.tracking.events import EVENTS, read_events
from lstm_lab.tracking.naming import tag_value
from lstm_lab.tracking.parcel import METRICS, Packer, Parcel
from lstm_lab.tracking.redaction import redact_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

STATE = "tracking.json"
KEY_TAG = "lstm_lab.key"
# Answers that will be the same however often one asks.
_HOPELESS = {"INVALID_PARAMETER_VALUE", "BAD_REQUEST"}
_log = logging.getLogger("lstm_lab.tracking")


@dataclass
class State:
    """How far a run has been carried, as kept in ``tracking.json``.

    Attributes:
        uri: the store, without credentials.
        run_id: MLflow's id of the run, once it has one.
        offset: bytes of ``events.jsonl`` that have arrived.
        dropped: what MLflow refused for good.
    """

    uri: str = ""
    run_id: str = ""
    experiment_id: str = ""
    offset: int = 0
    dropped: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, directory: Path) -> State:
        """Reads the state; a run that was never carried has an empty one."""
        try:
            return cls(**json.loads((directory / STATE).read_text()))
        except FileNotFoundError:
            return cls()

    def save(self, directory: Path) -> None:
        """Writes the state atomically."""
        aside = directory / f".{STATE}.{os.getpid()}"
        aside.write_text(json.dumps(asdict(self)))
        os.replace(aside, directory / STATE)


class Shipper:
    """Carries the events of one run directory.

    Args:
        directory: the run directory.
        uri: the store.
        outputs: the folder of all results, for the lock and the artifact root of a local store.
        fresh: whether this process has just begun the run, so that it cannot be in the store yet.
    """

    def __init__(self, directory: Path, uri: str, outputs: Path, fresh: bool = False) -> None:
        self.directory, self.uri, self.outputs = directory, uri, outputs
        self.state = State.load(directory)
        if self.state.uri != redact_text(uri):  # another store than the last time: everything goes there
            self.state = State(uri=redact_text(uri))
        self._certainly_new = fresh
        self._client: MlflowClient | None = None
        self._packer = Packer()
        for offset, event in read_events(directory):
            if offset > self.state.offset:
                break
            self._packer.add(Parcel(0), event)

    @property
    def client(self) -> MlflowClient:
        """The client, connected at the first use."""
        if self._client is None:
            self._client = store.connect(self.uri, self.outputs)
        return self._client

    def remaining(self) -> int:
        """Bytes of events that have not arrived yet."""
        path = self.directory / EVENTS
        return path.stat().st_size - self.state.offset if path.is_file() else 0

    def step(self, limit: int = METRICS) -> bool:
        """Carries the next parcel of at most `limit` metrics, or the next single thing.

        Returns:
            False if there was nothing to carry.

        Raises:
            Exception: whatever the store raises; the same parcel is tried at the next call.
        """
        start, packed = self.state.offset, self._packer.copy()
        try:
            parcel = self._next(limit)
            self._send(parcel)
        except BaseException:
            self._packer = packed
            raise
        if parcel.offset == start:
            return False
        self.state.offset = parcel.offset
        self.state.save(self.directory)
        return True

    def _next(self, limit: int) -> Parcel:
        parcel = Parcel(self.state.offset)
        for offset, event in read_events(self.directory, self.state.offset):
            if event["kind"] in ("metrics", "params", "tags"):
                if not parcel.has_room(event, limit):
                    break
                self._packer.add(parcel, event)
            elif parcel.offset == self.state.offset:
                self._handle(event)
                self._packer.add(parcel, event)
                parcel.offset = offset
                break
            else:
                break
            parcel.offset = offset
        return parcel

    def _handle(self, event: dict[str, Any]) -> None:
        """Does what is no plain logging."""
        handlers = {
            "open": self._open,
            "input": self._input,
            "artifact": self._artifact,
            "model": self._model,
            "close": self._close,
        }
        if event["kind"] in handlers:
            handlers[event["kind"]](event)

    # -- the run ---------------------------------------------------------------------------------------------

    def _open(self, event: dict[str, Any]) -> None:
        from mlflow.entities import RunStatus

        if not self.state.run_id:
            self.state.run_id = event.get("run_id") or ""
        if not self.state.run_id:
            self.state.experiment_id = store.experiment_id(
                self.client, event["experiment"], self.uri, self.outputs
            )
            self.state.run_id = self._find(event["key"]) or self._create(event)
        self.state.experiment_id = self.client.get_run(self.state.run_id).info.experiment_id
        self.client.update_run(self.state.run_id, status=RunStatus.to_string(RunStatus.RUNNING))
        self.state.save(self.directory)

    def _find(self, key: str) -> str:
        # A server may have created the run although its answer never came.
        if self._certainly_new:
            self._certainly_new = False
            return ""
        found = self.client.search_runs(
            [self.state.experiment_id], f"tags.`{KEY_TAG}` = '{key}'", max_results=1
        )
        return found[0].info.run_id if found else ""

    def _create(self, event: dict[str, Any]) -> str:
        tags = {name: tag_value(value) for name, value in event.get("tags", {}).items()}
        parent = event.get("parent")
        if parent and Path(parent).is_dir():
            parent = State.load(Path(parent)).run_id
            if not parent:
                raise ConnectionError(f"the parent run {event['parent']} is not in the store yet")
        if parent:
            tags["mlflow.parentRunId"] = parent
        run = self.client.create_run(
            self.state.experiment_id, event["time"], {**tags, KEY_TAG: event["key"]}, event["name"]
        )
        return run.info.run_id

    def _close(self, event: dict[str, Any]) -> None:
        if event.get("reason"):
            for name in ("reason", "mlflow.note.content"):
                self.client.set_tag(self.state.run_id, name, tag_value(event["reason"]))
        self.client.set_terminated(self.state.run_id, event["status"], event["time"])

    # -- what belongs to it ----------------------------------------------------------------------------------

    def _input(self, event: dict[str, Any]) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag

        # MLflow keeps 36 characters of a digest and shows it beside the name: 16 say enough.
        data = Dataset(
            event["name"][:500], event["digest"][:16], "local", json.dumps({"uri": event["source"]})
        )
        self.client.log_inputs(
            self.state.run_id, [DatasetInput(data, [InputTag("mlflow.data.context", event["context"])])]
        )

    def _artifact(self, event: dict[str, Any]) -> None:
        path = self.directory / event["path"]
        if not path.exists():
            self._drop(f"artifact {event['path']}: it is no longer there")
        elif path.is_dir():
            self.client.log_artifacts(self.state.run_id, str(path), event["folder"] or None)
        else:
            self.client.log_artifact(self.state.run_id, str(path), event["folder"] or None)

    def _model(self, event: dict[str, Any]) -> None:
        path = self.directory / event["path"]
        if not path.is_dir():
            self._drop(f"model {event['path']}: it is no longer there")
            return
        for left in self.client.search_logged_models(
            [self.state.experiment_id], f"source_run_id = '{self.state.run_id}' AND name = '{event['name']}'"
        ):
            if str(left.status).endswith("READY"):
                return
            self.client.delete_logged_model(left.model_id)  # an upload that was cut off
        model = self.client.create_logged_model(
            self.state.experiment_id,
            event["name"],
            self.state.run_id,
            event.get("tags"),
            model_type=event.get("type"),
        )
        self.client.log_model_artifacts(model.model_id, str(path))
        self.client.finalize_logged_model(model.model_id, "READY")

    # -- numbers ---------------------------------------------------------------------------------------------

    def _send(self, parcel: Parcel) -> None:
        from mlflow.entities import Metric, Param, RunTag
        from mlflow.exceptions import MlflowException

        if not len(parcel):
            return
        metrics = [Metric(*metric) for metric in parcel.metrics]
        params = [Param(name, value) for name, value in parcel.params.items()]
        tags = [RunTag(name, value) for name, value in parcel.tags.items()]
        try:
            self.client.log_batch(self.state.run_id, metrics, params, tags)
        except MlflowException as error:
            if error.error_code not in _HOPELESS:
                raise
            self._send_singly(metrics, params, tags)

    def _send_singly(self, metrics: list, params: list, tags: list) -> None:
        """Finds the one that MLflow refuses, so that the rest arrives."""
        from mlflow.exceptions import MlflowException

        for kind, things in (("metrics", metrics), ("params", params), ("tags", tags)):
            for thing in things:
                try:
                    self.client.log_batch(self.state.run_id, **{kind: [thing]})  # type: ignore[arg-type]
                except MlflowException as error:
                    if error.error_code not in _HOPELESS:
                        raise
                    self._drop(f"{kind} {thing.key}: {str(error).splitlines()[0]}")

    def _drop(self, what: str) -> None:
        self.state.dropped.append(what)
        _log.warning("MLflow did not take %s", what)
