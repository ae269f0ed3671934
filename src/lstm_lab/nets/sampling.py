"""Drawing the next symbol: temperature, top-k, top-p, and no n-gram twice. All on whole batches.

Shapes: B sequences, L symbols written so far, V symbols of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def keep_top_k(scores: Tensor, count: int) -> Tensor:
    """Takes away all but the `count` likeliest symbols of each row (B, V); 0 keeps all (Fan et al. 2018)."""
    if not 0 < count < scores.shape[-1]:
        return scores
    least = scores.topk(count, dim=-1).values[..., -1:]
    return scores.masked_fill(scores < least, -torch.inf)


def keep_top_p(scores: Tensor, share: float) -> Tensor:
    """Keeps the fewest likeliest symbols of each row (B, V) that hold `share` of the probability.

    Nucleus sampling: Holtzman et al. (2020), "The curious case of neural text degeneration". At least one stays.
    """
    if share >= 1:
        return scores
    ordered, order = scores.sort(dim=-1, descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)  # probability of all likelier symbols
    return scores.masked_fill(torch.zeros_like(before).scatter(-1, order, before) >= share, -torch.inf)


def block_ngrams(scores: Tensor, written: Tensor, size: int) -> Tensor:
    """Takes away every symbol that would complete an n-gram that stands in the row already.

    Args:
        scores: (B, V).
        written: (B, L), rows that are shorter filled on the left with -1.
        size: n; 0 blocks nothing.
    """
    if size < 1 or written.shape[1] < size:
        return scores
    grams = written.unfold(1, size, 1)  # (B, L - n + 1, n)
    last = written[:, written.shape[1] - size + 1 :]  # (B, n - 1)
    repeats = (grams[..., :-1] == last[:, None]).all(-1) & (grams >= 0).all(-1)
    banned = torch.zeros_like(scores, dtype=torch.bool)
    row, place = repeats.nonzero(as_tuple=True)
    banned[row, grams[row, place, -1]] = True
    blocked = scores.masked_fill(banned, -torch.inf)
    stuck = blocked.isneginf().all(-1, keepdim=True)  # nothing else could follow: then it may repeat
    return torch.where(stuck, scores, blocked)


def draw(scores: Tensor, temperature: float, generators: Sequence[torch.Generator]) -> Tensor:
    """Draws a symbol for each row.

    Args:
        scores: (B, V), logarithms of probabilities up to a constant.
        temperature: above 1 flatter, below 1 sharper; 0 takes the likeliest.
        generators: one a row, so that what is drawn for a row does not depend on the others.

    Returns:
        (B,) numbers of symbols.
    """
    if temperature == 0:
        return scores.argmax(-1)
    probabilities = (scores.double() / temperature).softmax(-1).cumsum(-1).cpu()  # (B, V)
    chances = torch.stack([torch.rand((), generator=one, dtype=torch.double) for one in generators])
    drawn = torch.searchsorted(probabilities, chances[:, None] * probabilities[:, -1:], right=True)
    return drawn.squeeze(1).clamp(max=scores.shape[-1] - 1).to(scores.device)
