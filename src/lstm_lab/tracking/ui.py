"""MLflow's own pages over our store, for this machine alone unless somebody guards the door."""

from __future__ import annotations

import configparser
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from lstm_lab.errors import UserError
from lstm_lab.tracking import store

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def server_command(
    uri: str, outputs: Path, host: str = "127.0.0.1", port: int = 5000, auth: bool = False
) -> list[str]:
    """Returns the command of the server, after a look at who could reach it.

    Raises:
        UserError: for an address beyond this machine without authentication, or one without its secrets.
    """
    if uri.startswith(("http", "databricks")):
        raise UserError(f"{uri} is a server already: open it in a browser, or give uri=sqlite:///….")
    if host not in _LOOPBACK and not auth:
        raise UserError(
            f"host={host} would let everybody who reaches this machine read and delete all runs: add "
            "auth=true (docs/tracking.md, 'Sharing'), or tunnel: ssh -L 5000:127.0.0.1:5000 <this machine>."
        )
    if auth:
        check_authentication(os.environ)
    command = [sys.executable, "-m", "mlflow", "server", "--host", host]
    command += [
        "--port",
        str(port),
        "--workers",
        "1",
        "--default-artifact-root",
        store.artifact_root(outputs).as_uri(),
    ]
    return [*command, "--app-name", "basic-auth"] if auth else command


def check_authentication(environment: Mapping[str, str]) -> None:
    """Checks that MLflow's ``basic-auth`` is installed and has a key for cookies and a first password.

    Raises:
        UserError: saying what to install or which variable to set.
    """
    if importlib.util.find_spec("flask_wtf") is None:
        raise UserError("auth=true needs one more package: pip install 'mlflow[auth]'")
    if not environment.get("MLFLOW_FLASK_SERVER_SECRET_KEY"):
        raise UserError(
            "auth=true needs MLFLOW_FLASK_SERVER_SECRET_KEY, any long random text: "
            "export MLFLOW_FLASK_SERVER_SECRET_KEY=$(openssl rand -hex 32)"
        )
    settings = configparser.ConfigParser()
    settings.read(environment.get("MLFLOW_AUTH_CONFIG_PATH", ""))
    password = environment.get("MLFLOW_AUTH_ADMIN_PASSWORD") or settings.get(
        "mlflow", "admin_password", fallback=""
    )
    if len(password or "") < 12:
        raise UserError(
            "auth=true needs a password of at least 12 characters for the user 'admin': set "
            "MLFLOW_AUTH_ADMIN_PASSWORD, or admin_password in the file that MLFLOW_AUTH_CONFIG_PATH names."
        )


def server_environment(uri: str) -> dict[str, str]:
    """Returns the environment of the server: no telemetry, no job workers, no price lists, no pickles.

    The store is named here, because everybody on the machine can read a command line, password and all.
    """
    return {
        **os.environ,
        "MLFLOW_BACKEND_STORE_URI": uri,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_MODEL_CATALOG_URI": "",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }


def serve(
    uri: str | None, outputs: Path, host: str = "127.0.0.1", port: int = 5000, auth: bool = False
) -> int:
    """Runs the server until Ctrl-C; returns its exit code, 0 after Ctrl-C."""
    resolved = store.resolve_uri(uri, outputs)
    command = server_command(resolved, outputs, host, port, auth)
    outputs.mkdir(parents=True, exist_ok=True)
    store.connect(resolved, outputs)  # the schema, once and under its lock
    # Without the last words MLflow greets with what it offers for language models.
    print(f"http://{host}:{port}/#/experiments?workflowType=machine_learning   (Ctrl-C ends it)", flush=True)
    # With auth=true MLflow keeps its users in a database of the working directory.
    server = subprocess.Popen(command, env=server_environment(resolved), cwd=outputs)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        server.terminate()
        server.wait()
