"""``python -m lstm_lab.export run=latest format=onnx``: a trained model as one file that runs without this package."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {
    "run": "a run directory, the id of a run, or latest (the default)",
    "format": "onnx (the default), or torch for TorchScript, which C++ reads too",
    "state": "true: the state of the core goes in and comes out, to read a stream piece by piece",
    "quantize": "int8: weights of eight bits, for format=torch",
    "steps": "length of a sequence, for cells that are written out step by step",
    "out": "folder for the file and its card; export in the run directory if not given",
}


def command(argv: list[str]) -> None:
    """Exports, compares the file with the model, and says what goes in and what comes out."""
    given = words(argv, WORDS, "export")
    from lstm_lab import predictor
    from lstm_lab.compression import quantized
    from lstm_lab.errors import UserError, check_choice
    from lstm_lab.exporting import FORMATS, export
    from lstm_lab.paths import find_run
    from lstm_lab.predicting import folder, whole_number

    form, state = given.get("format", "onnx"), given.get("state", "false")
    check_choice("format", form, FORMATS)
    check_choice("state", state, ("true", "false"))
    directory = find_run(given.get("run", "latest"))
    loaded = predictor.load(directory)
    if "quantize" in given:
        check_choice("quantize", given["quantize"], ("int8",))
        if form != "torch":
            raise UserError(
                "quantize=int8 is for format=torch: ONNX has no operator for eight-bit kernels of torch."
            )
        loaded = quantized(loaded)
    where = folder({"out": given.get("out", str(directory / "export"))}, directory)
    made = export(loaded, where, form, state == "true", whole_number(given, "steps"))
    print(f"{made.path}: {made.path.stat().st_size / 1e6:.2f} MB")
    for port in made.graph.ports:
        kind = str(port.dtype).removeprefix("torch.")
        print(f"  in   {port.name:<16} ({', '.join(map(str, port.dims))}) {kind}")
    for name in made.graph.names:
        print(f"  out  {name}")
    rows = sorted({batch for batch, _ in made.differences})
    steps = sorted({length for _, length in made.differences})
    print(
        f"differs from predict by {max(made.differences.values()):.1e} at the most, in batches of"
        f" {' and '.join(map(str, rows))} with lengths {', '.join(map(str, steps))}"
    )


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
