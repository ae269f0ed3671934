"""From log-probabilities of each step to transcripts: best path, prefix beam search, and where each symbol stands.

Shapes: B clips, T steps, S symbols with the blank, L symbols of a transcript.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_lab.nets.ctc import BLANK
from lstm_lab.nets.ngram import CharNgram
from lstm_lab.nets.padding import real_steps

Prefix = tuple[int, ...]


def greedy(log_probs: Tensor, lengths: Tensor) -> dict[str, Tensor]:
    """The likeliest symbol at each step, repetitions joined, blanks left out (best path decoding).

    Args:
        log_probs: (B, T, S).
        lengths: (B,) real steps.

    Returns:
        ``symbols`` (B, L) filled with blanks, ``symbols_lengths`` (B,), ``spans`` (B, L, 2) with the first step of each
        symbol and the one behind its last, and ``score`` (B,), the log-probability of the path.
    """
    best = log_probs.max(dim=-1)
    real = real_steps(lengths, log_probs.shape[1])
    path = torch.where(real, best.indices, BLANK)  # (B, T)
    before = torch.nn.functional.pad(path[:, :-1], (1, 0), value=BLANK)
    after = torch.nn.functional.pad(path[:, 1:], (0, 1), value=BLANK)
    begins, ends = (path != BLANK) & (path != before), (path != BLANK) & (path != after)
    counts = begins.sum(dim=1)
    size = int(counts.max()) if len(counts) else 0
    symbols = path.new_zeros(len(path), size)
    spans = path.new_zeros(len(path), size, 2)
    inside = real_steps(counts, size)
    symbols[inside] = path[begins]  # both run through rows and steps in order
    spans[inside] = torch.stack([begins.nonzero()[:, 1], ends.nonzero()[:, 1] + 1], dim=1)
    score = torch.where(real, best.values, 0.0).sum(dim=1)
    return {"symbols": symbols, "symbols_lengths": counts, "spans": spans, "score": score}


def prefix_beam(
    log_probs: Tensor,
    width: int,
    language: CharNgram | None = None,
    weight: float = 0.0,
    bonus: float = 0.0,
    threshold: float = 1e-3,
) -> tuple[list[int], float]:
    """Searches for the likeliest transcript, summed over all of its paths, with a language model of characters.

    Hannun, Maas, Jurafsky & Ng 2014, "First-pass large vocabulary continuous speech recognition using bi-directional
    recurrent DNNs", algorithm 1.

    Args:
        log_probs: (T, S) of one clip.
        width: transcripts that are followed.
        language: log-probabilities of a symbol behind others, and of the end.
        weight: how much these count.
        bonus: added for each symbol, against the shortness that a language model prefers.
        threshold: symbols less likely than this at a step begin nothing new there.

    Returns:
        The symbols, and their score.
    """
    # For each prefix the log-probabilities of paths that end in a blank, and of those that do not.
    beams: dict[Prefix, tuple[float, float]] = {(): (0.0, -math.inf)}
    lean = math.log(threshold) if threshold > 0 else -math.inf
    for row in log_probs.tolist():
        found: dict[Prefix, list[float]] = defaultdict(lambda: [-math.inf, -math.inf])
        likely = [one for one, value in enumerate(row) if one != BLANK and value > lean]
        for prefix, (blank, symbol) in beams.items():
            both = _add(blank, symbol)
            entry = found[prefix]
            entry[0] = _add(entry[0], both + row[BLANK])
            if prefix:
                entry[1] = _add(entry[1], symbol + row[prefix[-1]])
            for one in likely:
                start = blank if prefix and one == prefix[-1] else both  # a repetition needs a blank between
                if start == -math.inf:
                    continue
                more = row[one] + bonus + (weight * language.score(prefix, one) if language else 0.0)
                longer = found[(*prefix, one)]
                longer[1] = _add(longer[1], start + more)
        ranked = sorted(found.items(), key=lambda item: -_add(*item[1]))[:width]
        beams = {prefix: (blank, symbol) for prefix, (blank, symbol) in ranked}

    def whole(prefix: Prefix) -> float:
        return _add(*beams[prefix]) + (weight * language.score(prefix, BLANK) if language else 0.0)

    best = max(beams, key=whole)
    return list(best), whole(best)


def align(log_probs: Tensor, symbols: Sequence[int]) -> list[tuple[int, int]]:
    """The likeliest steps of each symbol of a transcript, by Viterbi over symbols with blanks between.

    Args:
        log_probs: (T, S) of one clip.
        symbols: L of them.

    Returns:
        For each symbol its first step and the one behind its last; they follow each other.

    Raises:
        ValueError: if there are too few steps.
    """
    if not symbols:
        return []
    states = [BLANK]
    for one in symbols:
        states += [one, BLANK]
    count = len(states)
    emitted = log_probs[:, states]  # (T, 2 L + 1)
    skips = torch.tensor([n > 1 and states[n] not in (BLANK, states[n - 2]) for n in range(count)])
    score = log_probs.new_full((count,), -math.inf)
    score[:2] = emitted[0, :2]
    back = []
    for row in emitted[1:]:
        by_one = torch.nn.functional.pad(score[:-1], (1, 0), value=-math.inf)
        by_two = torch.nn.functional.pad(score[:-2], (2, 0), value=-math.inf)
        best = torch.stack([score, by_one, torch.where(skips, by_two, -math.inf)]).max(dim=0)
        back.append(best.indices.tolist())
        score = best.values + row
    state = count - 1 if score[-1] > score[-2] else count - 2
    if not math.isfinite(float(score[state])):
        raise ValueError(f"{len(symbols)} symbols do not fit into {len(log_probs)} steps")
    path = [state]
    for moves in reversed(back):
        path.append(path[-1] - moves[path[-1]])
    path.reverse()
    first = {place: step for step, place in reversed(list(enumerate(path)))}
    last = {place: step for step, place in enumerate(path)}
    return [(first[2 * n + 1], last[2 * n + 1] + 1) for n in range(len(symbols))]


def _add(a: float, b: float) -> float:
    """log(exp(a) + exp(b))."""
    if a < b:
        a, b = b, a
    return a if b == -math.inf else a + math.log1p(math.exp(b - a))
