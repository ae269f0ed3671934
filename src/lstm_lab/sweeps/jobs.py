"""From a point to processes: the files, the variables and the command of one job."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lstm_lab.sweeps.child import result_name
from lstm_lab.sweeps.frozen import Frozen
from lstm_lab.sweeps.handle import STORAGE_VARIABLE, TRIAL_VARIABLE
from lstm_lab.sweeps.ledger import Outcome
from lstm_lab.sweeps.task import TaskAddress


def prepare(frozen: Frozen, task: TaskAddress, ranks: int) -> dict[str, Any]:
    """Writes the files of a job into its directory and returns its description for the nursery.

    Raises:
        FileExistsError: if another trial has worked in this directory; it is left alone.
    """
    folder = frozen.directory / ".trial"
    folder.mkdir(parents=True)
    frozen.write(folder)
    job: dict[str, Any] = {"folder": str(folder), "task": asdict(task)}
    if ranks == 1:
        return job
    (folder / "job.json").write_text(json.dumps({**job, "sys_path": sys.path}))
    argv = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    return {**job, "argv": [*argv, "-m", "lstm_lab.sweeps.child", str(folder / "job.json")]}


def clear(directory: Path) -> None:
    """Removes the frozen config of a job that is over: it may hold secrets that the config resolved."""
    (directory / ".trial" / "frozen.pkl").unlink(missing_ok=True)


def environment(facts: Mapping[str, Any], storage: Any, devices: str | None) -> dict[str, str]:
    """Returns the variables of a trial's process.

    Args:
        facts: what `lstm_lab.sweeps.handle.TrialHandle` reads.
        storage: the study's address.
        devices: value of ``CUDA_VISIBLE_DEVICES``, None to leave it.
    """
    variables = {TRIAL_VARIABLE: json.dumps(facts, default=str), STORAGE_VARIABLE: json.dumps(storage)}
    if devices is not None:
        variables["CUDA_VISIBLE_DEVICES"] = devices
    return variables


def read_outcome(directory: Path, status: int, objectives: int, ranks: int) -> Outcome:
    """Reads how a job ended.

    Args:
        directory: the job's directory.
        status: exit status of its process, negative for a signal.
        objectives: numbers the task function has to return.
        ranks: processes it had.
    """
    found = [_read(directory / ".trial" / result_name(rank)) for rank in range(ranks)]
    answers = [one for one in found if one is not None]
    # The rank that failed first knows why; the others only lost their connection to it.
    failures = sorted((one for one in answers if one["state"] == "failed"), key=lambda one: one["at"])
    failed, first = next(iter(failures), None), found[0]
    if failed is not None and (first is None or first["state"] == "failed"):
        return Outcome("failed", reason=failed["reason"])
    if first is None:
        return _without_result(status, ranks)
    if first["state"] == "pruned":
        return Outcome("pruned")
    return checked(first["values"], objectives)


def checked(values: list[float], objectives: int) -> Outcome:
    """Returns a complete outcome, or a failed one if the count of values is wrong."""
    if len(values) != objectives:
        what = f"{len(values)} number" + ("s" if len(values) != 1 else "")
        return Outcome(
            "failed", reason=f"the task function returned {what}, but there are {objectives} directions"
        )
    return Outcome("complete", values=tuple(values))


def _without_result(status: int, ranks: int) -> Outcome:
    if status < 0:
        name = signal.Signals(-status).name
        more = " (out of memory?)" if -status == signal.SIGKILL else ""
        return Outcome("killed", reason=f"its process was ended by {name}{more}")
    if ranks > 1:
        return Outcome("killed", reason=f"its group of {ranks} processes broke down (status {status})")
    return Outcome("failed", reason=f"its process left with status {status} and no result")


def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text()) if path.exists() else None


def thread_variables(threads: int) -> dict[str, str]:
    """Returns the variables that bound the threads of numerical libraries; what the user set stays."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {name: str(threads) for name in names if name not in os.environ}
