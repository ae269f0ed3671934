"""python benchmarks/scan.py [longest]

Seconds of one training step, forward, backward and Adam, against the length of its sequences: torch's fused LSTM, the
minimal cells and the mLSTM in their loop over time, and the same all steps at once. Then the lengths at which each
parallel form is faster than its own loop, and than the fused LSTM. On a CPU: one thread, time of the processor, so that
neighbours count little; on a GPU, if there is one, time of the wall with all that is queued waited for. The forms
take turns, and the median of the rounds is shown; outputs of both forms are compared first. Last, what the scan by
halves saves and keeps against the sums of logarithms in the paper of the minimal cells.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from lstm_lab.nets.cell import CELLS
from lstm_lab.nets.scan import linear_scan

BATCH, INPUTS, UNITS, ROUNDS = 16, 32, 64, 5
LENGTHS = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
LONGEST = 1024  # the mLSTM's loop keeps a matrix for each step: 1 GB here, 4 GB at 4096
FUSED = "LSTM fused"
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
FORMS = {"mingru": "minGRU", "minlstm": "minLSTM", "mlstm": "mLSTM"}

Forward = Callable[[Tensor], Tensor]


def arms() -> dict[str, tuple[nn.Module, Forward]]:
    """Every form by its name: the module that is trained and how it runs."""
    fused = nn.LSTM(INPUTS, UNITS, batch_first=True)
    found: dict[str, tuple[nn.Module, Forward]] = {FUSED: (fused, lambda x: fused(x)[0])}
    for word, name in FORMS.items():
        cell = CELLS[word](INPUTS, UNITS)
        found[f"{name} loop"] = (cell, lambda x, cell=cell: cell.unroll(x)[0])
        found[f"{name} parallel"] = (cell, lambda x, cell=cell: cell(x)[0])
    for module, _ in found.values():
        module.to(DEVICE)
    return found


def seconds(module: nn.Module, forward: Forward, x: Tensor) -> float:
    """Time of one training step."""
    optimizer = torch.optim.Adam(module.parameters(), lr=0.0)  # the same work, and the same weights after it
    wait, clock = torch.cuda.synchronize, time.perf_counter
    if DEVICE == "cpu":
        wait, clock = lambda: None, time.process_time
    wait()
    started = clock()
    forward(x).square().mean().backward()
    optimizer.step()
    wait()
    return clock() - started


def crossover(times: dict[int, dict[str, float]], one: str, other: str) -> str:
    """At which lengths `one` is faster, in words."""
    wins = [length for length in times if times[length][one] < times[length][other]]
    factor = times[max(times)][other] / times[max(times)][one]
    words = "at none of these lengths" if not wins else f"at {', '.join(map(str, wins))} steps"
    words = "at every length" if len(wins) == len(times) else words
    return f"{one} is faster than {other} {words}; at {max(times)} by a factor of {factor:.1f}"


def logarithms(decay: Tensor, added: Tensor) -> Tensor:
    """The scan as Feng et al. (2024) write it, appendix B: sums of logarithms instead of products; added > 0."""
    total = decay.log().cumsum(1)
    return (total + (added.log() - total).logcumsumexp(1)).exp()


def precision(length: int) -> None:
    """Prints time, and the largest error of float32 gradients against 64 bits, of minGRU's scan in two forms."""
    torch.manual_seed(0)
    drawn = [torch.randn(BATCH, length, UNITS) for _ in range(2)]
    zeros = torch.zeros(BATCH, UNITS)
    forms = {"halves": lambda a, b: linear_scan(a, b, zeros.to(a.dtype)), "logarithms": logarithms}
    gradients, times = {}, {}
    for name, dtype in (("halves", torch.double), ("halves", torch.float), ("logarithms", torch.float)):
        update, new = (one.to(dtype, copy=True).requires_grad_() for one in drawn)
        started = time.process_time()
        positive = torch.where(new >= 0, new + 0.5, new.sigmoid())
        forms[name](torch.sigmoid(-update), update.sigmoid() * positive).square().sum().backward()
        times[name, dtype] = time.process_time() - started
        gradients[name, dtype] = update.grad.double()  # type: ignore[union-attr]
    exact = gradients["halves", torch.double]
    for name in forms:
        error = (gradients[name, torch.float] - exact).abs().max()
        seconds = times[name, torch.float]
        print(f"{length:>6} steps by {name}: gradient off by {error:.0e}, {1000 * seconds:.0f} ms")


def main() -> None:
    """Prints the table, then the crossovers, then what two forms of the scan lose."""
    torch.set_num_threads(1)
    longest = int(sys.argv[1]) if len(sys.argv) > 1 else LONGEST
    torch.manual_seed(0)
    every = arms()
    device = torch.cuda.get_device_name() if DEVICE == "cuda" else "one CPU thread"
    print(f"{BATCH} sequences, {INPUTS} inputs, {UNITS} units, {device}; ms of a training step\n")
    print(f"{'steps':>6}" + "".join(f"{name:>18}" for name in every))
    times: dict[int, dict[str, float]] = {}
    for length in (one for one in LENGTHS if one <= longest):
        x = torch.randn(BATCH, length, INPUTS, device=DEVICE)
        for name in FORMS.values():
            loop, parallel = (every[f"{name} {form}"][1](x) for form in ("loop", "parallel"))
            torch.testing.assert_close(parallel, loop, atol=1e-4, rtol=1e-4)
        rounds = [{name: seconds(*arm, x) for name, arm in every.items()} for _ in range(ROUNDS)]
        times[length] = {name: statistics.median(one[name] for one in rounds) for name in every}
        print(f"{length:>6}" + "".join(f"{1000 * one:>18.2f}" for one in times[length].values()), flush=True)
    print()
    for name in FORMS.values():
        for rival in (f"{name} loop", FUSED):
            print(crossover(times, f"{name} parallel", rival))
    print("\nminGRU's scan on the CPU, in float32\n")
    for length in (64, 1024, 4096):
        precision(length)


if __name__ == "__main__":
    main()
