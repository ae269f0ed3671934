"""Members of an ensemble side by side on the cores: one step of each, by threads that have members of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from lstm_lab.batch import Batch
from lstm_lab.tasks import Task


def workers(members: int) -> int:
    """How many threads train members side by side: one a core, where torch itself uses only one.

    ``OMP_NUM_THREADS`` bounds them as it bounds torch's own, so that trials of a sweep keep to their share.
    """
    if torch.get_num_threads() > 1:
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(members, cores, int(os.environ.get("OMP_NUM_THREADS") or cores)))


class SideBySide:
    """Takes the losses of all members and their gradients.

    A small network spends most of a step in torch's compiled code, where Python's lock is free, so that threads help.
    They change no number: members share no weights, and what is random is drawn before, in the members' order.

    Args:
        task: gives the losses.
        members: M networks on the CPU.
        pool: of threads, None for a single one.
        threads: members are dealt to so many; 0 leaves all to the caller.
    """

    def __init__(
        self, task: Task, members: Sequence[nn.Module], pool: ThreadPoolExecutor | None, threads: int
    ) -> None:
        self.task, self.members, self.pool, self.threads = task, members, pool, threads

    def __call__(self, batch: Batch) -> Tensor | None:
        """The sum of the losses, whose gradients have been added to the weights; None where members take turns."""
        losses = self.task.prepared(self.members, batch) if self.threads else None
        if losses is None:
            return None

        def share(first: int) -> list[tuple[int, Tensor]]:
            numbers = range(first, len(losses), self.threads)
            found = torch.stack([losses[number]() for number in numbers])
            found.sum().backward()
            return list(zip(numbers, found.detach(), strict=True))

        others = [self.pool.submit(share, first) for first in range(1, self.threads)] if self.pool else []
        found = share(0) + [one for other in others for one in other.result()]
        return torch.stack([loss for _, loss in sorted(found, key=lambda one: one[0])]).sum()


@contextmanager
def side_by_side(task: Task, members: Sequence[nn.Module], apart: bool) -> Iterator[SideBySide]:
    """Opens the threads for a round of steps.

    Args:
        task: of the members.
        members: M networks.
        apart: whether they may be trained apart from each other: no state is carried, nothing but their losses counts.
    """
    if not apart or next(members[0].parameters()).device.type != "cpu":
        yield SideBySide(task, members, None, 0)
        return
    count = workers(len(members))
    if count == 1:
        yield SideBySide(task, members, None, 1)
        return
    with ThreadPoolExecutor(count - 1) as pool:
        yield SideBySide(task, members, pool, count)
