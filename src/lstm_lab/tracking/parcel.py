"""What goes into one transaction, and the rule by which a point goes once."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from lstm_lab.tracking.naming import metric_name, param_value, tag_value

# What MLflow takes in one transaction.
METRICS, PARAMS = 1000, 100


@dataclass
class Parcel:
    """What goes into one transaction.

    Attributes:
        offset: bytes of ``events.jsonl`` that have arrived once it has.
        metrics: name, value, time in milliseconds, step.
    """

    offset: int
    metrics: list[tuple[str, float, int, int]] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.metrics) + len(self.params) + len(self.tags)

    def has_room(self, event: dict[str, Any], limit: int) -> bool:
        """Whether an event fits in; the first one always does."""
        size = len(event["values"]) + 1
        return not len(self) or (len(self.metrics) + size <= limit and len(self.params) + size <= PARAMS)


class Packer:
    """Puts events into parcels and remembers what has been sent.

    A resumed run repeats the steps between its checkpoint and its crash. A point is sent unless it repeats
    the last step of its name, or an earlier session of the run had reached that step. The first value of a
    parameter counts, because MLflow's cannot change. Memory grows with the number of names, not of points.
    """

    def __init__(self) -> None:
        self._before: dict[str, int] = {}
        self._last: dict[str, int] = {}
        self._params: set[str] = set()

    def copy(self) -> Packer:
        """A copy to go back to if the parcel does not arrive."""
        return deepcopy(self)

    def add(self, parcel: Parcel, event: dict[str, Any]) -> None:
        """Puts an event into a parcel; of the other kinds, ``open`` marks where a session begins."""
        values = event.get("values", {})
        if event["kind"] == "open":
            for name, step in self._last.items():
                self._before[name] = max(step, self._before.get(name, step))
            self._last = {}
        elif event["kind"] == "metrics":
            epoch = event.get("epoch")
            for name, value in {**values, **({} if epoch is None else {"epoch": epoch})}.items():
                self._add_metric(parcel, metric_name(name), float(value), event["time"], event["step"])
        elif event["kind"] == "params":
            new = {name: value for name, value in values.items() if metric_name(name) not in self._params}
            parcel.params.update({metric_name(name): param_value(value) for name, value in new.items()})
            self._params |= {metric_name(name) for name in new}
        elif event["kind"] == "tags":
            parcel.tags.update({metric_name(name): tag_value(value) for name, value in values.items()})

    def _add_metric(self, parcel: Parcel, name: str, value: float, time: int, step: int) -> None:
        if step == self._last.get(name) or step <= self._before.get(name, -1):
            return
        parcel.metrics.append((name, value, time, step))
        self._last[name] = max(step, self._last.get(name, step))
