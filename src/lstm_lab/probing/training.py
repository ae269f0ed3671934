"""Finished runs for a comparison: those that are there, and the others trained, one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lstm_lab import experiment
from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError
from lstm_lab.ranking.entries import Entry, compose_entries, find_earlier
from lstm_lab.wiring import build


def runs_of(words: Sequence[str], models: Sequence[str]) -> dict[str, Path]:
    """Returns a finished run of each model with the given words, by the model's name.

    Raises:
        UserError: for the first word that is not right.
    """
    if not all(models) or len(set(models)) < len(models):
        raise UserError(f"model={','.join(models)}: name each model once.")
    seed = next((word.partition("=")[2] for word in words if word.startswith("seed=")), "0")
    if not seed.isdigit():
        raise UserError(f"seed={seed} must be one whole number; a leaderboard compares over several.")
    runs = {}
    for entry in compose_entries(words, models, [int(seed)]):
        earlier = find_earlier(entry, _digest)
        if earlier is not None and earlier.state == "finished":
            runs[entry.model] = earlier.directory
            print(f"{entry.model}: {earlier.directory} is there", flush=True)
        else:
            directory = experiment.join(entry.settings, entry.words).directory
            if directory is None:
                raise UserError("dry_run=true trains nothing that could be compared.")
            runs[entry.model] = directory
    return runs


def _digest(entry: Entry) -> str:
    data: SequenceDataModule = build(entry.settings["data"], SequenceDataModule)
    return data.digest
