"""What a sweep shows while it runs: a live table in a terminal, one line per trial anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from lstm_lab.sweeps.observer import SweepFacts, TrialRecord
from lstm_lab.sweeps.results import best, describe

_STYLES = {"COMPLETE": "green", "PRUNED": "yellow", "FAIL": "red", "RUNNING": "cyan"}


class Display:
    """Shows a sweep.

    Args:
        live: ``auto``, True or False.
        directions: of the objectives.
        n_trials: the total, None if the sampler decides.
    """

    def __init__(self, live: Any, directions: Sequence[str], n_trials: int | None) -> None:
        self._directions, self._n_trials = directions, n_trials
        wanted = sys.stdout.isatty() if live in ("auto", None) else bool(live)
        self._live: Any = None
        if wanted:
            from rich.live import Live

            self._live = Live(refresh_per_second=4, transient=True)
            self._live.start()

    def started(self, facts: SweepFacts) -> None:
        """Says what is about to happen."""
        total = "until every point is visited" if facts.n_trials is None else f"{facts.n_trials} trials"
        self._say(
            f"study {facts.study}: {total}, {facts.n_jobs} at a time, sampler {facts.sampler}, "
            f"pruner {facts.pruner}, {'/'.join(facts.directions)}\n"
            f"storage {facts.storage}\nresults {facts.directory}"
        )

    def ended(self, record: TrialRecord) -> None:
        """Shows a trial that is over."""
        values = " ".join(f"{value:.6g}" for value in record.values)
        seconds = f"  ({record.seconds:.1f} s)" if record.seconds is not None else ""
        text = (
            f"trial {record.number}  {record.state:<8}  {values}  {describe(record.params)}{seconds}".rstrip()
        )
        self._say(text)
        if record.state == "FAIL":
            again = "; it is tried again" if record.retried else ""
            # A failure belongs where people look for failures, also when stdout is read by a program.
            self._say(f"trial {record.number} failed: {record.reason}{again}\n  {_log(record)}", error=True)

    def refresh(self, records: Sequence[TrialRecord]) -> None:
        """Draws the live table."""
        if self._live is not None:
            self._live.update(self._table(records))

    def note(self, text: str) -> None:
        """Says something else."""
        self._say(text)

    def close(self) -> None:
        """Takes the live table away."""
        if self._live is not None:
            self._live.stop()

    def _say(self, text: str, error: bool = False) -> None:
        if self._live is not None:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, file=sys.stderr if error else sys.stdout, flush=True)

    def _table(self, records: Sequence[TrialRecord]) -> Any:
        from rich.table import Table

        counts = {state: sum(1 for one in records if one.state == state) for state in _STYLES}
        total = f" of {self._n_trials}" if self._n_trials else ""
        title = f"{len(records)}{total} trials: " + ", ".join(
            f"{n} {s.lower()}" for s, n in counts.items() if n
        )
        table = Table(title=title, title_justify="left")
        for column in ("trial", "state", "value", "parameters"):
            table.add_column(column, overflow="fold")
        found = best(records, self._directions)
        running = [one for one in records if one.state == "RUNNING"]
        for one in [*running, *found[:5]]:
            mark = "best" if one in found else one.state.lower()
            values = " ".join(f"{value:.6g}" for value in one.values)
            table.add_row(str(one.number), mark, values, describe(one.params), style=_STYLES.get(one.state))
        return table


def _log(record: TrialRecord) -> str:
    return f"see {record.directory / 'trial.log'}" if record.directory is not None else ""
