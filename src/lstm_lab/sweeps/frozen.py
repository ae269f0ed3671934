"""A trial's config: composed, checked and resolved here, once; its process reads no arguments."""

from __future__ import annotations

import contextlib
import copy
import logging
import os
import pickle
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.config_loader import ConfigLoader
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict, read_write
from omegaconf.errors import OmegaConfBaseException

from lstm_lab.errors import UserError, nearest
from lstm_lab.sweeps.grammar import grid_values
from lstm_lab.sweeps.space import Space
from lstm_lab.sweeps.storage import masked

log = logging.getLogger(__name__)

# The most configs that are composed to check a space; each takes some 50 ms.
_MOST_CHECKS = 64


@dataclass
class Frozen:
    """A finished config and the directory it belongs to."""

    config: DictConfig
    directory: Path
    overrides: list[str]

    def write(self, folder: Path) -> None:
        """Writes the config into `folder`, readable by this user only: it may hold resolved secrets."""
        file = os.open(folder / "frozen.pkl", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as stream:
            pickle.dump(self.config, stream)


class Freezer:
    """Makes the configs of trials.

    Args:
        loader: Hydra's config loader.
        config: the composed config of the multirun.
    """

    def __init__(self, loader: ConfigLoader, config: DictConfig) -> None:
        self._loader = loader
        self._config = config
        self._template: tuple[list[str], DictConfig] | None = None
        self._groups: dict[str, bool] = {}

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """Composes the config of one point, as Hydra's ``load_sweep_config`` would.

        Hydra takes 0.1 s to look through every config group. While the chosen options stay the same, one
        composition serves all points: their plain keys are set in a copy of it.

        Raises:
            UserError: naming the override that does not fit, and the nearest key that would.
        """
        try:
            parsed = OverridesParser.create().parse_overrides(list(overrides))
            options = [str(one.input_line) for one in parsed if self._is_option(one)]
            if self._template is None or self._template[0] != options:
                self._template = options, self._loader.load_sweep_config(self._config, options)
            config = copy.deepcopy(self._template[1])
            plain = [one for one in parsed if not self._is_option(one)]
            ConfigLoaderImpl._apply_overrides_to_config(plain, config)
            _describe(config, parsed)
            return config
        except (HydraException, OmegaConfBaseException) as error:
            raise UserError(self._explained(error)) from None

    def _is_option(self, override: Override) -> bool:
        return not isinstance(override.value(), dict) and self.is_group(override.key_or_group)

    def is_group(self, name: str) -> bool:
        """Tells whether a key is a config group, on the whole search path of the application."""
        if name not in self._groups:
            _, repository = self._loader._parse_overrides_and_create_caching_repo(  # type: ignore[attr-defined]
                self._config.hydra.job.config_name, []
            )
            self._groups[name] = repository.group_exists(name)
        return self._groups[name]

    def freeze(self, overrides: Sequence[str], number: int | str, subfolder: str = "") -> Frozen:
        """Composes and resolves the config of a trial.

        Args:
            overrides: what makes the point.
            number: the trial's number, as ``hydra.job.num``.
            subfolder: a folder below the trial's directory.
        """
        config = self.compose(overrides)
        with read_write(config.hydra), open_dict(config.hydra):
            config.hydra.job.id = str(number)
            config.hydra.job.num = number if isinstance(number, int) else -1
            if not isinstance(number, int):
                config.hydra.sweep.subdir = number
        with _as_current(config):
            directory = Path(str(config.hydra.sweep.dir)).absolute()
            subdir = str(config.hydra.sweep.subdir)
            if isinstance(number, int) and (directory / subdir / ".trial").exists():
                subdir = f"{subdir}__{number}"  # a name of the user's own that two points share
            subdir = os.path.join(subdir, subfolder) if subfolder else subdir
            with read_write(config.hydra), open_dict(config.hydra):
                config.hydra.sweep.dir = str(directory)
                config.hydra.sweep.subdir = subdir
                config.hydra.runtime.output_dir = str(directory / subdir)
                _mask(config.hydra)
        with _as_current(config):  # ${hydra:…} now sees the directory
            _resolve(config)
        return Frozen(config, directory / subdir, list(overrides))

    def check(self, space: Space) -> None:
        """Composes enough points to be sure of every key and, in a finite list, of every value.

        Raises:
            UserError: for the first that does not fit; no trial has been started.
        """
        for point in _samples(space, self.is_group):
            self.compose(space.overrides(point))

    def _explained(self, error: Exception) -> str:
        lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
        text = masked(lines[0]) if lines else type(error).__name__
        if error.__cause__ is not None and text.startswith("Error merging"):
            text = f"{text}: {str(error.__cause__).strip().splitlines()[0]}"
        if found := re.search(r"Could not override '([^']+)'", text):
            key = found.group(1)
            known = [*_keys(self._config), *self._loader.list_groups("")]
            hint = nearest(key, known)
            same = [one for one in known if one.rpartition(".")[2] == key.rpartition(".")[2]]
            if not hint and same:
                hint = f" Did you mean '{same[0]}'?"
            return f"There is no key '{key}' to sweep over or set.{hint} (+{key}=… would add it.)"
        if found := re.match(r"Could not find '([^']+)/([^'/]+)'", text):
            options = self._loader.get_group_options(found.group(1))
            hint = nearest(found.group(2), options)
            return f"{found.group(1)}={found.group(2)} is not known.{hint} Allowed: {', '.join(options)}."
        return text


def _describe(config: DictConfig, parsed: Sequence[Override]) -> None:
    """Enters a point's overrides into Hydra's own part of its config."""
    style = config.hydra.job.config.override_dirname
    with read_write(config.hydra), open_dict(config.hydra):
        config.hydra.overrides.task = [str(one.input_line) for one in parsed]
        config.hydra.job.override_dirname = get_overrides_dirname(
            list(parsed), list(style.exclude_keys), style.item_sep, style.kv_sep
        )


def _name(key: str) -> str:
    return key.lstrip("+~").partition("@")[0]


def _samples(space: Space, is_group: Any) -> Iterator[dict[str, Any]]:
    """Yields points that together hold every group option, and every kind of value of the other keys."""
    columns: dict[str, list[Any]] = {}
    for key, dimension in space.dimensions.items():
        distribution = dimension.distribution
        values = grid_values(distribution) if dimension.listed else None
        if values is None:
            values = [distribution.low, distribution.high]  # type: ignore[attr-defined]
        elif not is_group(_name(key)) and len(values) > 2:
            # Of plain numbers one of each type is enough; texts may be lists, or wrong, one by one.
            numbers = {type(value): value for value in values if not isinstance(value, str)}
            values = [*(value for value in values if isinstance(value, str)), *numbers.values()]
        columns[key] = values
    count = max((len(values) for values in columns.values()), default=1)
    for index in range(min(count, _MOST_CHECKS)):
        chosen: dict[str, Any] = dict(space.fixed)
        point = {}
        for key, values in columns.items():
            if space.dimensions[key].is_active(chosen):
                chosen[key] = point[key] = values[index % len(values)]
        yield point


@contextlib.contextmanager
def _as_current(config: DictConfig) -> Iterator[None]:
    before = HydraConfig.instance().cfg
    HydraConfig.instance().set_config(config)
    try:
        yield
    finally:
        HydraConfig.instance().cfg = before


def _resolve(config: DictConfig) -> None:
    try:
        with read_write(config.hydra):
            OmegaConf.resolve(config)
    except OmegaConfBaseException as error:
        # The application may register a resolver later, or never look at the key; then it is none of ours.
        log.debug("A part of the config is passed on unresolved: %s", error)


def _mask(hydra: DictConfig) -> None:
    """Hides passwords in what Hydra writes down about its own configuration."""
    if OmegaConf.is_missing(hydra, "sweeper") or hydra.sweeper is None:
        return
    with read_write(hydra), open_dict(hydra):
        storage = OmegaConf.select(hydra.sweeper, "storage")
        if isinstance(storage, str):
            hydra.sweeper.storage = masked(storage)
        for kind in ("hydra", "task"):
            words = hydra.overrides[kind]
            hydra.overrides[kind] = [masked(str(word)) for word in words]


def masked_copy(config: DictConfig) -> DictConfig:
    """Returns a copy of the whole config without passwords in Hydra's part, for ``multirun.yaml``."""
    safe = copy.deepcopy(config)
    OmegaConf.set_readonly(safe.hydra, False)
    _mask(safe.hydra)
    return safe


def _keys(node: DictConfig, prefix: str = "") -> Iterator[str]:
    for key in map(str, node):
        if not prefix and key == "hydra":
            continue
        yield f"{prefix}{key}"
        child = node._get_node(key)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_interpolation():
            yield from _keys(child, f"{prefix}{key}.")
        elif isinstance(child, ListConfig):
            continue
