"""Naming the class of new sequences."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load

WORDS = {
    "path": "a file or folder of the kind that the model was trained on",
    "text": "a text, for a model that reads texts",
    "out": "folder for labels.csv; the run directory if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Classifies, prints the labels, and writes them as csv; without path or text it tries an example."""
    from lstm_lab.errors import UserError

    if {"path", "text"} <= set(given):
        raise UserError("path=… and text=… cannot go together.")
    loaded = load(directory, given)
    table = loaded.processor.table(Path(given["path"]).expanduser() if "path" in given else given.get("text"))
    labels = loaded.predict(table)
    out = folder(given, directory)
    labels.to_csv(out / "labels.csv", index=False)
    print(labels.head(20).to_string(index=False, float_format="%.3f"))
    if len(labels) > 20:
        print(f"… {len(labels)} in all")
    print(f"written: {out / 'labels.csv'}")
