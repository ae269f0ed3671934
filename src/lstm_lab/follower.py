"""One of the other processes of a run on several devices: ``python -m lstm_lab.follower``, started by the first.

It reads from its standard input what the first process has decided, does the same training in step with it, and
neither speaks nor writes, but for ``error-<rank>.txt`` when it fails.
"""

from __future__ import annotations

import os
import threading
import time
import traceback
from pathlib import Path


def follow() -> int:
    """Trains along; returns the exit code."""
    _watch_parent()
    from lstm_lab import experiment
    from lstm_lab.errors import DivergedError, UserError

    try:
        experiment.join({})
    except (UserError, DivergedError):  # the first process says it
        return 2
    except Exception as error:
        folder = Path(os.environ["LSTM_LAB_RUN_DIR"])
        if folder.is_dir():
            text = "".join(traceback.format_exception(error))
            (folder / f"error-{os.environ['LSTM_LAB_RANK']}.txt").write_text(text)
        return 1
    return 0


def _watch_parent() -> None:
    # Should the first process be killed, nobody else would tell this one.
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(143)

    threading.Thread(target=watch, name="parent", daemon=True).start()


if __name__ == "__main__":
    raise SystemExit(follow())
