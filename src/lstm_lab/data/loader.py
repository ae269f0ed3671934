"""Which samples make a batch, and in which order: samplers, and the two loaders over them.

A sampler decides, samples are gathered, a loader hands them out. All three are deterministic in the seed and the
number of the pass, so a position is two integers, and a resumed run goes on at the very batch where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.errors import UserError, check_at_least


class Samples(Protocol):
    """A part of a data set, from which batches are gathered."""

    def __len__(self) -> int:
        """Samples in the part."""
        ...

    def gather(self, which: Tensor | slice) -> Batch:
        """Returns samples as a batch.

        Args:
            which: indices, or a slice of all.
        """
        ...


class Sampler(Protocol):
    """The batches of a pass."""

    @property
    def batches(self) -> int:
        """Global batches in one pass."""
        ...

    def draw(self, number: int) -> Sequence[Tensor]:
        """Returns the samples of each global batch of pass `number`; the same numbers give the same batches."""
        ...


class Shuffled:
    """Every sample once a pass, in a new order each time; the last batch holds what is left.

    Args:
        count: samples.
        batch_size: samples in a global batch.
        seed: decides the orders.
    """

    def __init__(self, count: int, batch_size: int, seed: int = 0) -> None:
        self.count, self.batch_size, self.seed = count, batch_size, seed
        self.batches = max(1, -(-count // batch_size))

    def draw(self, number: int) -> Sequence[Tensor]:
        """The samples of each batch of pass `number`."""
        if self.batches == 1:  # the order within a batch does not matter
            return [torch.arange(self.count)]
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        return torch.randperm(self.count, generator=generator).split(self.batch_size)


class InOrder:
    """Every sample once a pass, first to last; for streams, whose batches follow on one another."""

    def __init__(self, count: int, batch_size: int) -> None:
        self.count, self.batch_size = count, batch_size
        self.batches = max(1, -(-count // batch_size))

    def draw(self, number: int) -> Sequence[Tensor]:
        """The samples of each batch, in every pass the same."""
        return torch.arange(self.count).split(self.batch_size)


class ByLength:
    """Samples of similar length in a batch, so that little of it is padding.

    A pass sorts all samples by length with some noise, cuts them into batches, and shuffles the batches. The number
    of batches is the same in every pass. The first pass begins with the longest batch: memory that does not suffice
    is known after one step.

    Args:
        lengths: (N,) steps of each sample.
        batch_size: samples in a global batch; not with `budget`.
        budget: steps in a global batch, padding included: long samples come in smaller batches.
        seed: decides noise and order.
        noise: how far a length may be misjudged, as a share; 0 gives the same batches in every pass.
        multiple: batches hold a multiple of so many samples where they can, so that ranks get equal shares.

    Raises:
        UserError: if one sample is longer than the budget.
    """

    def __init__(
        self,
        lengths: Tensor,
        batch_size: int | None = None,
        budget: int | None = None,
        seed: int = 0,
        noise: float = 0.1,
        multiple: int = 1,
    ) -> None:
        if (batch_size is None) == (budget is None):
            raise ValueError("give batch_size or budget")
        self.lengths, self.batch_size, self.budget = lengths.long(), batch_size, budget
        self.seed, self.noise, self.multiple = seed, noise, multiple
        if budget is not None:
            check_at_least("data.budget", budget, 1)
            if len(lengths) and int(lengths.max()) > budget:
                longest = int(lengths.argmax())
                raise UserError(
                    f"data.budget={budget} is less than the longest sample ({int(lengths.max())} steps, "
                    f"number {longest})."
                )
        # Cut once, on the true order: each pass has batches of the same sizes, hence the same number.
        ordered = self.lengths.sort().values
        self._sizes = self._cut(ordered)
        self.batches = max(1, len(self._sizes))
        filled = sum(int(part[-1]) * len(part) for part in ordered.split(self._sizes)) if len(ordered) else 0
        #: Share of a pass that is padding, without the noise.
        self.padding = 1 - int(ordered.sum()) / filled if filled else 0.0

    def _cut(self, ordered: Tensor) -> list[int]:
        count = len(ordered)
        if self.batch_size is not None:
            return [min(self.batch_size, count - start) for start in range(0, count, self.batch_size)]
        assert self.budget is not None
        sizes: list[int] = []
        end, lengths = count, ordered.tolist()
        while end > 0:  # from the longest down, because the longest sets the width of its batch
            size = min(end, max(1, self.budget // max(1, lengths[end - 1])))
            size = size - size % self.multiple if size > self.multiple else size
            sizes.insert(0, size)
            end -= size
        return sizes

    def draw(self, number: int) -> Sequence[Tensor]:
        """The samples of each batch of pass `number`."""
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + number)
        judged = self.lengths.double()
        # Within a budget nothing may be misjudged: a batch would not hold what it was cut for.
        if self.noise and self.budget is None:
            judged = judged * (
                1 + self.noise * (2 * torch.rand(len(judged), generator=generator, dtype=torch.double) - 1)
            )
        ties = torch.randperm(len(judged), generator=generator)
        order = ties[judged[ties].argsort(stable=True)]
        parts = list(order.split(self._sizes)) if len(order) else [order]
        mixed = torch.randperm(len(parts), generator=generator).tolist()
        if number == 0:
            longest = max(range(len(parts)), key=lambda one: int(self.lengths[parts[one]].max()))
            mixed.remove(longest)
            mixed.insert(0, longest)
        return [parts[one] for one in mixed]


class TrainingLoader:
    """Training batches without end, cut into Lightning epochs of a stated number of optimiser steps.

    Each item is a list of up to `chunk` batches, so that one Trainer step can take several optimiser steps.
    Passes run on across the epochs. On several processes each takes its own rows of the same global batch. The
    position is part of `state_dict`, so a resumed run continues at the very batch where it stopped.

    Args:
        samples: what to draw from.
        sampler: which of them make a batch.
        steps: optimiser steps of an epoch; one pass if 0.
        chunk: optimiser steps of an item.
        rank: number of this process.
        world: how many processes share a batch.
    """

    def __init__(
        self,
        samples: Samples,
        sampler: Sampler,
        steps: int = 0,
        chunk: int = 1,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.samples, self._sampler = samples, sampler
        self.steps, self.chunk = steps or sampler.batches, chunk
        self.rank, self.world = rank, world
        self._taken = 0  # optimiser steps so far
        self._within, self._skipped = 0, 0  # steps of this epoch, and those of them that come as None
        self._pass = -1
        self._drawn: Sequence[Tensor] = []
        self._all: Batch | None = None

    @property
    def batches(self) -> int:
        """Batches in one pass over all samples."""
        return self._sampler.batches

    def __len__(self) -> int:
        return -(-self.steps // self.chunk)

    def __iter__(self) -> Iterator[list[Batch] | None]:
        self._within, self._skipped = self._skipped, 0
        left = self.steps - self._within
        # An epoch that a resumed run goes on with keeps its length, and so the place of its validation: what was
        # trained before comes as None, which Lightning passes over.
        yield from [None] * (len(self) - -(-left // self.chunk))
        while left > 0:
            count = min(self.chunk, left)
            self._within += count
            yield [self._next() for _ in range(count)]
            left -= count

    def _next(self) -> Batch:
        # One batch holds everything: gather it once, unless its samples look different in each pass.
        if self.batches == 1 and getattr(self._sampler, "repeats", True):
            self._taken += 1
            if self._all is None:
                self._all = self.samples.gather(self._sampler.draw(0)[0][self.rank :: self.world])
            return self._all
        number, position = divmod(self._taken, self.batches)
        if number != self._pass:
            self._pass, self._drawn = number, self._sampler.draw(number)
        self._taken += 1
        return self.samples.gather(self._drawn[position][self.rank :: self.world])

    def state_dict(self) -> dict[str, Any]:
        """The position in the stream and in the epoch."""
        return {"taken": self._taken, "within": self._within % self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues where `state_dict` was taken."""
        self._taken, self._skipped = int(state["taken"]), int(state["within"])


class EvaluationLoader:
    """Every sample of a part once, in the sampler's order.

    Args:
        samples: the part.
        sampler: batches of it; in order if not given.
        batch_size: samples in a batch, without a sampler.
    """

    def __init__(self, samples: Samples, sampler: Sampler | None = None, batch_size: int = 1024) -> None:
        self.samples, self._sampler, self.batch_size = samples, sampler, batch_size

    def __len__(self) -> int:
        return self._sampler.batches if self._sampler else -(-len(self.samples) // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        if self._sampler is not None:
            for rows in self._sampler.draw(0):
                yield self.samples.gather(rows)
            return
        for start in range(0, len(self.samples), self.batch_size):
            yield self.samples.gather(slice(start, min(start + self.batch_size, len(self.samples))))
