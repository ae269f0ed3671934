"""What all doors share: check the words of the command line, compose the config, tell mistakes in one line.

Nothing here imports torch: a typo and ``--help`` answer in well under a second. Every legal key stands in the
YAML files, so the whole check needs nothing but Hydra's own parser.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from string import Template
from typing import Any

from hydra import compose, initialize_config_dir
from hydra._internal.config_repository import ConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from lstm_lab.errors import UserError, check_choice, nearest
from lstm_lab.paths import conf_dir
from lstm_lab.sweeps.config import SweeperConf

# Keys whose value may be one number or a list of them.
_ONE_OR_MANY = {"model.hidden_size"}
# Below these the user adds keys of their own; everywhere else an unknown key is a typo, `+` or not.
_OPEN = ("callbacks.", "hydra.")


def answer(command: Callable[[list[str]], Any], argv: Sequence[str] | None = None) -> int:
    """Runs a command and turns its mistakes into one line on stderr.

    Returns:
        0 when it went well, 1 when the work itself failed, 2 for a mistake of the user's, 130 for Ctrl-C.
    """
    from lstm_lab.errors import DivergedError

    try:
        command(list(sys.argv[1:] if argv is None else argv))
    except UserError as mistake:
        print(f"lstm_lab: {mistake}", file=sys.stderr)
        return 2
    except DivergedError as end:
        print(f"lstm_lab: {end}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lstm_lab: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe went away, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return 0


def words(argv: Sequence[str], allowed: dict[str, str], command: str) -> dict[str, str]:
    """Reads ``key=value`` words for the doors that need no composed config.

    Args:
        argv: the words after the command.
        allowed: every legal key with one line of help.
        command: name of the door, for ``--help``.
    """
    if {"--help", "-h"} & set(argv):
        print(f"usage: python -m lstm_lab.{command} " + " ".join(f"[{key}=…]" for key in allowed))
        for key, text in allowed.items():
            print(f"  {key:<12} {text}")
        raise SystemExit(0)
    given = {}
    for word in argv:
        key, equals, value = word.partition("=")
        if not equals:
            raise UserError(f"'{word}' is not of the form key=value. Allowed: {', '.join(allowed)}.")
        if key not in allowed:
            raise UserError(f"{key} is not known.{nearest(key, allowed)} Allowed: {', '.join(allowed)}.")
        given[key] = value
    return given


def split_words(
    argv: Sequence[str], own: dict[str, str], command: str, usage: str, known: Sequence[str] | None = None
) -> tuple[dict[str, str], list[str]]:
    """Reads a door's own ``key=value`` words, and leaves those of a training as they are.

    Args:
        argv: the words after the command.
        own: the door's keys with one line of help.
        command: name of the door.
        usage: its first lines of ``--help``.
        known: which of its keys are the door's this time; all if not given.
    """
    if {"--help", "-h"} & set(argv):
        print(usage)
        for key, text in own.items():
            print(f"  {key:<12} {text}")
        raise SystemExit(0)
    mine = [word for word in argv if word.partition("=")[0] in (own if known is None else known)]
    return words(mine, own, command), [word for word in argv if word not in mine]


def compose_config(overrides: Sequence[str], config_dir: Path | None = None) -> DictConfig:
    """Composes ``conf/train.yaml`` with overrides after every one of them has been checked.

    Args:
        overrides: words of the command line, ``data=sine`` or ``model.hidden_size=64``.
        config_dir: a folder of the user's own configs, searched before ours (``--config-dir``).

    Raises:
        UserError: for the first word that is not right.
    """
    with _hydra(config_dir):
        parsed = _parse(overrides)
        for override in parsed:
            if override.is_sweep_override():
                raise UserError(f"{override.input_line} asks for several runs: add -m to sweep over them.")
        _check_words(parsed)
        config = _composed(list(overrides))
        if OmegaConf.select(config, "search") is not None:
            # The command by which a sweep names its best point fixes all that was searched.
            params = compose("train", list(overrides), return_hydra_config=True).hydra.sweeper.params or {}
            given = {override.key_or_group for override in parsed}
            # What holds on a condition only (``key | model=lstm``) may be left out.
            needed = [str(key) for key in params if "|" not in str(key)]
            missing = [key for key in needed if key not in given]
            if missing:
                raise UserError(f"search=… describes a sweep: add -m to run it, or fix {', '.join(missing)}.")
    return config


def plain_settings(config: DictConfig) -> Any:
    """Returns a whole composed config as plain data, every interpolation resolved."""
    return OmegaConf.to_container(config, resolve=True)


def node_of(config: DictConfig, key: str) -> dict[str, Any]:
    """Returns a part of a composed config as plain data, every interpolation resolved."""
    return OmegaConf.to_container(config[key], resolve=True)  # type: ignore[return-value]


def show_help(overrides: Sequence[str], config_dir: Path | None = None) -> None:
    """Prints the help of ``conf/train.yaml`` with groups and values as the words before it compose them.

    Hydra's own takes five times as long for the same text: it copies its search path for each group it lists.

    Raises:
        UserError: for the first word that is not right.
    """
    with _hydra(config_dir):
        words = [word for word in _parse(overrides) if not word.is_sweep_override()]
        _check_words(words)
        config = compose("train", [str(word.input_line) for word in words], return_hydra_config=True)
        # The loader's own methods copy the whole search path for each question.
        repository = GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]
        names = [name for name in repository.get_group_options("", ObjectType.GROUP) if name != "hydra"]
        options = {name: repository.get_group_options(name, ObjectType.CONFIG) for name in names}
    groups = "\n".join(f"{name}: {', '.join(found)}" for name, found in options.items() if found)
    template = Template(config.hydra.help.template)
    with open_dict(config):
        del config["hydra"]
    print(template.safe_substitute(APP_CONFIG_GROUPS=groups, CONFIG=OmegaConf.to_yaml(config)))


def check_sweep(overrides: Sequence[str], config_dir: Path | None = None) -> None:
    """Checks the words of a multirun: every key and, where it is a finite list, every value.

    Raises:
        UserError: for the first word that is not right, or a search that is for something else; no trial has
            been started.
    """
    with _hydra(config_dir):
        parsed = _parse(overrides)
        _check_words(parsed)
        groups = GlobalHydra.instance().config_loader().list_groups("")
        fixed = [one for one in parsed if not one.is_sweep_override() or one.key_or_group in groups]
        fixed = [one for one in fixed if not one.key_or_group.startswith("hydra.")]
        config = _composed([_one_value(override) for override in fixed])
        for group, meant in (OmegaConf.select(config, "search.for") or {}).items():
            word = next((one for one in parsed if one.key_or_group == group), None)
            # Said or not, the words of a search are for one model on one data set.
            chosen = _one_value(word).partition("=")[2] if word else None
            if chosen is not None and chosen != meant:
                name = next(one.value() for one in parsed if one.key_or_group == "search")
                raise UserError(f"search={name} is for {group}={meant}, not for {group}={chosen}.")


def _hydra(config_dir: Path | None) -> Any:
    GlobalHydra.instance().clear()
    context = initialize_config_dir(str(conf_dir()), version_base="1.3", job_name="lstm_lab")
    if config_dir is not None:
        if not config_dir.is_dir():
            raise UserError(f"--config-dir {config_dir} is not a folder.")
        loader = GlobalHydra.instance().config_loader()
        loader.get_search_path().prepend("command-line", f"file://{config_dir.resolve()}")
        loader.repository = ConfigRepository(loader.get_search_path())  # type: ignore[attr-defined]
    return context


def _parse(overrides: Sequence[str]) -> list[Override]:
    parsed = []
    for word in overrides:
        try:
            parsed += OverridesParser.create().parse_overrides([word])
        except HydraException as error:
            raise UserError(f"'{word}' cannot be read: {_first_line(error)}.{_with_key(word)}") from None
    return parsed


def _with_key(word: str) -> str:
    """Returns `` Did you mean data=airline?`` for an option without its group, else how a word is written."""
    if "=" in word:
        return ""
    loader = GlobalHydra.instance().config_loader()
    groups = [one for one in loader.list_groups("") if one != "hydra"]
    found = next((group for group in groups if word in loader.get_group_options(group)), None)
    return f" Did you mean {found}={word}?" if found else " A word is key=value, as in data=airline."


def _check_words(overrides: list[Override]) -> None:
    loader = GlobalHydra.instance().config_loader()
    groups = [one for one in loader.list_groups("") if one != "hydra"]
    chosen: list[Override] = []
    rest: list[Override] = []
    for override in overrides:
        is_group = override.key_or_group in groups or override.key_or_group.startswith("hydra/")
        (chosen if is_group else rest).append(override)
    for override in chosen:
        _check_group(override, loader.get_group_options(override.key_or_group))
    # A swept group offers the keys of each of its options; the first stands for all of them here.
    config = _composed([_one_value(override) for override in chosen])
    known = _keys(config)
    for override in rest:
        _check_key(override, config, known, groups)


def _check_group(override: Override, options: list[str]) -> None:
    values = list(override.sweep_iterator()) if override.is_sweep_override() else [override.value()]
    for value in values:
        if value is not None and str(value) not in options and not isinstance(value, list):
            group = override.key_or_group
            raise UserError(
                f"{group}={value} is not known.{nearest(str(value), options)} "
                f"Allowed for {group}: {', '.join(options)}."
            )


def _check_key(override: Override, config: DictConfig, known: list[str], groups: list[str]) -> None:
    key = override.key_or_group
    if key.startswith("hydra.sweeper."):
        check_choice("sweep", key.split(".")[2], [one.name for one in fields(SweeperConf)])
    if key.startswith(_OPEN):
        return
    if key not in known:
        words = known + groups
        hint = nearest(key, words)
        where = [one for one in known if one.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]]
        if not hint and where:
            hint = f" Did you mean '{where[0]}'?"
        room = [one for one in known if one.startswith(key.partition(".")[0] + ".")]
        allowed = ", ".join(room or [*groups, *(one for one in known if "." not in one)])
        raise UserError(f"{override.input_line}: there is no key '{key}'.{hint} Allowed here: {allowed}.")
    if override.is_delete() or override.is_sweep_override():
        return
    _check_type(override, OmegaConf.select(config, key))


def _check_type(override: Override, current: Any) -> None:
    value, key = override.value(), override.key_or_group
    if value is None or current is None or (isinstance(value, str) and value.startswith("${")):
        return
    if current == "auto" and not isinstance(value, (list, dict)):
        return
    several = isinstance(value, list) and key not in _ONE_OR_MANY
    if isinstance(value, list) and not several:
        value = value[0] if value else "an empty list"
    wanted = {bool: "true or false", int: "a whole number", float: "a number", str: "a word"}
    kind = type(current)
    right = {
        bool: isinstance(value, bool),
        int: isinstance(value, int) and not isinstance(value, bool),
        float: isinstance(value, (int, float)) and not isinstance(value, bool),
        str: not isinstance(value, (dict, list)),
    }
    if isinstance(current, (ListConfig, DictConfig)) or kind not in right:
        return
    if several or not right[kind]:
        raise UserError(f"{override.input_line}: {key} must be {wanted[kind]}, as in {key}={current}.")


def _composed(overrides: list[str]) -> DictConfig:
    try:
        return compose("train", overrides=overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_first_line(error)) from None


def _one_value(override: Override) -> str:
    if not override.is_sweep_override():
        return str(override.input_line)
    return f"{override.key_or_group}={next(iter(override.sweep_iterator()))}"


def _keys(config: DictConfig, prefix: str = "") -> list[str]:
    found = []
    for key in map(str, config):
        name = f"{prefix}{key}"
        found.append(name)
        value = config._get_node(key)
        if isinstance(value, DictConfig) and not value._is_none() and not value._is_interpolation():
            found += _keys(value, f"{name}.")
    return found


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
