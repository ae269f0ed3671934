"""Labels for the steps of new sequences."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load

WORDS = {
    "text": "a sequence; without it, one of the training part",
    "path": "a file with a sequence a line; lines that begin with > are passed over",
    "out": "folder for labels.csv; the run directory if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Labels, prints sequence and labels below each other, and writes them as csv."""
    from lstm_lab.errors import UserError

    if {"path", "text"} <= set(given):
        raise UserError("path=… and text=… cannot go together.")
    loaded = load(directory, given)
    raw = Path(given["path"]).expanduser() if "path" in given else given.get("text")
    labels = loaded.predict(loaded.processor.table(raw))
    for sequence, row in labels.head(10).itertuples(index=False):
        print(f"{sequence}\n{row}\n")
    path = folder(given, directory) / "labels.csv"
    labels.to_csv(path, index=False)
    print(f"written: {path}")
