"""Numbers for new sequences."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load

WORDS = {
    "path": "a csv file with the columns that the model was trained on; an example if not given",
    "out": "folder for numbers.csv; the run directory if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Predicts, prints, and writes the numbers as csv."""
    loaded = load(directory, given)
    table = loaded.processor.table(Path(given["path"]).expanduser() if "path" in given else None)
    numbers = loaded.predict(table)
    path = folder(given, directory) / "numbers.csv"
    numbers.to_csv(path, index=False)
    print(numbers.head(20).to_string(index=False, float_format="%.4g"))
    print(f"written: {path}")
