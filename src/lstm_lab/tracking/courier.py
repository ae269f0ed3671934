"""The thread that carries a run's events to MLflow while the run goes on, out of its way."""

from __future__ import annotations

import logging
import threading
import time

from lstm_lab.tracking import store
from lstm_lab.tracking.redaction import redact_text
from lstm_lab.tracking.shipper import Shipper
from lstm_lab.tracking.system import SystemWatch

# Seconds between two transactions, and the share of a processor that carrying may take while training runs:
# MLflow's store spends 0.1 to 0.3 ms of Python on each metric, during which training stands still.
_EVERY, _SHARE = 2.0, 0.01
_FEWEST, _MOST = 50, 1000
# Seconds after which a store that does not answer is asked again: doubled from the first to the last.
_FIRST_PAUSE, _LAST_PAUSE = 2.0, 60.0
# Seconds that a database file may take for one step: it is not gone, its disk is slow or others write to it.
_LOCAL_PATIENCE = 60.0
# Seconds of waiting after which a person is told what for.
_SILENCE = 3.0
_log = logging.getLogger("lstm_lab.tracking")


class Courier(threading.Thread):
    """Carries events while training runs: one transaction in two seconds, a hundredth of a processor.

    Args:
        shipper: what knows how to carry.
        watch: measures the machine every now and then.
    """

    def __init__(self, shipper: Shipper, watch: SystemWatch | None) -> None:
        super().__init__(name="tracking", daemon=True)
        self.shipper, self.watch = shipper, watch
        self.opened, self._done = threading.Event(), threading.Event()
        self._wake, self._closing = threading.Event(), False
        self._pause, self._trouble = 0.0, False
        self._limit = _FEWEST
        self._local = store.database_file(shipper.uri) is not None
        self._moved = time.monotonic()

    def wake(self) -> None:
        """Looks for work at once."""
        self._wake.set()

    def await_opening(self, patience: float) -> None:
        """Waits for the first answer, or the first failure; see `finish`."""
        self._await(self.opened, patience)

    def finish(self, patience: float) -> bool:
        """Carries the rest at full speed, until all has arrived or the store fails.

        Args:
            patience: seconds without any progress after which it gives up. A database file, whose disk may be
                slow, has a minute.
        """
        self._closing = True
        self.wake()
        self._await(self._done, patience)
        arrived = self.shipper.remaining() == 0
        if not arrived:
            _log.warning(
                "Not everything has reached %s. Later: python -m lstm_lab.sync run=%s",
                self.shipper.state.uri, self.shipper.directory,
            )  # fmt: skip
        return arrived

    def _await(self, event: threading.Event, patience: float) -> None:
        patience = max(patience, _LOCAL_PATIENCE) if self._local else patience
        begin, told = time.monotonic(), False
        while not event.wait(0.2):
            now = time.monotonic()
            if now - max(begin, self._moved) > patience:
                return
            if now - begin > _SILENCE and not told:
                told = True
                _log.warning("Waiting for %s to take the record of this run.", self.shipper.state.uri)

    def run(self) -> None:
        """Works until the run is closed and nothing is left, or the store fails while closing."""
        delay = 0.0
        while True:
            self._wake.wait(delay)
            self._wake.clear()
            closing = self._closing
            delay, idle = self._turn(closing)
            if closing and (idle or self._trouble):
                self._done.set()
                return

    def _turn(self, closing: bool) -> tuple[float, bool]:
        """Carries one parcel; returns seconds to wait, and whether nothing was left."""
        spent = time.thread_time()
        try:
            if self.watch is not None and not closing:
                self.watch.measure()
            carried = self.shipper.step(_MOST if closing else self._limit)
        except Exception as error:  # whatever a store does, training goes on
            if self._local and "database is locked" in str(error):  # by the many trials of a sweep
                return _FIRST_PAUSE, False
            self._fail(error)
            return self._pause, False
        self._moved = time.monotonic()
        if self._trouble:
            _log.warning("%s answers again.", self.shipper.state.uri)
        self._trouble, self._pause = False, 0.0
        spent = time.thread_time() - spent
        if not self.opened.is_set():
            self.opened.set()
            return 0.0 if closing else _EVERY, not carried
        budget = _EVERY * _SHARE
        self._limit = int(min(_MOST, max(_FEWEST, self._limit * min(4.0, budget / max(spent, 1e-4)))))
        return 0.0 if closing else max(_EVERY, min(spent / _SHARE, _LAST_PAUSE)), not carried

    def _fail(self, error: Exception) -> None:
        if not self._trouble:
            text = (str(error).strip().splitlines() or [type(error).__name__])[0]
            _log.warning(
                "%s does not answer (%s). The run goes on, its record is kept in %s.",
                self.shipper.state.uri, redact_text(text)[:200], self.shipper.directory,
            )  # fmt: skip
        self._trouble = True
        self.opened.set()
        self._pause = min(_LAST_PAUSE, max(_FIRST_PAUSE, 2 * self._pause))
