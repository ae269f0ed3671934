"""Real servers on loopback: a good one that can be killed, one that answers 500, one that never answers."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lstm_lab.tracking.ui import server_command, server_environment


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url):
    """Returns as soon as a server answers."""
    deadline = time.monotonic() + 300
    while True:
        try:
            return urllib.request.urlopen(url, timeout=1).read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


class Server:
    """A tracking server as `python -m lstm_lab.ui` starts it."""

    def __init__(self, database, outputs):
        self.port, self.outputs = free_port(), outputs
        self.store = f"sqlite:///{database}"
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process = None

    def start(self):
        command = server_command(self.store, self.outputs, port=self.port)
        with (self.outputs / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=server_environment(self.store), stdout=log, stderr=log, start_new_session=True
            )
        wait_for(f"{self.uri}/health")
        return self

    def kill(self):
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._process = None


@contextmanager
def answering_500():
    """Yields the address of a server that always fails, and the list of what it was asked."""
    asked = []

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(500, "out of order")

        do_POST = do_PUT = do_PATCH = do_GET

        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()


@contextmanager
def never_answering():
    """Yields the address of a server that takes every connection and says nothing."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def python(code, *words, **environment):
    """Starts a Python process on a piece of code."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, words)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
