"""Names and values as MLflow takes them."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from typing import Any

_NAME, _PARAM, _TAG = 250, 6000, 8000


def metric_name(name: str) -> str:
    """Returns a name that MLflow accepts for a metric, a parameter or a tag; most stay as they are."""
    legal = re.sub(r"[^/\w.\- :]", "_", str(name))
    return posixpath.normpath(legal).lstrip("./")[:_NAME] or "_"


def param_value(value: Any) -> str:
    """Returns a parameter at full length, up to MLflow's own 6000 characters."""
    return _cut(_text(value), _PARAM)


def tag_value(value: Any) -> str:
    """Returns a tag, up to MLflow's own 8000 characters."""
    return _cut(_text(value), _TAG)


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Returns the leaves of nested settings under dotted names; lists are leaves."""
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _text(value: Any) -> str:
    return (
        json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else str(value)
    )


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
