"""``python -m lstm_lab.train model=lstm data=airline``: one command, one finished experiment.

With ``-m`` it becomes a sweep: ``python -m lstm_lab.train -m search=lstm_airline``.
"""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from lstm_lab.doors import answer, check_sweep, compose_config, show_help
from lstm_lab.paths import conf_dir, outputs_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
def task(config: DictConfig) -> Any:
    """Trains what the config describes; returns the number (or numbers) that a sweep improves."""
    from lstm_lab.experiment import run

    given = HydraConfig.get().overrides.task if HydraConfig.initialized() else ()
    return run(config, overrides=list(given)).objective


def command(argv: list[str]) -> None:
    """Checks the words, then trains once, sweeps, or only shows what would be done."""
    argv = [re.sub(r"^prune=(?=[\d.])", "prune.amount=", word) for word in argv]
    flags = [word for word in argv if word.startswith("-") and not word.startswith(("--config-dir", "-cd"))]
    config_dir, overrides = _split(argv)
    if {"--help", "-h"} & set(flags):
        show_help(overrides, config_dir)
    elif "-m" in flags or "--multirun" in flags:
        longhand = [re.sub(r"^(\+*)sweep\.", r"\1hydra.sweeper.", word) for word in overrides]
        check_sweep(longhand, config_dir)
        sys.argv[1:] = [*(word for word in argv if word not in overrides), *longhand, *_place(longhand)]
        task()
    elif flags:
        if not {"--hydra-help", "--version"} & set(flags):
            compose_config(overrides, config_dir)
        sys.argv[1:] = argv
        task()
    else:
        config = compose_config(overrides, config_dir)
        from lstm_lab.experiment import run
        from lstm_lab.tracking.sync import reap

        if config.tracking.enabled:
            reap(outputs_dir(), config.tracking.uri)  # runs that were killed are marked as what they are
        run(config, overrides=overrides)


def _place(overrides: list[str]) -> list[str]:
    """Where a sweep lies: the same command finds it again, another one does not touch it."""
    given = dict(word.lstrip("+").split("=", 1) for word in overrides if "=" in word)
    if "hydra.sweep.dir" in given:
        return []
    name = given.get("hydra.sweeper.study_name") or given.get("search")
    if not name:
        # How many trials, and how many at a time, may change from one start to the next.
        fixed = sorted(
            word for word in overrides if not word.startswith(("hydra.sweeper.n_", "hydra.sweeper.resume"))
        )
        name = "sweep-" + hashlib.sha256("\n".join(fixed).encode()).hexdigest()[:8]
    place = f"hydra.sweep.dir={outputs_dir() / 'studies' / name}"
    return [place] if "hydra.sweeper.study_name" in given else [place, f"hydra.sweeper.study_name={name}"]


def _split(argv: list[str]) -> tuple[Path | None, list[str]]:
    """Takes ``--config-dir`` and the words that are no flags out of a command line."""
    config_dir, overrides = None, []
    words = iter(argv)
    for word in words:
        if word in ("--config-dir", "-cd"):
            config_dir = Path(next(words, ""))
        elif word.startswith("--config-dir="):
            config_dir = Path(word.partition("=")[2])
        elif word in ("--cfg", "-c", "--info", "-i", "--package", "-p", "--config-name", "-cn"):
            next(words, None)
        elif not word.startswith("-"):
            overrides.append(word)
    return config_dir, overrides


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
