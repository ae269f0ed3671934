"""Filling the gaps of new sequences."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "text": "a sequence with a gap, as many _ as symbols are missing: ACGT__TTA; without it, one of the training part",
    "path": "a file with such a sequence a line",
    "beam": "fillings that are followed at a time, 8 if not given",
    "out": "folder for filled.csv; nothing is written to disk if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Fills and prints the gaps."""
    beam = whole_number(given, "beam") or 8
    from lstm_lab.errors import UserError

    if {"path", "text"} <= set(given):
        raise UserError("path=… and text=… cannot go together.")
    loaded = load(directory, given)
    raw = Path(given["path"]).expanduser() if "path" in given else given.get("text")
    filled = loaded.predict(loaded.processor.table(raw), beam=beam)
    for row in filled.head(20).itertuples(index=False):
        print(f"{row.text}\n  filled with {row.filled} ({row.bits:.2f} bits)")
    if "out" in given:
        path = folder(given, directory) / "filled.csv"
        filled.to_csv(path, index=False)
        print(f"written: {path}")
