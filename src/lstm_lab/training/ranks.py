"""The processes of a run: one, several that we start ourselves, or several that a cluster has started.

Lightning starts the other processes of `ddp` by repeating the command line, which begins a sweep of its own under
``-m``, does nothing in a notebook, and lets each process choose a run directory. Here the first process decides
and tells the others what it has decided; they never read a command line.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from lstm_lab.errors import UserError

# Seconds that the others get to end by themselves once one has ended.
GRACE = 5.0
# What torch and Lightning read; put back as they were when the run is over.
_VARIABLES = ("RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class RankLost(SystemExit):
    """Another process of the run has died; this one leaves with 1."""

    def __init__(self, reason: str) -> None:
        super().__init__(1)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True)
class Group:
    """Which of the run's processes this one is.

    Attributes:
        rank: its number; 0 decides, speaks and writes.
        world: how many there are.
        local: how many of them are on this machine.
        origin: who started them: ``us``, ``torchrun`` or ``slurm``.
    """

    rank: int = 0
    world: int = 1
    local: int = 1
    origin: str = "us"

    @property
    def leads(self) -> bool:
        """Whether this process decides, speaks and writes for the run."""
        return self.rank == 0

    def trainer(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """Returns ``conf/trainer`` with the processes that there really are."""
        spread = {"devices": self.local, "num_nodes": self.world // self.local}
        if self.world == 1:
            return {**settings, "devices": 1, "strategy": "auto", "num_nodes": 1, "environment": "us"}
        return {**settings, **spread, "strategy": "ddp", "environment": self.origin}

    def agree(self, decide: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns what the first process decided, on each of them.

        Args:
            decide: gives plain data; called by the first process, and by each one under SLURM, where it has to
                give the same everywhere.

        Raises:
            UserError: on each process, if it failed on the first.
        """
        if self.world == 1 or self.origin == "slurm":
            return decide()
        if self.origin == "us":
            return json.loads(sys.stdin.readline()) if self.rank else decide()
        store = _agent_store(self.world)
        if self.rank:
            answer = json.loads(store.get("lstm_lab"))
            if "refused" in answer:
                raise UserError(answer["refused"])
            return answer
        try:
            answer = decide()
        except UserError as error:
            store.set("lstm_lab", json.dumps({"refused": str(error)}))
            raise
        store.set("lstm_lab", json.dumps(answer))
        return answer


def find_group(trainer: Mapping[str, Any]) -> Group:
    """Finds out who has started this process, and how many processes ``conf/trainer`` asks for.

    Raises:
        UserError: for a number of devices that is not there.
    """
    variables = os.environ
    if "TORCHELASTIC_RUN_ID" in variables:
        world, local = int(variables["WORLD_SIZE"]), int(variables["LOCAL_WORLD_SIZE"])
        return Group(int(variables["RANK"]), world, local, "torchrun")
    if under_slurm() and int(variables["SLURM_NTASKS"]) > 1:
        world = int(variables["SLURM_NTASKS"])
        return Group(
            int(variables["SLURM_PROCID"]), world, world // int(variables.get("SLURM_NNODES", 1)), "slurm"
        )
    if "LSTM_LAB_RANK" in variables:
        world = int(variables["WORLD_SIZE"])
        return Group(int(variables["LSTM_LAB_RANK"]), world, world)
    if trainer["strategy"] not in ("auto", "ddp"):
        raise UserError(f"trainer.strategy={trainer['strategy']} is not known. Allowed: auto, ddp.")
    world = _count(trainer)
    return Group(world=world, local=world)


def under_slurm() -> bool:
    """Whether this is a batch job of SLURM: a shell inside an allocation is nothing that could be requeued."""
    name = os.environ.get("SLURM_JOB_NAME")
    return (
        "SLURM_JOB_ID" in os.environ and "SLURM_NTASKS" in os.environ and name not in ("bash", "interactive")
    )


def slurm_job() -> str:
    """Returns the number of the job that ``scontrol requeue`` takes."""
    array = os.environ.get("SLURM_ARRAY_JOB_ID")
    return f"{array}_{os.environ['SLURM_ARRAY_TASK_ID']}" if array else os.environ["SLURM_JOB_ID"]


def requeue() -> str:
    """Puts this SLURM job back into the queue; returns a line that says whether it worked."""
    job = slurm_job()
    if not re.fullmatch(r"[0-9_]+", job):
        return f"SLURM job {job!r}: no number of a job, not requeued"
    try:
        done = subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"SLURM job {job} was not requeued: {error}"
    if done.returncode:
        return f"SLURM job {job} was not requeued: {done.stderr.strip() or done.returncode}"
    return f"SLURM job {job} was requeued and will go on from here"


