"""Writing a sentence: beam search and sampling, batched on the device, with the step that training has.

A beam has K places. Each step the K best continuations of a sentence stay; one that ends a sentence is kept aside
and its place stays empty. So a beam of one is greedy search, a finished hypothesis is never lost, K of them are found
at the most, and how many are asked for cannot change which is the best. Sentences that are done leave the batch.

Where the time goes is kept small: all places of a sentence share its source, the first step has one place instead of
K, places that all sentences have filled are no longer computed, and a row of V chances is looked through twice at most.

Shapes: B sentences, K places, P of them that are in use, N = B * P rows, S source steps, V symbols, L symbols written
so far.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from lstm_lab.nets.sampling import block_ngrams, draw, keep_top_k, keep_top_p

Step = Callable[[Tensor, Any, Any], tuple[Tensor, Tensor, Any]]
"""Symbols (N,), source and state to log probabilities (N, V), attention (N, S) and the state after.

The source has a row for each sentence, symbols and state have P, side by side. Log probabilities are the search's to
overwrite."""


@dataclass(frozen=True)
class Symbols:
    """Numbers with a meaning.

    Attributes:
        begin: what a decoder reads first.
        end: what it writes last.
        never: what it may not write.
    """

    begin: int
    end: int
    never: tuple[int, ...] = ()


@dataclass
class Hypothesis:
    """One way to write a sentence.

    Attributes:
        symbols: without the end.
        score: the sum of log probabilities, that of the end with them.
        rank: what hypotheses are ordered by: the score after penalties.
        attention: (L, S) of each symbol.
        finished: whether it ended by itself; one that did comes before one that was cut at the limit.
    """

    symbols: Tensor
    score: float
    rank: float
    attention: Tensor
    finished: bool = True


@dataclass(frozen=True)
class Penalties:
    """What is added to log probabilities when hypotheses are compared.

    Attributes:
        length: α; scores are divided by ``((5 + L) / 6) ** α`` (Wu et al. 2016, eq. 14). 0 for none.
        coverage: β; ``β Σ log min(1, attention of a source step)`` is added (the same).
    """

    length: float = 1.0
    coverage: float = 0.0

    def rank(self, score: float, length: int, attention: Tensor, real: int) -> float:
        """The score (with `length` symbols, the end included) after penalties.

        Args:
            score: sum of log probabilities.
            length: symbols, the end included.
            attention: (L, S).
            real: real steps of the source.
        """
        ranked = score / ((5 + length) / 6) ** self.length
        if self.coverage and len(attention):
            paid = attention.sum(0)[:real].clamp(1e-6, 1.0)
            ranked += self.coverage * float(paid.log().sum())
        return ranked


@dataclass
class _Beam:
    """What is going on: rows of all sentences that are not done."""

    sentences: Tensor  # (B,), which sentence each is
    room: Tensor  # (B,), places that no finished hypothesis holds
    scores: Tensor  # (B, P), -inf for an empty place
    written: Tensor  # (N, L)
    attention: Tensor  # (N, L, S)
    source: Any
    state: Any
    found: list[list[Hypothesis]] = field(default_factory=list)

    def keep(self, rows: Tensor) -> None:
        """Takes rows (…,) of the N in a new order."""
        self.written, self.attention = self.written[rows], self.attention[rows]
        self.state = self.state.rows(rows)


def beam_search(
    step: Step,
    source: Any,
    state: Any,
    lengths: Tensor,
    limits: Tensor,
    symbols: Symbols,
    size: int = 5,
    penalties: Penalties | None = None,
    no_repeat: int = 0,
) -> list[list[Hypothesis]]:
    """Searches the likeliest sentences.

    Args:
        step: of the decoder.
        source: what there is to attend to; has ``rows(index)``.
        state: before the first symbol; has ``rows(index)``.
        lengths: (B,), real steps of each source.
        limits: (B,), symbols that each may have at the most, the end included.
        symbols: numbers with a meaning.
        size: K.
        penalties: by which hypotheses are compared in the end.
        no_repeat: no run of so many symbols is written twice; 0 for no such rule.

    Returns:
        For each sentence its hypotheses, at least one, the best first.
    """
    penalties = penalties or Penalties()
    count, device = len(lengths), lengths.device
    beam = _Beam(
        torch.arange(count, device=device),
        torch.full((count,), size, device=device),
        torch.zeros(count, 1, device=device),  # one hypothesis to begin with, the empty one
        torch.empty(count, 0, dtype=torch.long, device=device),
        torch.empty(count, 0, int(lengths.max()), device=device),
        source,
        state,
        [[] for _ in range(count)],
    )
    last = torch.full((count,), symbols.begin, device=device)
    reals = lengths.tolist()
    while len(beam.sentences):
        last = _extend(step, beam, last, symbols, no_repeat)
        last = _retire(beam, last, limits, symbols, penalties, reals)
    for found in beam.found:
        found.sort(key=lambda one: (not one.finished, -one.rank))
    return beam.found


def _extend(step: Step, beam: _Beam, last: Tensor, symbols: Symbols, no_repeat: int) -> Tensor:
    """One step for all: the best continuations of each sentence, as many as it has room for.

    Returns:
        Their last symbols (N,).
    """
    count, places = beam.scores.shape
    chances, paid, beam.state = step(last, beam.source, beam.state)  # (N, V), (N, S)
    chances[:, list(symbols.never)] = -torch.inf
    chances = block_ngrams(chances, beam.written, no_repeat)
    beam.attention = torch.cat([beam.attention, paid[:, None]], dim=1)
    room = int(beam.room.max())
    best, number = likeliest(chances, room)  # (N, room): nothing else of a row can be among the best
    totals = (beam.scores[..., None] + best.view(count, places, -1)).flatten(1)
    scores, chosen = totals.topk(min(room, totals.shape[1]), dim=1)  # (B, P), the best first
    filled = torch.arange(scores.shape[1], device=scores.device) >= beam.room[:, None]
    beam.scores = scores.masked_fill(filled, -torch.inf)
    first = torch.arange(count, device=chosen.device)[:, None] * places
    beam.keep((first + chosen // best.shape[1]).flatten())
    last = number.view(count, -1).gather(1, chosen).flatten()
    beam.written = torch.cat([beam.written, last[:, None]], dim=1)
    return last


def likeliest(scores: Tensor, count: int, width: int = 64) -> tuple[Tensor, Tensor]:
    """Finds the largest numbers of each row (N, V) and their places, as `torch.topk` does, and sooner.

    The `count` largest stand in the `count` blocks with the largest maxima, and a maximum is much cheaper than an
    order: with 6,000 symbols it takes half of the time on a CPU.

    Args:
        scores: (N, V).
        count: how many; all of a row that has fewer.
        width: of a block.

    Returns:
        Numbers and places, (N, count) each, the largest first.
    """
    rows, symbols = scores.shape
    blocks = symbols // width
    if blocks < 4 * count:
        return scores.topk(min(count, symbols), dim=1)
    whole = scores[:, : blocks * width].unflatten(1, (blocks, width))
    best = whole.amax(-1).topk(count, sorted=False).indices[..., None]  # (N, count, 1)
    within = torch.arange(width, device=scores.device)
    rest = torch.arange(blocks * width, symbols, device=scores.device).expand(rows, -1)
    numbers = torch.cat([(best * width + within).flatten(1), rest], dim=1)
    found, chosen = scores.gather(1, numbers).topk(count, dim=1)
    return found, numbers.gather(1, chosen)


def _retire(
    beam: _Beam,
    last: Tensor,
    limits: Tensor,
    symbols: Symbols,
    penalties: Penalties,
    reals: list[int],
) -> Tensor:
    """Sets aside what has ended or reached its limit; sentences without any hypothesis left leave the batch."""
    places = beam.scores.shape[1]
    alive = beam.scores.flatten() > -torch.inf  # (N,)
    ended = (last == symbols.end) & alive
    length = beam.written.shape[1]
    cut = (length >= limits[beam.sentences]).repeat_interleave(places) & alive & ~ended
    over = (ended | cut).nonzero().flatten()
    if not len(over):
        return last
    written, attention = beam.written[over].cpu(), beam.attention[over].cpu()  # one copy for all of them
    told = beam.sentences[over // places].tolist(), ended[over].tolist(), beam.scores.flatten()[over].tolist()
    for row, (sentence, finished, score) in enumerate(zip(*told, strict=True)):
        kept = length - 1 if finished else length
        rank = penalties.rank(score, length, attention[row, :kept], reals[sentence])
        beam.found[sentence].append(
            Hypothesis(written[row, :kept], score, rank, attention[row, :kept], finished)
        )
    done = (ended | cut).view_as(beam.scores)
    beam.scores, beam.room = beam.scores.masked_fill(done, -torch.inf), beam.room - done.sum(1)
    going = (beam.scores > -torch.inf).any(1)
    if not bool(going.all()):
        beam.sentences, beam.room, beam.scores = beam.sentences[going], beam.room[going], beam.scores[going]
        beam.source = beam.source.rows(going.nonzero().flatten())
        rows = going.repeat_interleave(places).nonzero().flatten()
        beam.keep(rows)
        last = last[rows]
    return last


def sample(
    step: Step,
    source: Any,
    state: Any,
    limits: Tensor,
    symbols: Symbols,
    generators: Sequence[torch.Generator],
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    no_repeat: int = 0,
) -> list[list[Hypothesis]]:
    """Draws one sentence for each source; arguments as `beam_search` and `lstm_lab.nets.sampling` have them.

    Args:
        step: of the decoder.
        source: what there is to attend to.
        state: before the first symbol.
        limits: (B,).
        symbols: numbers with a meaning.
        generators: one a sentence, so that what is drawn does not depend on the others.
        temperature: above 1 wilder, below 1 tamer, 0 always the likeliest symbol.
        top_k: draw among so many likeliest symbols; 0 for all.
        top_p: draw among the likeliest that hold this share of the probability.
        no_repeat: no run of so many symbols is written twice; 0 for no such rule.
    """
    count, device = len(limits), limits.device
    last = torch.full((count,), symbols.begin, device=device)
    written = torch.empty(count, 0, dtype=torch.long, device=device)
    scores, going = torch.zeros(count, device=device), torch.ones(count, dtype=torch.bool, device=device)
    lengths = torch.zeros_like(limits)
    paid: list[Tensor] = []
    while bool(going.any()):
        chances, attention, state = step(last, source, state)
        allowed = chances.clone()
        allowed[:, list(symbols.never)] = -torch.inf
        allowed = block_ngrams(allowed, written, no_repeat)
        # Temperature first: top-p then cuts what will be drawn from.
        scaled = allowed / temperature if temperature else allowed
        last = draw(keep_top_p(keep_top_k(scaled, top_k), top_p), float(temperature > 0), generators)
        scores = scores + torch.where(going, chances.gather(1, last[:, None])[:, 0], 0.0)
        written, paid = torch.cat([written, last[:, None]], dim=1), [*paid, attention]
        lengths = lengths + going
        going = going & (last != symbols.end) & (lengths < limits)
    weights = torch.stack(paid, dim=1)  # (B, L, S)
    found = []
    for row, length in enumerate(lengths.tolist()):
        finished = int(written[row, length - 1]) == symbols.end
        kept = length - 1 if finished else length
        score = float(scores[row])
        one = Hypothesis(written[row, :kept].cpu(), score, score, weights[row, :kept].cpu(), finished)
        found.append([one])
    return found
