"""One job of a trial, inside its own process: load the task function, run it, write down how it ended.

Started by the nursery as a fork, or as one of several ranks: ``python -m lstm_lab.sweeps.child <job.json>``.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lstm_lab.sweeps.lease import write_lease
from lstm_lab.sweeps.task import TaskAddress


def run(job: dict[str, Any]) -> str:
    """Runs one job.

    Args:
        job: ``folder`` (where ``frozen.pkl`` lies and ``lease.json`` and ``result.json`` go), ``task`` (a
            `TaskAddress` as a dict).

    Returns:
        ``complete``, ``pruned`` or ``failed``.
    """
    folder = Path(job["folder"])
    rank = int(os.environ.get("RANK") or 0)
    watch_parent()
    if rank == 0:
        write_lease(folder / "lease.json")
    result = _attempt(lambda: _execute(job, folder))
    path = folder / result_name(rank)
    aside = path.with_suffix(".tmp")
    aside.write_text(json.dumps({**result, "at": time.time()}))
    aside.replace(path)
    return result["state"]


def result_name(rank: int) -> str:
    """Name of the file in which a rank says how it ended."""
    return "result.json" if rank == 0 else f"result-{rank}.json"


def _execute(job: dict[str, Any], folder: Path) -> dict[str, Any]:
    from hydra._internal.callbacks import Callbacks
    from hydra.core.utils import JobStatus, run_job, setup_globals
    from hydra.types import HydraContext

    function = TaskAddress(**job["task"]).load()
    setup_globals()
    # Written by our own supervisor a moment ago, into a file that only this user can read.
    config = pickle.loads((folder / "frozen.pkl").read_bytes())
    sys.argv = [job["task"]["path"] or job["task"]["module"]]
    context = HydraContext(config_loader=None, callbacks=Callbacks(config))  # type: ignore[arg-type]
    end = run_job(
        task_function=function,
        config=config,
        job_dir_key="hydra.sweep.dir",
        job_subdir_key="hydra.sweep.subdir",
        hydra_context=context,
    )
    if end.status == JobStatus.FAILED:
        raise end._return_value
    return {"state": "complete", "values": numbers(end.return_value)}


def _attempt(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    from lstm_lab.sweeps.handle import current_trial

    try:
        result = work()
    except (Exception, SystemExit) as error:
        if is_pruning(error):
            result = {"state": "pruned"}
        else:
            traceback.print_exc()
            first = (str(error).strip().splitlines() or [""])[0]
            result = {"state": "failed", "reason": f"{type(error).__name__}: {first}".rstrip(": ")}
    trial = current_trial()
    # A trial that was told to stop and stopped in good order is pruned too, whatever it returns.
    return {"state": "pruned"} if trial is not None and trial.pruned else result


def is_pruning(error: BaseException) -> bool:
    """Tells whether an exception, or what caused it, is Optuna's ``TrialPruned``."""
    optuna = sys.modules.get("optuna")
    seen: BaseException | None = error
    while seen is not None and optuna is not None:
        if isinstance(seen, optuna.TrialPruned):
            return True
        seen = seen.__cause__
    return False


def numbers(value: Any) -> list[float]:
    """Reads what a task function returned as one number or a list of them.

    Raises:
        ValueError: for None, NaN, infinity and what is no number.
    """
    several = isinstance(value, (list, tuple))
    values = []
    for one in value if several else [value]:
        try:
            values.append(float(one))
        except (TypeError, ValueError):
            raise ValueError(f"the task function must return a number, not {value!r}") from None
    if not all(math.isfinite(one) for one in values):
        raise ValueError(f"the task function returned {value!r}, which is no finite number")
    return values


def watch_parent(interval: float = 0.5) -> None:
    """Ends this process when its parent is gone, so that no orphan goes on writing.

    Linux tells the kernel to do it at once (in the nursery); this thread is for everybody else.
    """
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(interval)
        os._exit(143)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def main() -> int:
    """Runs the job whose description is the first argument; for ranks started by torchrun."""
    job = json.loads(Path(sys.argv[1]).read_text())
    sys.path[:] = job["sys_path"]
    state = run(job)
    distributed = sys.modules.get("torch.distributed")
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()  # else the end of the process is a lottery
    # torchrun ends the other ranks when one fails; without that they would wait for it for ever.
    return 1 if state == "failed" else 0


if __name__ == "__main__":
    raise SystemExit(main())
