"""Training that begins with the weights of a finished run: ``start=<run>``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lstm_lab.compression.units import narrow
from lstm_lab.data.folding import Folds
from lstm_lab.errors import UserError
from lstm_lab.models import SequenceModel
from lstm_lab.paths import find_run
from lstm_lab.training.checkpoint import read_checkpoint

_KERNEL = re.compile(r"kernels\.(\d+)\.(\w+?)_l(\d+)")


def check_folds(run: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuses weights that have seen what is the test now.

    Args:
        run: as the user wrote it.
        before: settings of its data.
        now: settings of the data of this run.

    Raises:
        UserError: where one of both has folds, and the same data are divided in another way. No seed of a run
            changes how data are divided.
    """
    folds, earlier = (Folds.read(one.get("folds"), one.get("fold")) for one in (now, before))
    same = all(before.get(key) == now.get(key) for key in ("name", "dir")) and _path(before) == _path(now)
    if not same or folds == earlier:
        return
    then, here = ("no folds" if one is None else one.said for one in (earlier, folds))
    raise UserError(
        f"start={run} was trained on these data, divided otherwise ({then}; now {here}): it has seen this test."
        " Allowed: the same fold, or other data."
    )


def _path(data: Mapping[str, Any]) -> Path | None:
    return Path(data["path"]).expanduser().absolute() if data.get("path") else None


@torch.no_grad()
def start_from(
    model: SequenceModel, run: str | None, pruned_by: str | None = None, refit: bool = False
) -> None:
    """Gives a new model the trained weights of an earlier run; what was measured on training rows stays its own.

    From a run of another task, a language model for a classifier, say, come what reads the symbols and the recurrent
    core (Dai & Le 2015, "Semi-supervised sequence learning"; Howard & Ruder 2018); its head does not.

    Args:
        model: of the same sizes.
        run: a finished run, or None for none.
        pruned_by: ``units`` where the model has fewer of them than that run's.
        refit: whether validation is over, see `read_start`.

    Raises:
        UserError: if there is no such run, or its networks are of other sizes.
    """
    if run is None:
        return
    content = read_start(run, refit)
    if pruned_by == "units":
        narrow(content, model)
        return
    given = {_by_layer(name): tensor for name, tensor in content["state_dict"].items()}
    same = content["hyper_parameters"]["task"]["name"] == model.task.name
    for name, parameter in model.named_parameters():
        _, member, part, *_ = name.split(".")
        if not same and part not in ("frontend", "core", "encoder"):
            continue
        found = given.get(_by_layer(name))
        if found is None and not same:  # members of an ensemble begin alike, and end apart
            found = given.get(_by_layer(name.replace(f"members.{member}.", "members.0.", 1)))
        if found is None or found.shape != parameter.shape:
            there = "none" if found is None else tuple(found.shape)
            raise UserError(
                f"start={run}: its networks are not of the sizes of this run's: {name} is {there} there and "
                f"{tuple(parameter.shape)} here."
            )
        parameter.copy_(found)


def _by_layer(name: str) -> str:
    """The name of a parameter whether all layers are in one kernel or, as locked dropout wants it, in one each."""
    return _KERNEL.sub(lambda found: f"{found[2]}_l{int(found[1]) + int(found[3])}", name)


def read_start(run: str, refit: bool = False, word: str = "start") -> dict[str, Any]:
    """Reads the checkpoint that training begins with, or learns from.

    Args:
        run: a finished run.
        refit: whether validation is over. Until then it is that from before the run's own refit, which has not seen
            its validation rows.
        word: the setting that named it, for mistakes.

    Raises:
        UserError: if there is no such run.
    """
    folder = find_run(run, word) / "checkpoints"
    fitted = folder / "fit.ckpt"
    return read_checkpoint(fitted if fitted.is_file() and not refit else folder / "best.ckpt")
