"""What a sweep costs besides its trials: ``python benchmarks/sweep.py`` (some minutes on two idle cores).

1. *gap*: ten trivial trials one after the other; from the last line of one task function to the first line of
   the next, with torch imported in every trial. Aim: at most 0.3 s.
2. *slots*: eight jobs of 8, 1, 1, 1, 1, 1, 1, 1 s on two slots; from the first line of the first to the last
   line of the last. A sweeper that waits for batches needs 11 s. Aim: at most 15 % above the ideal 8 s.
3. *airline*: 30 short trials with pruning, against Optuna in a loop around the same training function in one process;
   the rate from the end of the first to the end of the last. Aim: at least 0.8 of the loop's.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import optuna

APPLICATION = """
    import json, os, time
    import hydra

    @hydra.main(version_base="1.3", config_path=None)
    def main(cfg):
        begun = time.time()
        import torch
        time.sleep(cfg.seconds)
        with open(cfg.times, "a") as file:
            file.write(json.dumps([begun, time.time()]) + chr(10))
        return cfg.x**2

    if __name__ == "__main__":
        main()
"""


def run(folder: Path, *words: str) -> tuple[list[list[float]], float]:
    """Runs a sweep; returns [begin, end] of each trial in order of their begin, and the time of the start."""
    (folder / "app.py").write_text(textwrap.dedent(APPLICATION))
    times = folder / f"times-{time.time_ns()}.jsonl"
    command = [sys.executable, "app.py", "-m", "hydra/sweeper=optuna", f"+times='{times}'", *words]
    command += ["hydra.sweeper.live=false", "hydra.sweeper.preload=[torch]", f"hydra.sweep.dir={times.stem}"]
    begun = time.time()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return sorted(json.loads(line) for line in times.read_text().splitlines()), begun


def gap(folder: Path) -> bool:
    trials, begun = run(folder, "+x=interval(-1,1)", "+seconds=0", "hydra.sweeper.n_trials=10")
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(trials)]
    print(
        f"gap between trials: median {statistics.median(gaps):.3f} s, largest {max(gaps):.3f} s  (aim ≤ 0.3 s)"
    )
    print(
        f"command to the first line of the first trial: {trials[0][0] - begun:.1f} s, imports of torch included"
    )
    return statistics.median(gaps) <= 0.3


def slots(folder: Path) -> bool:
    trials, _ = run(
        folder,
        "+x=0",
        "+seconds=8,1.0,1.00000001,1.00000002,1.00000003,1.00000004,1.00000005,1.00000006",
        "hydra.sweeper.n_jobs=2",
    )
    wall = max(end for _, end in trials) - min(begin for begin, _ in trials)
    print(
        f"eight jobs of 8, 7 × 1 s on two slots: {wall:.2f} s, {wall / 8 - 1:+.1%} of the ideal  (aim ≤ +15 %)"
    )
    return wall <= 8 * 1.15


SPACE = {"model.hidden_size": (8, 48), "optim.lr": (3e-3, 5e-2)}
FIXED = [
    *("model=lstm", "data=airline", "ensemble=1", "refit=false", "tracking=off", "threads=1"),
    *("fit.max_steps=320", "fit.validate_every=20"),
]
# The training function, called in this process: what a trial does, and nothing that a sweep adds.
LOOP = """
    import json, os, sys, time
    import optuna
    from lstm_lab.doors import compose_config, plain_settings
    from lstm_lab import planning
    from lstm_lab.training.best import KeepBest
    from lstm_lab.training.ranks import Group
    from lstm_lab.training.trainer import build_trainer

    fixed, space = json.loads(sys.argv[1])
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def train(trial):
        words = [
            f"model.hidden_size={trial.suggest_int('model.hidden_size', *space['model.hidden_size'])}",
            f"optim.lr={trial.suggest_float('optim.lr', *space['optim.lr'], log=True)}",
        ]
        plan = planning.prepare(plain_settings(compose_config([*fixed, *words])), [], Group())
        best = KeepBest(plan.task.metric, patience=12, trial=trial)
        trainer = build_trainer(plan.max_steps, callbacks=[best], **plan.trainer)
        trainer.fit(plan.model, datamodule=plan.data)
        if best.pruned:
            raise optuna.TrialPruned
        return best.objective

    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=0), pruner=optuna.pruners.MedianPruner()
    )
    study.optimize(train, n_trials=30)
    print((study.trials[-1].datetime_complete - study.trials[0].datetime_complete).total_seconds())
"""


def airline(folder: Path) -> bool:
    bare = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LOOP), json.dumps([FIXED, SPACE])],
        check=True, text=True, capture_output=True,
    )  # fmt: skip
    loop = float(bare.stdout.split()[-1])  # 29 trials: the first one pays for imports, here as there
    words = [*FIXED, "model.hidden_size=int(interval(8,48))", "optim.lr=tag(log,interval(3e-3,5e-2))"]
    words += ["sweep.n_trials=30", "sweep.sampler.seed=0", "sweep.live=false"]
    begun = time.time()
    subprocess.run(
        [sys.executable, "-m", "lstm_lab.train", "-m", *words],
        check=True, stdout=subprocess.DEVNULL, env={**os.environ, "LSTM_LAB_OUTPUTS": str(folder)},
    )  # fmt: skip
    whole = time.time() - begun
    (journal,) = folder.glob("studies/*/study.journal")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    backend = optuna.storages.journal.JournalFileBackend(str(journal))
    trials = optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(backend)).trials
    ends = sorted(trial.datetime_complete for trial in trials)
    sweep = (ends[-1] - ends[0]).total_seconds()
    ratio = loop / sweep
    print(
        f"airline trials with pruning, after the first: {1740 / sweep:.0f} a minute, bare loop {1740 / loop:.0f}; "
        f"ratio {ratio:.2f}  (aim ≥ 0.8); the whole command with 30 trials took {whole:.0f} s"
    )
    return ratio >= 0.8


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        good = [gap(Path(name)), slots(Path(name)), airline(Path(name))]
    raise SystemExit(0 if all(good) else 1)
