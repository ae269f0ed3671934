"""How soon the command line answers: ``--help`` and a typo, cold, over the bare interpreter and over torch.

    python benchmarks/startup.py [--quick] [--repeats 7]

Each figure is a new process; commands alternate, so that load on the machine meets all of them alike.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import torch'": ["-c", "import torch"],
    "lstm_lab.train --help": ["-m", "lstm_lab.train", "--help"],
    "lstm_lab.train modle=lstm": ["-m", "lstm_lab.train", "modle=lstm"],
    "lstm_lab.train model=lsmt": ["-m", "lstm_lab.train", "model=lsmt"],
    "lstm_lab.list": ["-m", "lstm_lab.list"],
}


def run(words: list[str]) -> tuple[float, float]:
    """Returns seconds by the clock and of processor."""
    started, before = time.perf_counter(), os.times()
    subprocess.run(
        [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, cpu


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="one repeat: shows that it works")
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    for words in COMMANDS.values():  # files into the page cache, modules compiled
        run(words)
    for _ in range(1 if arguments.quick else arguments.repeats):
        for name, words in COMMANDS.items():
            taken[name].append(run(words))
    print(f"{'command':<28}{'seconds (min-max)':<22}{'processor':<12}{'/ python':<10}{'/ torch':<10}")
    middle = {name: statistics.median(wall for wall, _ in times) for name, times in taken.items()}
    for name, times in taken.items():
        walls, cpu = [wall for wall, _ in times], statistics.median(cpu for _, cpu in times)
        span = f"{middle[name]:.2f} ({min(walls):.2f}-{max(walls):.2f})"
        python, torch = (middle[name] / middle[base] for base in list(COMMANDS)[:2])
        print(f"{name:<28}{span:<22}{cpu:<12.2f}{python:<10.1f}{torch:<10.2f}")


if __name__ == "__main__":
    main()
