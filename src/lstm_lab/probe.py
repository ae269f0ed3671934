"""``python -m lstm_lab.probe run=latest probe=gates``: looks into a network, trained or as it begins."""

from __future__ import annotations

from lstm_lab.doors import answer, split_words, words

PROBES = ("gradients", "gates", "memory", "importance", "distance")
WORDS = {
    "probe": "gradients, gates, memory, importance of inputs, or distance: scores by how far back the answer lies",
    "run": "finished runs: a directory, an id or latest (the default); several with commas between, side by side",
    "part": "test (the default for finished runs), validation, or train",
    "sequences": "gradients, memory: how many, the longest, 32 if not given; importance: 2000 evenly spread ones",
    "repeats": "importance: permutations of each input; 10 if not given",
    "lag": "gradients, memory: the longest lag; as far as these sequences go if not given",
    "after": "memory: steps that are read before states are exchanged; 2 if not given",
    "sample": "gates: which sequence of the part, 0 if not given",
    "text": "gates: a text of your own instead",
    "path": "gates: a file of your own instead",
    "out": "folder for tables and pictures",
    "data.path": "where the file lies now, if it has moved",
    "data.dir": "where the folder of data lies now, if it has moved",
}
USAGE = """usage: python -m lstm_lab.probe run=latest probe=gradients|gates|memory|importance|distance [key=value …]
       python -m lstm_lab.probe probe=gradients|gates|memory data=… model=a,b,… [key=value …]
       python -m lstm_lab.probe probe=distance data=… model=a,b,… [key=value …]
With the words of a training, networks are looked into as they begin; for distance, what is missing is trained."""
# Words that both a finished run and a training know.
_SHARED = ("data.path", "data.dir")


def command(argv: list[str]) -> None:
    """Checks the words, looks, prints the gist and where tables and pictures are."""
    training = any(word.partition("=")[0] in ("data", "model") for word in argv)
    known = [word for word in WORDS if not (training and word in _SHARED)]
    given, rest = split_words(argv, WORDS, "probe", USAGE, known)
    if not training:
        words(rest, WORDS, "probe")  # there are no others: a typo is told
    from lstm_lab.errors import UserError, check_choice
    from lstm_lab.predicting import whole_number

    if "probe" not in given:
        raise UserError(f"which probe? Allowed: {', '.join(f'probe={name}' for name in PROBES)}.")
    check_choice("probe", given["probe"], PROBES)
    if training and "run" in given:
        raise UserError(
            "run=… looks into finished runs; leave data=, model= and the words of a training away."
        )
    if {"text", "path"} & set(given) and (given["probe"] != "gates" or training):
        raise UserError("text=… and path=… are for probe=gates of a finished run.")
    numbers = {key: whole_number(given, key) for key in ("sequences", "lag", "after", "repeats")}
    if not given.get("sample", "0").isdigit():
        raise UserError(f"sample={given['sample']} must be a whole number from 0.")
    from lstm_lab.probing import asking

    asked = asking.Asked(
        given["probe"],
        part=given.get("part", "validation" if training else "test"),
        sample=int(given.get("sample", "0")),
        out=given.get("out"),
        text=given.get("text"),
        path=given.get("path"),
        where={key.removeprefix("data."): given[key] for key in _SHARED if key in given},
        numbers={key: value for key, value in numbers.items() if value is not None},
    )
    found = asking.of_words(asked, rest) if training else asking.of_runs(asked, given.get("run", "latest"))
    for line in found:
        print(line)


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
