"""``python -m lstm_lab.predict run=latest``: what a trained model says, for the data's own kind of question."""

from __future__ import annotations

from lstm_lab.doors import answer, words

RUN = {"run": "a run directory, the id of a run, or latest (the default)"}
QUANTIZE = {"quantize": "int8: with weights of eight bits"}
STREAM = {"stream": "true reads step by step, whatever the task: see the end"}


def command(argv: list[str]) -> None:
    """Finds the run, and asks it as its task is asked; `lstm_lab.predicting` has the words."""
    import importlib

    from lstm_lab.paths import find_run
    from lstm_lab.predicting import MODULES, task_of

    if {"--help", "-h"} & set(argv):
        return _help(MODULES)
    every = {key: text for module in MODULES.values() for key, text in _words_of(module).items()}
    every |= STREAM | QUANTIZE
    words(argv, {**RUN, **every}, "predict")  # a typo is told before a run is looked for
    named = [word.partition("=")[2] for word in argv if word.startswith("run=")]
    directory = find_run(named[-1] if named else "latest")
    module = MODULES[task_of(directory)]
    if any(word.startswith("stream=") and word != "stream=false" for word in argv):
        module = "lstm_lab.predicting.stream"
    given = words(argv, {**RUN, **QUANTIZE, **STREAM, **_words_of(module)}, "predict")
    given.pop("run", None)
    importlib.import_module(module).run(directory, given)
    return None


def _words_of(module: str) -> dict[str, str]:
    import importlib

    return importlib.import_module(module).WORDS


def _help(modules: dict[str, str]) -> None:
    print("usage: python -m lstm_lab.predict [run=…] [key=value …]")
    for key, text in (RUN | QUANTIZE).items():
        print(f"  {key:<12} {text}")
    for task, module in {**modules, "step by step": "lstm_lab.predicting.stream"}.items():
        print(f"\n{task}:")
        for key, text in _words_of(module).items():
            print(f"  {key:<12} {text}")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
