"""Writing on after a prompt."""

from __future__ import annotations

import sys
from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "prompt": "the text to go on from; without it, the first words of the training part",
    "path": "a file with a prompt in each line, instead of prompt=",
    "steps": "symbols to write, 200 if not given",
    "temperature": "above 1 wilder, below 1 tamer, 0 always the likeliest symbol; 0.8 if not given",
    "top_k": "draw among so many likeliest symbols; all if not given",
    "top_p": "draw among the likeliest symbols that hold this share of the probability; 1 if not given",
    "no_repeat": "no run of so many symbols is written twice; no such rule if not given",
    "samples": "how many texts for a prompt, 1 if not given",
    "seed": "decides what is drawn, 0 if not given",
    "out": "folder for written.csv; nothing is written to disk if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Writes on after one prompt or those of a file, and prints the texts."""
    options = {
        "temperature": _number(given, "temperature", 0.8),
        "top_p": _number(given, "top_p", 1.0),
        "top_k": whole_number(given, "top_k") or 0,
        "no_repeat": whole_number(given, "no_repeat") or 0,
        "seed": int(_number(given, "seed", 0)),
    }
    steps, samples = whole_number(given, "steps"), whole_number(given, "samples") or 1
    from lstm_lab.errors import UserError

    if {"path", "prompt"} <= set(given):
        raise UserError("path=… and prompt=… cannot go together.")
    loaded = load(directory, given)
    prompts = Path(given["path"]).expanduser() if "path" in given else given.get("prompt")
    table = loaded.processor.table(prompts)
    table = table.loc[table.index.repeat(samples)].reset_index(drop=True)
    written = loaded.predict(table, steps, **options)
    print("\n\n".join(written["text"]))
    if "out" in given:
        path = folder(given, directory) / "written.csv"
        written.to_csv(path, index=False)
        print(f"written: {path}", file=sys.stderr)


def _number(given: dict[str, str], key: str, usual: float) -> float:
    from lstm_lab.errors import UserError

    try:
        return float(given.get(key, usual))
    except ValueError:
        raise UserError(f"{key}={given[key]} must be a number.") from None
