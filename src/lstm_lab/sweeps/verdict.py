"""When too many failures end a sweep."""

from __future__ import annotations

from lstm_lab.sweeps.ledger import Ledger
from lstm_lab.sweeps.observer import TrialRecord
from lstm_lab.sweeps.settings import Settings


class Verdict:
    """Counts failures over the whole sweep.

    Attributes:
        broken: why the sweep has to end, None while it may go on.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger
        self._in_a_row = 0
        self.broken: str | None = None

    def hear(self, record: TrialRecord) -> None:
        """Takes one finished trial into account; a killed one that is tried again does not count."""
        if record.retried:
            return
        if record.state != "FAIL":
            self._in_a_row = 0
            return
        self._in_a_row += 1
        most = self._settings.max_consecutive_failures
        if most is not None and self._in_a_row >= most:
            self.broken = f"{self._in_a_row} trials in a row have failed; the last: {record.reason}"
        # Of the total, not of a batch: the first failure of many must not end a sweep that allows half.
        total, failures = self._ledger.n_trials, self._ledger.counted_failures()
        share = self._settings.max_failure_rate
        if failures > share * (total or failures):
            self.broken = (
                f"{failures} of {total or failures} trials have failed, more than max_failure_rate={share:g} "
                f"allows; the last: {record.reason}"
            )
