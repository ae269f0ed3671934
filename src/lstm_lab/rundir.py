"""The directory of a run: named without collisions, filled atomically, readable without us."""

from __future__ import annotations

import json
import math
import os
import secrets
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from lstm_lab.errors import UserError
from lstm_lab.paths import outputs_dir


class RunDirectory:
    """Where everything of one run lies.

    Args:
        path: the directory; created if it is not there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            (path / "figures").mkdir(parents=True, exist_ok=True)
            (path / "checkpoints").mkdir(exist_ok=True)
        except OSError as error:
            raise UserError(f"{path}: cannot be written: {error.strerror}.") from None

    def close(self) -> None:
        """Points ``outputs/runs/latest`` here; trials of a sweep lie elsewhere and are passed over."""
        if self.path.parent.name != "runs":
            return
        latest = self.path.parent / "latest"
        aside = self.path.parent / f".latest-{secrets.token_hex(3)}"
        aside.symlink_to(self.path.name)
        os.replace(aside, latest)

    @property
    def last(self) -> Path:
        """What a resumed run goes on from."""
        return self.path / "checkpoints" / "last.ckpt"

    @property
    def id(self) -> str:
        """The short unique end of the name."""
        return self.path.name.rsplit("-", 1)[-1]

    @property
    def best(self) -> Path:
        """The checkpoint that the test scored."""
        return self.path / "checkpoints" / "best.ckpt"

    @property
    def fitted(self) -> Path:
        """The checkpoint before a refit: its weights have not seen the validation rows."""
        return self.path / "checkpoints" / "fit.ckpt"

    def figure(self, name: str) -> Path:
        """Path of a picture: a PNG, unless its name says otherwise."""
        return self.path / "figures" / (name if Path(name).suffix else f"{name}.png")

    def write_text(self, name: str, text: str) -> Path:
        """Writes a file in one go: whole or not at all."""
        path = self.path / name
        aside = path.with_name(f".{path.name}.{os.getpid()}")
        aside.write_text(text)
        os.replace(aside, path)
        return path

    def write_yaml(self, name: str, content: Any) -> Path:
        """Writes plain data as YAML, in the order given."""
        return self.write_text(name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def write_json(self, name: str, content: Mapping[str, Any]) -> Path:
        """Writes plain data as strict JSON; NaN and infinity become null."""
        return self.write_text(name, json.dumps(_strict(content), indent=2, ensure_ascii=False) + "\n")


def new_path(model: str, data: str) -> Path:
    """Returns a name that no run has had, ``outputs/runs/<date>-<time>-<model>-<data>-<id>``; makes nothing."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    return outputs_dir() / "runs" / f"{stamp}-{model}-{data}-{secrets.token_hex(3)}"


def read_metrics(directory: Path) -> dict[str, Any]:
    """Reads ``metrics.json`` of a run.

    Raises:
        UserError: if the run never got that far.
    """
    path = directory / "metrics.json"
    if not path.is_file():
        raise UserError(f"{directory}: this run has no metrics.json; it did not finish.")
    return json.loads(path.read_text())


def read_status(directory: Path) -> dict[str, Any]:
    """Reads how a run ended: ``status``, ``reason`` and ``version``; empty if it did not, or was killed with -9."""
    path = directory / "status.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def _strict(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _strict(one) for key, one in value.items()}
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Iterable):
        return [_strict(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
