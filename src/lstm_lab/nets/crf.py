"""A linear-chain conditional random field: labels that follow one another are judged together.

Lafferty, McCallum & Pereira (2001), "Conditional random fields". Labels that are not known are summed over, so a
sequence may be labelled in parts (Täckström et al. 2013).

Shapes: B sequences, T steps, C labels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lstm_lab.nets.padding import real_steps


class CRF(nn.Module):
    """Scores of neighbouring labels, and what follows from them.

    Args:
        labels: C.
    """

    def __init__(self, labels: int) -> None:
        super().__init__()
        self.follows = nn.Parameter(torch.empty(labels, labels).uniform_(-0.1, 0.1))  # [from, to]
        self.begins = nn.Parameter(torch.zeros(labels))
        self.ends = nn.Parameter(torch.zeros(labels))

    def nats(self, scores: Tensor, labels: Tensor, lengths: Tensor) -> Tensor:
        """Returns -log of the probability of the known labels of each sequence, (B,).

        Args:
            scores: (B, T, C) of each label at each step.
            labels: (B, T), negative where a label is not known.
            lengths: (B,), at least 1.
        """
        known = (labels >= 0)[..., None]
        other = torch.arange(scores.shape[-1], device=scores.device) != labels[..., None]
        fixed = scores.masked_fill(known & other, -torch.inf)
        return self._total(scores, lengths) - self._total(fixed, lengths)

    def _total(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The log of the sum over all paths of the exponential of their scores, (B,)."""
        real = real_steps(lengths.to(scores.device), scores.shape[1])  # (B, T)
        alpha = self.begins + scores[:, 0]  # (B, C)
        for t in range(1, scores.shape[1]):
            onward = (alpha[:, :, None] + self.follows).logsumexp(1) + scores[:, t]
            alpha = torch.where(real[:, t, None], onward, alpha)
        return (alpha + self.ends).logsumexp(1)

    def marginals(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Returns (B, T, C), the probability of each label at each real step: the gradient of the log of the sum."""
        with torch.enable_grad(), torch.inference_mode(False):
            leaf = scores.detach().clone().requires_grad_()
            (found,) = torch.autograd.grad(self._total(leaf, lengths).sum(), leaf)
        return found

    def best(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """Returns (B, T), the likeliest labels of each sequence together (Viterbi); 0 on padding."""
        steps = scores.shape[1]
        real = real_steps(lengths.to(scores.device), steps)
        delta, back = self.begins + scores[:, 0], []
        for t in range(1, steps):
            onward, origin = (delta[:, :, None] + self.follows).max(1)  # (B, C)
            stay = torch.arange(scores.shape[-1], device=scores.device).expand_as(origin)
            back.append(torch.where(real[:, t, None], origin, stay))
            delta = torch.where(real[:, t, None], onward + scores[:, t], delta)
        last = (delta + self.ends).argmax(1)  # (B,)
        path = [last]
        for origin in reversed(back):
            path.append(origin.gather(1, path[-1][:, None]).squeeze(1))
        return torch.stack(path[::-1], dim=1).masked_fill(~real, 0)
