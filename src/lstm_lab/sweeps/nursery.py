"""A process that has imported everything once and forks a fresh child for each trial.

Importing torch, Lightning, MLflow and Optuna takes seconds; a fork of a process that has done so takes 0.03
seconds. The supervisor speaks to it over a socket, one JSON object a line. When that socket closes, the
supervisor is gone, and the nursery kills every child with its whole process group before it leaves: a killed
sweep leaves no trial behind that writes into a directory.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn


@dataclass(frozen=True)
class Ended:
    """A job that is over: its name and its exit status, negative for the signal that ended it."""

    name: str
    status: int


class Nursery:
    """The supervisor's end.

    Args:
        preload: modules to import before the first fork; one that cannot be imported is skipped, its trial
            will say why.
        task: address of the task function (as a dict), whose module is imported last.
        environment: variables for all children.
    """

    def __init__(self, preload: list[str], task: dict[str, Any] | None, environment: dict[str, str]) -> None:
        self._hello = {"sys_path": sys.path, "preload": preload, "task": task}
        self._environment = environment
        self._pids: dict[str, int] = {}
        self._lost: list[Ended] = []
        self._process: subprocess.Popen[bytes] | None = None  # none before the first job, maybe none at all

    def _begin(self) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "lstm_lab.sweeps.nursery", str(theirs.fileno())]
        environment = {**os.environ, **self._environment}
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], env=environment)
        theirs.close()
        self._socket = ours
        self._selector = selectors.DefaultSelector()
        self._selector.register(ours, selectors.EVENT_READ)
        self._received = _Lines(ours)
        self._send(self._hello)

    def start(self, name: str, job: dict[str, Any], log: Path, environment: dict[str, str]) -> None:
        """Starts a job.

        Args:
            name: a name not in use.
            job: what `lstm_lab.sweeps.child.run` takes; with ``argv`` in it that command is run instead, with
                ``call`` (``module:function``) and ``arguments`` that function.
            log: file that receives what the job prints.
            environment: variables of this job alone.
        """
        if self._process is None:
            self._begin()
        request = {"name": name, "job": job, "log": str(log), "environment": environment}
        self._pids[name] = 0
        try:
            self._send(request)
        except (BrokenPipeError, ConnectionResetError):
            self._revive()
            self._pids[name] = 0
            self._send(request)

    def wait(self, timeout: float) -> list[Ended]:
        """Waits until a job ends, at most `timeout` seconds, and returns all that have ended."""
        if self._process is None:
            time.sleep(timeout)
        elif not self._lost and self._selector.select(timeout):
            self._receive()
        ended, self._lost = self._lost, []
        return ended

    def signal(self, name: str, number: int) -> None:
        """Sends a signal to a job and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            if pid := self._pids.get(name):
                os.killpg(pid, number)

    def close(self) -> None:
        """Ends the nursery, and with it whatever still runs."""
        if self._process is not None:
            self._selector.close()
            self._socket.close()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Nursery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.sendall(json.dumps(message).encode() + b"\n")

    def _receive(self) -> None:
        try:
            messages = self._received.read()
        except ConnectionResetError:
            self._received.closed, messages = True, []
        if self._received.closed:  # somebody killed the nursery; the kernel has killed its children
            self._revive()
        for message in messages:
            if "status" in message:
                self._pids.pop(message["name"], None)
                self._lost.append(Ended(message["name"], message["status"]))
            else:
                self._pids[message["name"]] = message["pid"]

    def _revive(self) -> None:
        for name in list(self._pids):
            self.signal(name, signal.SIGKILL)
        self._lost += [Ended(name, -signal.SIGKILL) for name in self._pids]
        self._pids.clear()
        self.close()
        self._begin()


# --- the nursery's own end ---------------------------------------------------------------------------------


def _serve(connection: socket.socket) -> None:
    connection.set_inheritable(False)
    lines = _Lines(connection)
    while not (hello := lines.read()):
        if lines.closed:
            return
    _preload(hello[0])
    del hello[0]
    gc.collect()
    gc.freeze()  # children need not look through what was imported here, nor copy the pages it lies on
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal: the supervisor decides
    children: dict[int, str] = {}
    try:
        _loop(connection, lines, wake_read, children, hello)
    finally:
        for pid in children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


class _Lines:
    """Whole messages out of a stream of bytes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self._rest, self.closed = connection, b"", False

    def read(self) -> list[dict[str, Any]]:
        received = self._connection.recv(1 << 16)
        self.closed = not received
        *lines, self._rest = (self._rest + received).split(b"\n")
        return [json.loads(line) for line in lines]


def _loop(
    connection: socket.socket,
    lines: _Lines,
    wake: int,
    children: dict[int, str],
    requests: list[dict[str, Any]],
) -> None:
    selector = selectors.DefaultSelector()
    selector.register(connection, selectors.EVENT_READ)
    selector.register(wake, selectors.EVENT_READ)

    def say(message: dict[str, Any]) -> None:
        connection.sendall(json.dumps(message).encode() + b"\n")

    while True:
        for request in requests:
            pid = _fork(request, connection, wake)
            children[pid] = request["name"]
            say({"name": request["name"], "pid": pid})
        requests = []
        ready = {key.fd for key, _ in selector.select()}
        if wake in ready:
            os.read(wake, 4096)
        while children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)  # loader workers of a trial that was killed
            say({"name": children.pop(pid), "status": os.waitstatus_to_exitcode(status)})
        if connection.fileno() in ready:
            requests = lines.read()
            if lines.closed:
                return


def _preload(hello: dict[str, Any]) -> None:
    sys.path[:] = hello["sys_path"]
    task = hello["task"]
    sys.argv = [(task or {}).get("path") or (task or {}).get("module") or "lstm_lab"]
    for name in ["lstm_lab.sweeps.child", "hydra.core.utils", "hydra._internal.callbacks", *hello["preload"]]:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    if task is not None:
        from lstm_lab.sweeps.task import TaskAddress

        try:
            TaskAddress(**task).load_module()
        except Exception:  # each trial meets it again and says so in its log
            traceback.print_exc(file=sys.stderr)


def _fork(request: dict[str, Any], connection: socket.socket, wake: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    server = os.getpid()
    pid = os.fork()
    if pid:
        with contextlib.suppress(PermissionError, ProcessLookupError):
            os.setpgid(pid, pid)  # both sides do it, so that neither has to wait for the other
        return pid
    status = 1
    try:
        _become_child(request, server)
        connection.close()
        os.close(wake)
        _run(request["job"])
        status = 0
    except SystemExit as leave:
        status = leave.code if isinstance(leave.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        _leave(status)


def _become_child(request: dict[str, Any], server: int) -> None:
    with contextlib.suppress(PermissionError):
        os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    _die_with_parent(server)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.update(request["environment"])
    # The one global generator that a fork copies; Python's own and torch's are taken care of.
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _run(job: dict[str, Any]) -> None:
    if argv := job.get("argv"):
        os.execvp(argv[0], argv)
    if call := job.get("call"):
        module, _, function = call.partition(":")
        getattr(importlib.import_module(module), function)(**job["arguments"])
        return
    from lstm_lab.sweeps.child import run

    run(job)


def _leave(status: int) -> NoReturn:
    """Ends a forked child as the end of a fresh interpreter would: threads, exit handlers, buffers."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _die_with_parent(server: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != server:  # it died in between
        os._exit(143)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
