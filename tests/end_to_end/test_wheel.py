"""What is installed works from any folder: configs and series travel in the wheel."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command, cwd, **environment):
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_wheel_carries_its_configs_and_series(tmp_path):
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--wheel-dir", str(tmp_path), str(ROOT), cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        names = set(content.namelist())
        content.extractall(tmp_path / "site")
    configs = {f"lstm_lab/conf/{path.relative_to(ROOT / 'conf')}" for path in (ROOT / "conf").rglob("*.yaml")}
    assert configs <= names
    assert {"lstm_lab/data/timeseries/series/airline.csv", "hydra_plugins/lstm_lab/__init__.py"} <= names
    assert not [name for name in names if name.startswith(("tests", "conf/", "outputs", "docs"))]

    here = tmp_path / "here"
    here.mkdir()
    where = {"PYTHONPATH": str(tmp_path / "site"), "LSTM_LAB_OUTPUTS": "", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "lstm_lab.train"]
    shown = run(*command, "--cfg", "job", "model=gru", cwd=here, **where)
    assert "cell: gru" in shown
    assert list(here.iterdir()) == []
    small = ["data=airline", "ensemble=1", "fit.max_steps=2", "tracking=off"]
    assert str(here / "outputs") in run(*command, *small, cwd=here, **where)
    assert [path.name for path in here.iterdir()] == ["outputs"]
