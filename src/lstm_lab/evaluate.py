"""``python -m lstm_lab.evaluate run=latest``: scores a finished run again, from its checkpoint alone."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.doors import answer, words

WORDS = {
    "run": "a run directory, the id of a run, or latest (the default); several with commas between are an ensemble",
    "average": "true: the weights of several runs or checkpoints are averaged instead",
    "quantize": "int8: with weights of eight bits, as export format=torch quantize=int8 writes them",
    "data.path": "where the file lies now, if it has moved",
    "data.dir": "where the folder of data lies now, if it has moved",
}


def command(argv: list[str]) -> None:
    """Scores the test set with the checkpoint's own processor and prints the table."""
    given = words(argv, WORDS, "evaluate")
    from lstm_lab import evaluation, predictor, report
    from lstm_lab.compression import quantized
    from lstm_lab.errors import check_choice
    from lstm_lab.paths import find_run
    from lstm_lab.training.checkpoint import read_checkpoint

    names = [name for name in given.get("run", "latest").split(",") if name]
    paths = [Path(n) if n.endswith(".ckpt") else find_run(n) / "checkpoints" / "best.ckpt" for n in names]
    check_choice("average", given.get("average", "false"), ("true", "false"))
    join = predictor.average if given.get("average") == "true" else predictor.ensemble
    loaded, path = join(paths), paths[0]
    if "quantize" in given:
        check_choice("quantize", given["quantize"], ("int8",))
        loaded = quantized(loaded)
    content = read_checkpoint(path)
    where = {key.removeprefix("data."): given[key] for key in ("data.path", "data.dir") if key in given}
    data = predictor.data_of(content, **where)
    if content.get("refitted"):
        data.fit_again()  # baselines know what the network knows
    tested = evaluation.test(loaded, data)
    report.show(
        tested,
        loaded.model.hparams["cell"].upper(),
        data,
        [f"protocol: {data.protocol}", *(f"checkpoint: {path}" for path in paths)],
    )


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
