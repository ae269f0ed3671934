"""Megabytes that a TorchScript file takes at its peak: ``python -I peak.py model.pt question.pt``.

A script of its own that knows torch alone, so that what is counted is the file's.
"""

import resource
import sys
import warnings
from pathlib import Path

import torch

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def peak() -> float:
    """Returns the most memory that this process has had, in megabytes."""
    if _STATUS.is_file():
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1000
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def main(model: str, question: str) -> None:
    """Loads, answers, and prints by how much the peak rose."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    asked = torch.load(question)
    one = torch.ones(1, 1)
    torch.jit.trace(torch.nn.Linear(1, 1), one)(one)  # what TorchScript itself takes
    if _CLEAR.exists():
        _CLEAR.write_text("5")  # Linux: the peak is now what is in use
    before = peak()
    with torch.no_grad():
        answer = torch.jit.load(model)
        for _ in range(3):
            answer(*asked)
    print(f"{peak() - before:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
