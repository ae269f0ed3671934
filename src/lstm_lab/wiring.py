"""From a config node to an object: the one place where ``_target_`` is followed, and where it is refused."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_lab.errors import UserError, nearest

# Packages whose classes a config may name. What counts is where the class itself lives, not the path by which
# it was reached: `lightning.pytorch.callbacks.early_stopping.torch.load` begins well and ends badly.
_PACKAGES = ("lstm_lab", "lightning.pytorch.callbacks", "torchmetrics")


def build(node: Mapping[str, Any], base: type, allowed: Sequence[str] = (), **more: Any) -> Any:
    """Builds the object that a config node describes.

    Args:
        node: ``_target_`` and keyword arguments, plain values.
        base: what the target has to be a subclass of.
        allowed: further packages that the user allowed on the command line or in the environment.
        more: keyword arguments that do not come from the config.

    Raises:
        UserError: if the target is not allowed, is nothing of the kind, or does not take a key.
    """
    settings = dict(node)
    name = settings.pop("_target_", None)
    if not isinstance(name, str):
        raise UserError(f"a {base.__name__} needs a _target_, the name of its class.")
    kind = locate(name, base, allowed)
    try:
        inspect.signature(kind).bind(**settings, **more)
    except TypeError as error:
        keys = list(inspect.signature(kind).parameters)
        wrong = next((key for key in settings if key not in keys), "")
        raise UserError(f"{name}: {error}.{nearest(wrong, keys)} It takes {', '.join(keys)}.") from None
    return kind(**settings, **more)


def locate(name: str, base: type, allowed: Sequence[str] = ()) -> type:
    """Finds the class that ``_target_`` names.

    Raises:
        UserError: if its package is not allowed or it is no subclass of `base`.
    """
    named = os.environ.get("LSTM_LAB_ALLOW_TARGETS", "").replace(",", " ").split()
    packages = (*_PACKAGES, *allowed, *named)
    hint = "Allow a package of your own with allow_targets=[my_pkg] or LSTM_LAB_ALLOW_TARGETS=my_pkg."
    if not _inside(name, packages):
        raise UserError(f"_target_ {name} is refused: it is in none of {', '.join(packages)}. {hint}")
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError):
        raise UserError(f"_target_ {name}: there is no such class.") from None
    if not inspect.isclass(found) or not _inside(found.__module__ + ".", packages):
        raise UserError(f"_target_ {name} is refused: it is no class of {', '.join(packages)}. {hint}")
    if not issubclass(found, base):
        raise UserError(f"_target_ {name} is no {base.__name__}.")
    return found


def _inside(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
