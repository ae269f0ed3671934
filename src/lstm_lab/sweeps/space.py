"""The search space: what is swept, what is fixed, and under which conditions."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.trial import Trial

from lstm_lab.errors import UserError, nearest
from lstm_lab.sweeps.grammar import distribution_of, grid_values, is_sweep


@dataclass(frozen=True)
class Dimension:
    """One swept key.

    Attributes:
        distribution: what Optuna draws from.
        listed: whether the user wrote the values down (a list or a range), so that they can be gone through.
        when: other keys with the values (as text) under which this one is part of a trial.
    """

    distribution: BaseDistribution
    listed: bool
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def is_active(self, chosen: Mapping[str, Any]) -> bool:
        """Tells whether this key belongs to a trial with the values chosen so far."""
        return all(key in chosen and _word(chosen[key]) in values for key, values in self.when.items())


@dataclass(frozen=True)
class Space:
    """A parsed sweep.

    Attributes:
        dimensions: the swept keys, those with conditions behind those they depend on.
        fixed: keys with one value, as text.
        deleted: overrides such as ``~key`` that are passed on as they are.
        extend: the user's function that adds to a trial in Python (``custom_search_space``).
    """

    dimensions: Mapping[str, Dimension]
    fixed: Mapping[str, str]
    deleted: Sequence[str] = ()
    extend: Callable[[Trial], None] | None = None

    def is_listed(self) -> bool:
        """Tells whether the user wrote down every value of every swept key."""
        return self.extend is None and all(dimension.listed for dimension in self.dimensions.values())

    def suggest(self, trial: Trial) -> list[str]:
        """Draws a value for each active key of a trial and returns the overrides that make its config."""
        chosen: dict[str, Any] = dict(self.fixed)
        for key, dimension in self.dimensions.items():
            if dimension.is_active(chosen):
                # Not suggest_float and friends: the distribution is already what they would build.
                chosen[key] = trial._suggest(key, dimension.distribution)
        if self.extend is not None:
            self.extend(trial)
            if twice := sorted(set(trial.params) & set(self.fixed)):
                raise UserError(
                    f"custom_search_space draws {', '.join(twice)}, which the command line fixes."
                )
        return self.overrides(trial.params)

    def overrides(self, params: Mapping[str, Any]) -> list[str]:
        """Returns the overrides of the point `params`."""
        swept = [f"{key}={_text(value)}" for key, value in params.items()]
        return [*(f"{key}={value}" for key, value in self.fixed.items()), *swept, *self.deleted]

    def points(self) -> Iterator[dict[str, Any]]:
        """Goes through every point of a finite space, the last key fastest.

        Raises:
            UserError: if a key has infinitely many values.
        """
        values = {}
        for key, dimension in self.dimensions.items():
            finite = grid_values(dimension.distribution)
            if finite is None:
                raise UserError(
                    f"{key} has infinitely many values: a grid needs a list, a range or int(interval(…))."
                )
            values[key] = finite
        seen = set()
        for combination in itertools.product(*values.values()):
            chosen: dict[str, Any] = dict(self.fixed)
            point: dict[str, Any] = {}
            for key, value in zip(values, combination, strict=True):
                if self.dimensions[key].is_active(chosen):
                    chosen[key] = point[key] = value
            # Two combinations that differ in an inactive key only are one point.
            name = repr(point)
            if name not in seen:
                seen.add(name)
                yield point

    def check_point(self, point: Mapping[str, Any]) -> None:
        """Raises `UserError` if a known point names a key or a value outside the space."""
        for key, value in point.items():
            if key not in self.dimensions:
                raise UserError(
                    f"enqueue: {key} is not swept.{nearest(key, self.dimensions)} "
                    f"Swept: {', '.join(self.dimensions)}."
                )
            distribution = self.dimensions[key].distribution
            try:
                inside = distribution._contains(distribution.to_internal_repr(value))
            except ValueError:
                inside = False
            if not inside:
                raise UserError(f"enqueue: {key}={value} is outside of {distribution}.")

    def signature(self) -> dict[str, Any]:
        """Returns the space as plain data, which a resumed sweep has to agree with."""
        return {
            "space": {
                _title(key, one): json.loads(distribution_to_json(one.distribution))
                for key, one in self.dimensions.items()
            },
            "fixed": dict(self.fixed),
            "deleted": list(self.deleted),
        }


def read_space(
    params: Mapping[str, Any],
    arguments: Sequence[str],
    extend: Callable[[Trial], None] | None = None,
    config_loader: Any = None,
) -> Space:
    """Reads a search space.

    Args:
        params: ``hydra.sweeper.params``; a key may carry conditions, ``"model.proj | model=lstm"``.
        arguments: the words of the command line; they win over `params`.
        extend: see `Space.extend`.
        config_loader: Hydra's, needed for ``glob(…)``.

    Raises:
        UserError: for a word that cannot be read or a condition on a key that is not there.
    """
    dimensions: dict[str, Dimension] = {}
    fixed: dict[str, str] = {}
    deleted: list[str] = []
    parser = OverridesParser.create(config_loader=config_loader)
    words = [(f"{_plain(key)}={_value(value)}", _conditions(key)) for key, value in params.items()]
    seen_in_params: set[str] = set()
    for word, when in [*words, *((argument, {}) for argument in arguments)]:
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            raise UserError(f"'{word}' cannot be read: {str(error).strip().splitlines()[0]}") from None
        key = override.get_key_element()
        if when and key in seen_in_params:
            raise UserError(f"{key} stands twice in params; one key can have one condition.")
        if when:
            seen_in_params.add(key)
        dimensions.pop(key, None)
        fixed.pop(key, None)
        if override.is_delete():
            name = override.key_or_group
            dimensions.pop(name, None)
            fixed.pop(name, None)
            deleted.append(word)
        elif is_sweep(override):
            listed = override.is_discrete_sweep()
            dimensions[key] = Dimension(distribution_of(override), listed, when)
        else:
            fixed[key] = override.get_value_element_as_str()
    return Space(_ordered(dimensions, fixed), fixed, deleted, extend)


def _ordered(dimensions: dict[str, Dimension], fixed: Mapping[str, str]) -> dict[str, Dimension]:
    """Puts each conditional key behind the keys it depends on."""
    ordered: dict[str, Dimension] = {}
    waiting = dict(dimensions)
    while waiting:
        ready = [
            key
            for key, one in waiting.items()
            if all(parent in ordered or parent in fixed for parent in one.when)
        ]
        if not ready:
            key, one = next(iter(waiting.items()))
            parent = next(name for name in one.when if name not in ordered and name not in fixed)
            raise UserError(
                f"{key} depends on {parent}, which is neither swept nor set.{nearest(parent, dimensions)}"
            )
        for key in ready:
            ordered[key] = waiting.pop(key)
    return ordered


def _plain(key: str) -> str:
    return key.partition("|")[0].strip()


def _conditions(key: str) -> dict[str, tuple[str, ...]]:
    text = key.partition("|")[2]
    found = {}
    for part in filter(None, (one.strip() for one in text.split("&"))):
        name, equals, values = part.partition("=")
        if not equals:
            raise UserError(f"'{key}': a condition reads 'key | other=value' (or other=value1,value2).")
        found[name.strip()] = tuple(value.strip() for value in values.split(","))
    return found


def _value(value: Any) -> str:
    from hydra.core.override_parser.types import Override

    if isinstance(value, str):
        return value
    return Override._get_value_element_as_str(value)


def _text(value: Any) -> str:
    # A choice that is an ordinary word with characters of the grammar in it has to be quoted again.
    if isinstance(value, str) and not re.fullmatch(r"[\[{'\"].*", value, re.DOTALL):
        from hydra.core.override_parser.types import Override

        return Override._get_value_element_as_str(value)
    return str(value)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).strip("'\"")


def _title(key: str, dimension: Dimension) -> str:
    if not dimension.when:
        return key
    return key + " | " + " & ".join(f"{name}={','.join(values)}" for name, values in dimension.when.items())
