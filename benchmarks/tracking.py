"""What tracking costs: 2,000 logged steps of the airline LSTM with MLflow on, against the same steps without a word.

    python benchmarks/tracking.py [rounds] [steps]

One member of ``lstm_lab.train model=lstm data=airline`` through the house's own Trainer, validated, and so logged, at
every optimiser step. The bound is 1.05, on the processor time of the whole process, which other programs disturb least;
the seconds on the wall stand beside it. The rounds take turns, so that a busy machine troubles all alike; the store is
a real SQLite file. Opening and closing a run are outside of the ratio and shown beside it: a run pays them once.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from lstm_lab.doors import compose_config, plain_settings
from lstm_lab.planning import prepare
from lstm_lab.tracking.logger import RunLogger
from lstm_lab.tracking.run import Run, open_run
from lstm_lab.training.best import History, KeepBest
from lstm_lab.training.ranks import Group
from lstm_lab.training.trainer import build_trainer

BOUND = 1.05
WORDS = ["model=lstm", "data=airline", "ensemble=1", "fit.validate_every=1", "trainer=cpu", "threads=1"]


def train(steps: int, run: Run | None) -> tuple[float, float]:
    """Trains; returns seconds on the wall and of processor."""
    plan = prepare(plain_settings(compose_config([*WORDS, f"fit.max_steps={steps}"])), [], Group())
    history = History()
    callbacks = [KeepBest(plan.task.metric, patience=0), history]
    logger = RunLogger(run) if run is not None else False
    trainer = build_trainer(steps, callbacks=callbacks, logger=logger, **plan.trainer)
    wall, processor = time.perf_counter(), time.process_time()
    trainer.fit(plan.model, datamodule=plan.data)
    took = time.perf_counter() - wall, time.process_time() - processor
    if len(history.rows) != steps:
        raise SystemExit(f"void: {len(history.rows)} of {steps} steps were logged")
    return took


def tracked(outputs: Path, uri: str | None, steps: int) -> tuple[float, float, float, float]:
    """Returns seconds of training on the wall and of processor, and those of opening and closing the run."""
    begin = time.perf_counter()
    run = open_run(outputs / "runs" / f"{time.time_ns()}", "benchmark", "one", uri=uri, outputs=outputs)
    opening = time.perf_counter() - begin
    wall, processor = train(steps, run)
    begin = time.perf_counter()
    if not run.close("FINISHED", patience=300):
        raise SystemExit("not everything arrived")
    return wall, processor, opening, time.perf_counter() - begin


def main(rounds: int = 5, steps: int = 2000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        outputs = Path(folder)
        first = tracked(outputs, None, 10)[2]
        train(steps, None)
        found = []
        for _ in range(rounds):
            plain, off, on = train(steps, None), tracked(outputs, "off", steps), tracked(outputs, None, steps)
            found.append((*plain, *off[:2], *on))
    # Other programs only ever add time: the fastest round of each is the nearest to the truth.
    least = [min(column) for column in zip(*found, strict=True)]
    for place, title in enumerate(("without", "off", "on")):
        wall, processor = least[2 * place : 2 * place + 2]
        each = 1e6 * processor / steps
        print(f"{title:<8} {wall:6.2f} s on the wall, {processor:6.2f} s of processor: {each:.0f} us a step")
    print(f"opening {least[6]:.2f} s, in a new store {first:.1f} s, closing {least[7]:.2f} s")
    ratio = least[5] / least[1]
    print(f"on / without: {ratio:.3f} of processor, {least[4] / least[0]:.3f} on the wall; bound {BOUND}")
    if ratio > BOUND:
        raise SystemExit(f"tracking costs more than {BOUND}")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
