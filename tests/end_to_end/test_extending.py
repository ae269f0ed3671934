"""docs/extending.md as it stands: its files are written out, its settings tried."""

import re
import sys
from pathlib import Path

import pytest

import lstm_lab
from lstm_lab.train import main

PAGE = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
YAML = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def project(outputs, tmp_path, monkeypatch):
    (tmp_path / "my_pkg.py").write_text("\n".join(code for code in PYTHON if "class " in code))
    for text in YAML:
        group, name = re.search(r"(data|model|callbacks)=(\w+)", text.splitlines()[0]).groups()
        path = tmp_path / "conf" / group / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_pkg", raising=False)
    yield tmp_path
    sys.modules.pop("my_pkg", None)


SMALL = ["ensemble=1", "tracking=off", "dry_run=true"]


@pytest.mark.parametrize("flag", [["--config-dir", "conf"], ["--config-dir=conf"]], ids=["two words", "one"])
def test_data_of_ones_own(project, flag, capsys):
    assert main([*flag, "data=tides", "allow_targets=[my_pkg]", *SMALL]) == 0
    assert "tides: 500 rows, 2026-01-01" in capsys.readouterr().out
    assert not (project / "outputs").exists()


def test_data_of_ones_own_are_trained_on_and_forecast(project):
    words = ["data=tides", "allow_targets=[my_pkg]", "fit.max_steps=2", "ensemble=1", "tracking=off"]
    assert main(["--config-dir", "conf", *words]) == 0
    assert str(lstm_lab.load("latest").predict().index[0]) == "2026-01-21 20:00:00"


def test_data_of_ones_own_needs_leave(project, capsys, monkeypatch):
    assert main(["--config-dir", "conf", "data=tides", *SMALL]) == 2
    error = capsys.readouterr().err
    assert "allow_targets=[my_pkg]" in error
    assert len(error.strip().splitlines()) == 1
    monkeypatch.setenv("LSTM_LAB_ALLOW_TARGETS", "my_pkg")
    assert main(["--config-dir", "conf", "data=tides", *SMALL]) == 0


def test_a_config_cannot_allow_itself(project, capsys):
    path = project / "conf" / "experiment" / "mine.yaml"
    path.parent.mkdir()
    path.write_text("# @package _global_\nallow_targets: [my_pkg]\n")
    assert main(["--config-dir", "conf", "experiment=mine", "data=tides", *SMALL]) == 2
    assert "only be given on the command line" in capsys.readouterr().err


def test_a_model_config_of_ones_own(project, capsys):
    assert main(["--config-dir", "conf", "data=sine", "model=wide", *SMALL]) == 0
    assert "gru:" in capsys.readouterr().out
    assert main(["--config-dir", "conf", "model=wid", *SMALL]) == 2
    assert "Did you mean 'wide'" in capsys.readouterr().err


def test_a_callback_of_ones_own(project, capsys):
    words = ["data=sine", "callbacks=announce", "fit.max_steps=2", "ensemble=1", "tracking=off"]
    assert main(["--config-dir", "conf", *words, "allow_targets=[my_pkg]"]) == 0
    assert capsys.readouterr().out.count("off we go") == 1


def test_a_folder_that_is_not_there(outputs, capsys):
    assert main(["--config-dir", "nowhere", *SMALL]) == 2
    assert "nowhere is not a folder" in capsys.readouterr().err


def test_plain_python_as_on_the_page(project):
    (code,) = (code for code in PYTHON if "class " not in code)
    quiet = "lightning.Trainer(accelerator='cpu', logger=False, enable_checkpointing=False, max_epochs=1)"
    code, count = re.subn(r"lightning\.Trainer\(.*?\)", quiet, code)
    assert count == 1
    scope = {}
    exec(code, scope)
    assert scope["model"].trainer.global_step > 0
