"""Translating a text, the lines of a file, or what comes through a pipe."""

from __future__ import annotations

import sys
from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "text": "the text to translate; without text and path, lines are read from a pipe",
    "path": "a file with a text in each line",
    "beam": "hypotheses that the search keeps; that of the training's config if not given",
    "n_best": "how many translations of each text to print, 1 if not given",
    "length_penalty": "above 0 favours longer translations; that of the config if not given",
    "no_repeat": "no run of so many symbols is written twice; that of the config if not given",
    "temperature": "draw instead of searching: above 1 wilder, below 1 tamer",
    "top_k": "with temperature: draw among so many likeliest symbols; all if not given",
    "top_p": "with temperature: draw among the likeliest that hold this share of the probability",
    "steps": "symbols of a translation at the most",
    "seed": "decides what is drawn, 0 if not given",
    "out": "folder for translations.csv; nothing is written to disk if not given",
}


def run(directory: Path, given: dict[str, str]) -> None:
    """Translates, a line of output for each line of input; several with ``n_best``, each with its score."""
    options = read_options(given)
    steps = whole_number(given, "steps")
    from lstm_lab.errors import UserError

    if {"path", "text"} <= set(given):
        raise UserError("path=… and text=… cannot go together.")
    loaded = load(directory, given)
    table = loaded.processor.table(_raw(given))
    found = loaded.predict(table, steps, **options)
    if options["n_best"] == 1:
        print("\n".join(text.replace("\n", " ") for text in found["translation"]))
    else:
        print("\n".join(f"{row.rank}\t{row.score:.3f}\t{row.translation}" for row in found.itertuples()))
    if "out" in given:
        path = folder(given, directory) / "translations.csv"
        found.to_csv(path, index=False)
        print(f"written: {path}", file=sys.stderr)


def read_options(given: dict[str, str]) -> dict[str, object]:
    """The settings of decoding among the words given."""
    options: dict[str, object] = {"n_best": whole_number(given, "n_best") or 1}
    for key in ("beam", "no_repeat", "top_k"):
        if key in given:
            options[key] = whole_number(given, key)
    for key in ("length_penalty", "temperature", "top_p"):
        if key in given:
            options[key] = _number(given, key)
    if "seed" in given:
        options["seed"] = int(_number(given, "seed"))
    if options["n_best"] != 1:  # a search keeps as many as are asked for
        options.setdefault("beam", max(5, int(str(options["n_best"]))))
    return options


def _raw(given: dict[str, str]) -> object:
    from lstm_lab.errors import UserError

    if "path" in given:
        return Path(given["path"]).expanduser()
    if "text" in given:
        return given["text"]
    if sys.stdin.isatty():
        raise UserError('nothing to translate: text="…", path=lines.txt, or a pipe: echo "…" | …')
    piped = sys.stdin.read().split("\n")
    rows = piped[:-1] if not piped[-1] else piped
    if not rows:
        raise UserError("nothing came through the pipe.")
    return rows


def _number(given: dict[str, str], key: str) -> float:
    from lstm_lab.errors import UserError

    try:
        return float(given[key])
    except ValueError:
        raise UserError(f"{key}={given[key]} must be a number.") from None
