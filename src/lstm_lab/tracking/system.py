"""What the machine does meanwhile: processor, memory, disk, network and GPU, for MLflow's page of them."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from lstm_lab.tracking.events import EventLog, read_events


class SystemWatch:
    """Measures every `every` seconds, in the thread that asks it to.

    The numbers go through ``events.jsonl`` like all others, so that they survive a dead server and cost no
    transaction of their own; MLflow's own thread writes each sample by itself and ends at the first failure.

    Args:
        events: where the numbers go.
        every: seconds between two samples.
    """

    def __init__(self, events: EventLog, every: float = 10.0) -> None:
        self.events, self.every = events, every
        self._monitors: list[Any] | None = None
        self._next, self._step = 0.0, 0

    def measure(self) -> None:
        """Takes a sample if it is time."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.every
        if self._monitors is None:
            self._begin()
            return  # the first sample of the network is a difference to nothing
        values: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            values.update(monitor.aggregate_metrics())
            monitor.clear_metrics()
        self.events.append(
            "metrics", step=self._step, values={f"system/{name}": one for name, one in values.items()}
        )
        self._step += 1

    def _begin(self) -> None:
        from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
        from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
        from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
        from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

        self._monitors = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
        with contextlib.suppress(Exception):  # no NVIDIA GPU, driver or pynvml: three errors, one meaning
            self._monitors.append(GPUMonitor())
        for _, event in read_events(self.events.path.parent):
            if any(name.startswith("system/") for name in event.get("values", ())):
                self._step = event["step"] + 1
