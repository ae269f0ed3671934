"""The state that is carried along a stream, from one batch to the next.

A state is any nesting of lists, tuples and dicts of tensors whose second dimension is the batch, as that of
`lstm_lab.nets.recurrent`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_lab.batch import Batch


class Carried:
    """The states of the members of an ensemble.

    Args:
        members: how many.
    """

    def __init__(self, members: int) -> None:
        self.members = members
        self.states: list[Any] = [None] * members

    def clear(self) -> None:
        """Forgets everything: the next batch begins anew."""
        self.states = [None] * self.members

    def enter(self, batch: Batch) -> list[Any]:
        """Returns the states with which a batch begins: rows that are fresh from zero, None where all are."""
        if any(size != len(batch) for state in self.states for size in _sizes(state)):
            self.clear()  # a batch of another width continues nothing
        if batch.fresh is not None:
            stays = ~batch.fresh
            self.states = [map_state(lambda one: _keep(one, stays), state) for state in self.states]
        return self.states

    def leave(self, states: Sequence[Any]) -> None:
        """Keeps the states after a batch, cut off from its graph."""
        self.states = [map_state(Tensor.detach, state) for state in states]

    def to_plain(self) -> list[Any]:
        """Returns copies of the states."""
        return [map_state(lambda one: one.detach().clone(), state) for state in self.states]

    def load(self, states: Sequence[Any], device: torch.device) -> None:
        """Goes on from what `to_plain` gave."""
        self.states = [map_state(lambda one: one.to(device), state) for state in states]


def map_state(function: Callable[[Tensor], Tensor], state: Any) -> Any:
    """Returns the state with a function applied to each of its tensors."""
    if state is None:
        return None
    if isinstance(state, Tensor):
        return function(state)
    if isinstance(state, dict):
        return {name: map_state(function, one) for name, one in state.items()}
    return type(state)(map_state(function, one) for one in state)


def _sizes(state: Any) -> set[int]:
    found: set[int] = set()

    def note(one: Tensor) -> Tensor:
        found.add(one.shape[1])
        return one

    map_state(note, state)
    return found


def _keep(state: Tensor, stays: Tensor) -> Tensor:
    # Replaced, not multiplied: a state that has overflowed must not outlive its stream.
    return torch.where(stays.view(1, -1, *[1] * (state.ndim - 2)), state, 0.0)
