"""What a study is about: the same space and goals as when it began, or it is another study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import optuna

from lstm_lab.errors import UserError
from lstm_lab.sweeps.ledger import PREFIX

_SIGNATURE = PREFIX + "signature"


def agree(study: optuna.Study, signature: dict[str, Any], force: bool) -> bool:
    """Checks that a study is about the same space as before; signs a new one.

    Returns:
        whether the study was new.

    Raises:
        UserError: showing each difference.
    """
    before = study.user_attrs.get(_SIGNATURE)
    signature = json.loads(json.dumps(signature, default=str))
    if before is not None and before != signature and not force:
        differences = "; ".join(_differences(before, signature))
        raise UserError(
            f"The study {study.study_name} has been run with something else: {differences}. "
            "Take another study_name (or directory), or go on all the same with hydra.sweeper.resume=force."
        )
    if before != signature:
        study.set_user_attr(_SIGNATURE, signature)
    return before is None


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    found = []
    for part in ("directions", "space", "fixed", "deleted"):
        old, new = before.get(part), now.get(part)
        if old == new:
            continue
        if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
            found.append(f"{part} was {old}, now {new}")
            continue
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                found.append(f"{key} was {_short(old.get(key))}, now {_short(new.get(key))}")
    return found


def _short(value: Any) -> str:
    if value is None:
        return "not there"
    if isinstance(value, Mapping) and "attributes" in value:
        attributes = ", ".join(f"{key}={one}" for key, one in value["attributes"].items() if one)
        return f"{str(value['name']).removesuffix('Distribution')}({attributes})"
    return str(value)
