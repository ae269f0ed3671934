"""The pages: for this machine alone, quiet, and readable."""

import shutil
import signal
import subprocess
import sys
import urllib.request

import pytest

from lstm_lab.errors import UserError
from lstm_lab.tracking import ui
from lstm_lab.tracking.ui import server_command, server_environment

from .servers import Server, free_port, wait_for


def test_the_server_is_alone_and_quiet(tmp_path):
    command = server_command("postgresql://ann:pw@h/db", tmp_path)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--workers") + 1] == "1"
    assert not any("pw" in word for word in command)
    environment = server_environment("postgresql://ann:pw@h/db")
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "machine.example.org"])
def test_other_addresses_need_authentication(host, tmp_path):
    with pytest.raises(UserError, match="auth=true"):
        server_command("sqlite:////x.db", tmp_path, host=host)


def test_authentication_needs_its_secrets(tmp_path, monkeypatch):
    monkeypatch.setattr(ui.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"mlflow\[auth\]"):
        ui.check_authentication({})
    monkeypatch.setattr(ui.importlib.util, "find_spec", lambda name: name)
    key = {"MLFLOW_FLASK_SERVER_SECRET_KEY": "x" * 32}
    with pytest.raises(UserError, match="MLFLOW_FLASK_SERVER_SECRET_KEY"):
        ui.check_authentication({})
    with pytest.raises(UserError, match="12 characters"):
        ui.check_authentication(key)
    ui.check_authentication({**key, "MLFLOW_AUTH_ADMIN_PASSWORD": "long enough, this"})
    settings = tmp_path / "auth.ini"
    settings.write_text("[mlflow]\nadmin_password = long enough, this\n")
    ui.check_authentication({**key, "MLFLOW_AUTH_CONFIG_PATH": str(settings)})


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_door_takes_its_server_along(sent, code, tracked, tmp_path):
    port = free_port()
    with (tmp_path / "log").open("w") as log:
        door = subprocess.Popen([sys.executable, "-m", "lstm_lab.ui", f"port={port}"], stdout=log, stderr=log)
    health = f"http://127.0.0.1:{port}/health"
    wait_for(health)
    door.send_signal(sent)
    assert door.wait(300) == code
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(health, timeout=2)
    assert "workflowType=machine_learning" in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_the_page_of_runs_is_drawn(start, tracked, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium is installed")
    run = start("lstm on airline", tags={"data": "airline", "model": "lstm"})
    run.log_metrics({"test/rmse": 14.2, "baseline/rmse": 16.1}, 400)
    run.close("FINISHED")
    server = Server(tracked / "mlflow.db", tracked).start()
    try:
        experiment = run._courier.shipper.state.experiment_id
        options = "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking"
        page = subprocess.run(
            [
                *(browser, *options.split(), f"--user-data-dir={tmp_path / 'browser'}", "--dump-dom"),
                *("--virtual-time-budget=30000", f"{server.uri}/#/experiments/{experiment}/runs"),
            ],
            capture_output=True,
            text=True,
            timeout=600,
        ).stdout
    finally:
        server.kill()
    assert "lstm on airline" in page
