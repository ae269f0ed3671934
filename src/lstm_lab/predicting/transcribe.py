"""Writing down what is said in new recordings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lstm_lab.predicting import folder, whole_number

WORDS = {
    "path": "a recording, or a folder or zip of them",
    "beam": "transcripts that the search follows; 0 for the best path; that of the training if not given",
    "stream": "seconds of a piece: text comes bit by bit, as of a microphone; one recording, one direction",
    "out": "folder for transcripts.csv; the run directory if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Transcribes, prints the texts, and writes them with the times of words; without path it tries an example."""
    beam = None if given.get("beam") == "0" else whole_number(given, "beam")
    from lstm_lab import predictor

    loaded = predictor.load(directory)
    table = loaded.processor.table(Path(given["path"]).expanduser() if "path" in given else None)
    if "stream" in given:
        return _live(loaded, table, given["stream"])
    options = {"beam": beam or 0} if "beam" in given else {}
    texts = loaded.predict(table, **options)
    out = folder(given, directory)
    texts.to_csv(out / "transcripts.csv", index=False)
    print(texts.head(20).to_string(index=False, float_format="%.2f", max_colwidth=100))
    if len(texts) > 20:
        print(f"… {len(texts)} in all")
    print(f"written: {out / 'transcripts.csv'}")
    return None


def _live(loaded: Any, table: Any, piece: str) -> None:
    """Prints what is heard of one recording, with the second in which it is known."""
    from lstm_lab.errors import UserError
    from lstm_lab.features.audio import AudioFeatures
    from lstm_lab.features.stream import FeatureStream
    from lstm_lab.nets.ctc_stream import CTCStream

    try:
        seconds = float(piece)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UserError(f"stream={piece} must be the seconds of a piece, such as 0.2.")
    if len(table) != 1 or len(loaded.model.members) != 1:
        raise UserError("stream=… takes one recording, and a model of one network (ensemble=1).")
    processor = loaded.processor
    stream = CTCStream(loaded.model.members[0])
    features = FeatureStream(AudioFeatures(**processor.features))
    wave = processor.waves(table)[0]
    size = max(1, round(seconds * processor.features["sample_rate"]))
    text = ""
    for start in range(0, len(wave), size):
        last = start + size >= len(wave)
        begun = stream.symbols(stream.push(features.push(wave[start : start + size], last), last))
        text += "".join(processor.names[symbol] for symbol, _ in begun)
        print(f"{min(start + size, len(wave)) / processor.features['sample_rate']:7.2f} s  {text}")
