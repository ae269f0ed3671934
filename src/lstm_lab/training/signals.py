"""Ctrl-C and SIGTERM: what is being trained is saved first, then the run ends with a status that is true."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

# Under SLURM, sent by the scheduler some time before the end of a job (`--signal=USR1@90`).
REQUEUE = getattr(signal, "SIGUSR1", None)


class Interrupted(SystemExit):
    """The run was told to stop: leaves with 128 + the signal, 130 for Ctrl-C and 143 for SIGTERM.

    A `SystemExit`, so that nobody takes it for a failure of the work, and nobody prints a traceback.
    """

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        return "requeued by SIGUSR1" if self.number == REQUEUE else f"ended by {_name(self.number)}"


class Stop:
    """Hears signals. Made by `listen`.

    Attributes:
        pending: the signal that was heard, None if there was none.
    """

    def __init__(self) -> None:
        self.pending: int | None = None
        self._held = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """The handler: raises at once, or, while `held`, at the next `check`; a second signal always at once.

        It is kept as well: Python drops what is raised in a ``__del__`` or a callback from C, wherever the signal
        happened to find the process.
        """
        waits = self._held and self.pending is None
        self.pending = number
        if not waits:
            raise Interrupted(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Inside, a signal waits until somebody has saved what is being trained and calls `check`."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        self.check()

    def check(self) -> None:
        """Ends the run if a signal is waiting.

        Raises:
            Interrupted: in that case.
        """
        if self.pending is not None:
            raise Interrupted(self.pending)


@contextmanager
def listen(requeue: bool = False) -> Iterator[Stop]:
    """Takes SIGINT and SIGTERM over, and gives them back at the end.

    Only the main thread can; elsewhere (a server, a notebook's worker) signals stay as they are.

    Args:
        requeue: also hear SIGUSR1.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers: list[int] = [signal.SIGINT, signal.SIGTERM]
    if requeue and REQUEUE is not None:
        numbers.append(REQUEUE)
    before: dict[int, Any] = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        signal.signal(number, stop)
    try:
        yield stop
        stop.check()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def keep_ours(trainer: Any) -> None:
    """Keeps Lightning's handlers out.

    Its SIGTERM handler runs a collective in the middle of whatever the process was doing and leaves with exit
    code 0; its DDP loop broadcasts that flag at each step, which waits for the device. `Saver` does both better.
    """
    trainer._signal_connector.register_signal_handlers = _nothing
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = _nothing


def _nothing() -> None:
    return None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
