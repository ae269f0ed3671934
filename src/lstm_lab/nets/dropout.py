"""Dropout for recurrent nets: locked over time, on whole words, on recurrent weights.

Shapes: B sequences, T steps, F features, V symbols.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def locked_dropout(x: Tensor, share: float, training: bool) -> Tensor:
    """Drops features of (B, T, F) for all steps of a sequence alike, the rest scaled by ``1 / (1 - share)``.

    Gal & Ghahramani (2016), "A theoretically grounded application of dropout in recurrent neural networks".
    """
    if not (training and share):
        return x
    return x * F.dropout(x.new_ones(x.shape[0], 1, x.shape[2]), share)


def embedding_dropout(weight: Tensor, share: float, training: bool) -> Tensor:
    """Drops whole rows of an embedding (V, F): a word is gone wherever it stands (Gal & Ghahramani 2016, eq. 12)."""
    if not (training and share):
        return weight
    return weight * F.dropout(weight.new_ones(len(weight), 1), share)


def word_dropout(tokens: Tensor, share: float, unknown: int, training: bool, keep: int = 0) -> Tensor:
    """Replaces tokens (B, T) by the unknown one, each with probability `share`; `keep`, the padding, stays."""
    if not (training and share):
        return tokens
    gone = torch.rand(tokens.shape, device=tokens.device) < share
    return tokens.masked_fill(gone & (tokens != keep), unknown)


def run_dropped(
    kernel: nn.RNNBase, x: Tensor, state: Any, share: float
) -> tuple[Tensor, Tensor | tuple[Tensor, ...]]:
    """Runs a fused module with dropout on its recurrent weights, one mask for all steps.

    The module's own parameters are not touched: dropped copies go into the kernel beside the others, on a GPU
    in one flat buffer, which is how cuDNN wants them, so nothing has to be registered again and no warning is due.
    The gradient reaches the raw weights through the copies.

    Args:
        kernel: ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, batch first.
        x: (B, T, F).
        state: as the module takes it; zeros if None.
        share: probability of a weight to be dropped.
    """
    raw: list[Any] = kernel._flat_weights
    weights: list[Tensor] = [  # input weight, recurrent weight, two biases, for each layer and direction
        F.dropout(weight, share) if number % 4 == 1 else weight for number, weight in enumerate(raw)
    ]
    if x.is_cuda:
        chunk = torch.cat([weight.reshape(-1) for weight in weights])
        parts = chunk.split([weight.numel() for weight in weights])
        weights = [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]
    if state is None:
        layers = kernel.num_layers * (2 if kernel.bidirectional else 1)
        zeros = x.new_zeros(layers, x.shape[0], kernel.hidden_size)
        state = (zeros, zeros) if kernel.mode == "LSTM" else zeros
    options = (True, kernel.num_layers, float(kernel.dropout), True, kernel.bidirectional, True)
    if kernel.mode == "LSTM":
        outputs, h, c = torch.lstm(x, state, weights, *options)
        return outputs, (h, c)
    function = {"GRU": torch.gru, "RNN_TANH": torch.rnn_tanh, "RNN_RELU": torch.rnn_relu}[kernel.mode]
    return function(x, state, weights, *options)
