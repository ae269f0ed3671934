"""Writing down what is said in new recordings."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "path": "a recording, or a folder or zip of them",
    "beam": "transcripts that the search follows; 0 for the best path; that of the training if not given",
    "out": "folder for transcripts.csv; the run directory if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Transcribes, prints the texts, and writes them with the times of words; without path it tries an example."""
    beam = None if given.get("beam") == "0" else whole_number(given, "beam")
    loaded = load(directory, given)
    table = loaded.processor.table(Path(given["path"]).expanduser() if "path" in given else None)
    options = {"beam": beam or 0} if "beam" in given else {}
    texts = loaded.predict(table, **options)
    out = folder(given, directory)
    texts.to_csv(out / "transcripts.csv", index=False)
    print(texts.head(20).to_string(index=False, float_format="%.2f", max_colwidth=100))
    if len(texts) > 20:
        print(f"… {len(texts)} in all")
    print(f"written: {out / 'transcripts.csv'}")
