"""The logged model: no pickle, no training data, the numbers of the predictor."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .servers import free_port

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("model")]  # one training for all

LOAD = """
import os, sys
os.environ['MLFLOW_ALLOW_PICKLE_DESERIALIZATION'] = 'false'
import json, mlflow.pyfunc, pandas as pd
model = mlflow.pyfunc.load_model(sys.argv[1])
print(model.predict(pd.DataFrame(**json.load(sys.stdin))).to_json(orient='split'))
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A short run of the real thing, tracked in the default store."""
    outputs = tmp_path_factory.mktemp("trained")
    environment = {**os.environ, "LSTM_LAB_OUTPUTS": str(outputs), "MLFLOW_TRACKING_URI": ""}
    words = ["model=lstm", "data=airline", "ensemble=1", "fit.max_steps=20"]
    subprocess.run(
        [sys.executable, "-m", "lstm_lab.train", *words],
        env=environment,
        check=True,
        capture_output=True,
        cwd=outputs,
    )
    return outputs


@pytest.fixture(scope="module")
def logged(trained):
    """MLflow's address of the model, its folder, the predictor, and the raw table that goes in."""
    from lstm_lab import predictor
    from lstm_lab.tracking import store
    from lstm_lab.tracking.model import save_model
    from lstm_lab.tracking.run import open_run

    checkpoint = (trained / "runs" / "latest").resolve() / "checkpoints" / "best.ckpt"
    loaded = predictor.load(checkpoint)
    rows = loaded.processor.example()
    run = open_run(
        trained / "runs" / "model", "lab", "model", outputs=trained, uri=None, system_metrics=False
    )
    run.log_model(save_model(run.directory / "model", checkpoint, rows))
    assert run.close("FINISHED")
    client = store.connect(store.resolve_uri(None, trained), trained)
    (model,) = client.search_logged_models([client.get_run(run.id).info.experiment_id])
    assert model.source_run_id == run.id
    raw = rows.reset_index(drop=True)
    raw.insert(0, "time", [f"{stamp:%Y-%m-%d}" for stamp in rows.index])
    return f"runs:/{run.id}/model", run.directory / "model", loaded, raw


def answer(text):
    return pd.DataFrame(**json.loads(text))


def close_to(found, wanted):
    np.testing.assert_allclose(found[list(wanted)].to_numpy(float), wanted.to_numpy(), rtol=1e-5)
    return True


def test_it_predicts_like_the_predictor_in_a_process_of_its_own(logged, trained, tmp_path):
    address, _, loaded, raw = logged
    uri = {"MLFLOW_TRACKING_URI": f"sqlite:///{trained / 'mlflow.db'}"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, address],
        input=raw.to_json(orient="split"), capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **uri},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert close_to(answer(done.stdout), loaded.predict())


def test_nothing_in_it_is_a_pickle(logged):
    _, folder, _, _ = logged
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} <= {
        "",
        ".ckpt",
        ".json",
        ".yaml",
        ".txt",
        ".py",
    }


def test_any_length_and_whole_numbers_are_taken(logged):
    import mlflow.pyfunc

    _, folder, loaded, raw = logged
    model = mlflow.pyfunc.load_model(str(folder))
    name = loaded.processor.names[0]
    assert close_to(model.predict(raw.astype({name: "int64"})), loaded.predict())
    start = pd.Timestamp(raw["time"][0]) - pd.DateOffset(months=1)
    earlier = pd.DataFrame({"time": [f"{start:%Y-%m-%d}"], name: [300.0]})
    assert close_to(model.predict(pd.concat([earlier, raw], ignore_index=True)), loaded.predict())


def test_it_is_served_over_http(logged):
    _, folder, loaded, raw = logged
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local"]
    # MLflow starts uvicorn by its bare name.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {
        **os.environ,
        "PATH": path,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    }
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    body = json.dumps({"dataframe_split": json.loads(raw.to_json(orient="split", index=False))}).encode()
    question = urllib.request.Request(
        f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"}
    )
    try:
        deadline = time.monotonic() + 300
        while True:
            assert server.poll() is None
            try:
                said = json.loads(urllib.request.urlopen(question, timeout=20).read())
                break
            except OSError:
                assert time.monotonic() < deadline
                time.sleep(0.5)
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    assert close_to(pd.DataFrame(said["predictions"]), loaded.predict())