def check_shares(batch_size: int, group: Group) -> None:
    """Raises `UserError` unless the processes can share a global batch evenly."""
    if batch_size % group.world:
        near = max(group.world, batch_size - batch_size % group.world)
        raise UserError(
            f"data.batch_size={batch_size} is the global batch and cannot be shared evenly by {group.world} "
            f"processes. As in data.batch_size={near}."
        )


def leave() -> None:
    """Ends the communication of this process; without it the end of a good run is a lottery."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


@contextmanager
def followers(group: Group, orders: Mapping[str, Any], lost: Callable[[str], None]) -> Iterator[None]:
    """Starts the other processes of a run, watches them, and leaves none behind.

    Does nothing where a cluster has started them, or where there are none.

    Args:
        group: of this process.
        orders: what they are told, plain data.
        lost: called from another thread if one has died and this process hangs; it will be ended after that.

    Raises:
        RankLost: instead of any failure here that comes from one of them having died.
    """
    if group.world == 1 or group.origin != "us" or not group.leads:
        yield
        return
    before = {name: os.environ.get(name) for name in _VARIABLES}
    os.environ |= {
        "WORLD_SIZE": str(group.world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
    }
    os.environ |= {"LOCAL_RANK": "0", "NODE_RANK": "0"}
    team = [_start(rank, orders) for rank in range(1, group.world)]
    watch = _Watch(team, lost)
    watch.start()
    try:
        yield
        _await(team, 2 * GRACE)
    except Exception as error:
        _await(team, GRACE / 5)
        if reason := how_lost(team):
            print(f"lstm_lab: {reason}", file=sys.stderr)
            raise RankLost(reason) from error
        raise
    finally:
        watch.over.set()
        _end(team)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(rank: int, orders: Mapping[str, Any]) -> subprocess.Popen[bytes]:
    variables = os.environ | {"LOCAL_RANK": str(rank), "LSTM_LAB_RANK": str(rank)}
    variables["LSTM_LAB_RUN_DIR"] = orders["directory"]  # for its error file
    process = subprocess.Popen(
        [sys.executable, "-m", "lstm_lab.follower"], env=variables, stdin=subprocess.PIPE
    )
    assert process.stdin is not None
    # Through a pipe: settings may hold secrets, which command lines and files show to others.
    process.stdin.write(json.dumps(orders).encode() + b"\n")
    process.stdin.close()
    return process


class _Watch(threading.Thread):
    """Looks after the other processes while this one may hang in a collective."""

    def __init__(self, team: list[subprocess.Popen[bytes]], lost: Callable[[str], None]) -> None:
        super().__init__(name="followers", daemon=True)
        self.team, self.lost = team, lost
        self.over = threading.Event()

    def run(self) -> None:
        """Ends this process if it does not do so itself after another has died."""
        while not self.over.wait(0.5):
            if (reason := how_lost(self.team)) and not self.over.wait(GRACE):
                self.lost(reason)
                _end(self.team)
                os._exit(1)


def how_lost(team: list[subprocess.Popen[bytes]]) -> str:
    """Says which process has died and of what, an empty string if none has."""
    for rank, process in enumerate(team, start=1):
        code = process.poll()
        if code is not None and code < 0:
            return f"process {rank} of the run was ended by {signal.Signals(-code).name}"
        if code == 1:
            return f"process {rank} of the run failed"
    return ""


def _await(team: list[subprocess.Popen[bytes]], seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and any(process.poll() is None for process in team):
        time.sleep(0.02)


def _end(team: list[subprocess.Popen[bytes]]) -> None:
    for end in (subprocess.Popen.terminate, subprocess.Popen.kill):
        left = [process for process in team if process.poll() is None]
        for process in left:
            end(process)
        _await(left, GRACE)


def _count(trainer: Mapping[str, Any]) -> int:
    from torch import cuda

    devices, on_cpu = trainer["devices"], trainer["accelerator"] == "cpu"
    if devices in (-1, "-1", "auto"):
        return 1 if on_cpu else max(1, cuda.device_count())
    if not isinstance(devices, int) or devices < 1:
        raise UserError(f"trainer.devices={devices} must be a number of processes, or -1 for all GPUs.")
    if trainer["accelerator"] == "gpu" and cuda.device_count() and devices > cuda.device_count():
        raise UserError(f"trainer.devices={devices}: this machine has {cuda.device_count()} GPU(s).")
    return devices


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _agent_store(world: int) -> Any:
    """The store of torchrun's agent, in which the processes of all machines meet."""
    from torch import distributed

    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        raise UserError("torchrun keeps no store here: unset TORCH_DISABLE_SHARE_RDZV_TCP_STORE.")
    store = distributed.TCPStore(
        os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]), world, False, timedelta(minutes=10)
    )
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return distributed.PrefixStore(f"lstm_lab/{attempt}", store)
