"""Toy Hydra applications, and sweeps over them as a user starts them: by command."""

import importlib
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass

import optuna
import pandas as pd
import pytest
import yaml

# Every toy answers with a parabola over x, whose best value is y at x = 1.
TOY = """
    import math, os, signal, sys, time
    import hydra
    from lstm_lab.sweeps import current_trial

    @hydra.main(version_base="1.3", config_path=os.path.dirname(os.path.abspath(__file__)), config_name="toy")
    def main(cfg):
        if isinstance(cfg.sleep, str):
            while os.path.exists(cfg.sleep):
                time.sleep(0.01)
        elif cfg.sleep:
            time.sleep(cfg.sleep)
        if cfg.do == "raise":
            raise RuntimeError("cfg.do is raise")
        if cfg.do == "oom":
            raise MemoryError
        if cfg.do == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if cfg.do == "exit":
            sys.exit(3)
        if cfg.do == "prune":
            trial = current_trial()
            for step in range(5):
                if trial is not None:
                    trial.report((cfg.x - 1) ** 2, step)
                    if trial.should_prune():
                        return -1.0
        values = {"none": None, "isnan": math.nan, "isinf": math.inf, "two": [1.0, 2.0], "word": "abc"}
        if cfg.do in values:
            return values[cfg.do]
        if cfg.do == "pareto":
            return cfg.x**2, (cfg.x - 2) ** 2
        return (cfg.x - 1) ** 2 + cfg.y + cfg.seed * cfg.seed_weight

    if __name__ == "__main__":
        main()
"""
TOY_CONFIG = """
    defaults:
      - override hydra/sweeper: optuna
      - _self_
    x: 1.0
    y: 0
    seed: 0
    seed_weight: 0
    do: nothing
    sleep: 0
    net: {hidden_size: 8, layers: 1}
    hydra:
      sweep: {dir: study}
      sweeper: {live: false, max_retries: 1}
"""


@dataclass
class Ended:
    """A command that is over."""

    code: int
    out: str
    err: str


class Application:
    """A toy application in a folder of its own."""

    def __init__(self, folder, patch, capture):
        self.folder, self._patch, self._capture = folder, patch, capture
        self.study_directory = folder / "study"
        (folder / "toy.py").write_text(textwrap.dedent(TOY))
        (folder / "toy.yaml").write_text(textwrap.dedent(TOY_CONFIG))

    def command(self, *words, multirun=True):
        return [sys.executable, "toy.py", *(["-m"] if multirun else []), *words]

    def start(self, *words, **options):
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            **options,
        )

    def run(self, *words, code=0, timeout=600):
        """Runs a sweep as a user does, by command, and checks its exit code."""
        process = self.start(*words)
        out, err = process.communicate(timeout=timeout)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return Ended(process.returncode, out, err)

    def hold(self):
        """A file; trials with ``sleep=`` its name end when it is removed."""
        path = self.folder / "hold"
        path.touch()
        return path

    def sweep(self, *words, code=0):
        """Runs a sweep from this process, which saves its imports; trials are processes all the same."""
        self._patch.chdir(self.folder)
        self._patch.syspath_prepend(self.folder)
        self._patch.setattr(sys, "argv", ["toy.py", "-m", *words])
        sys.modules.pop("toy", None)
        left = 0
        try:
            importlib.import_module("toy").main()
        except SystemExit as leave:
            left = leave.code
        out, err = self._capture.readouterr()
        assert left == code, f"exit code {left}\n{out}\n{err}"
        return Ended(left, out, err)

    def study(self, name="toy"):
        from lstm_lab.sweeps.storage import open_storage

        return optuna.load_study(
            study_name=name, storage=open_storage(str(self.study_directory / "study.journal"))
        )

    def states(self):
        return [trial.state.name for trial in self.study().get_trials(deepcopy=False)]

    def results(self):
        return yaml.safe_load((self.study_directory / "optimization_results.yaml").read_text())

    def table(self):
        return pd.read_csv(self.study_directory / "trials.csv")

    def log(self, number):
        return (self.study_directory / str(number) / "trial.log").read_text()

    def result(self, number):
        return json.loads((self.study_directory / str(number) / ".trial" / "result.json").read_text())


@pytest.fixture
def app(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return Application(tmp_path, monkeypatch, capfd)
