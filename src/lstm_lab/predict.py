"""``python -m lstm_lab.predict run=latest``: forecasts what comes after the end of the data, or of a new csv."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.doors import answer, words

WORDS = {
    "run": "a run directory, the id of a run, or latest (the default)",
    "path": "a csv whose last rows the forecast goes on from; without it, the training file's",
    "steps": "how many steps ahead; the horizon of the training if not given",
    "out": "folder for forecast.csv and forecast.png; the run directory if not given",
}


def command(argv: list[str]) -> None:
    """Forecasts, prints the table, and writes it as csv and picture."""
    given = words(argv, WORDS, "predict")
    import pandas as pd

    from lstm_lab import predictor
    from lstm_lab.data.timeseries.source import read_csv
    from lstm_lab.errors import UserError
    from lstm_lab.figures.forecast import draw_forecast
    from lstm_lab.paths import find_run

    directory = find_run(given.get("run", "latest"))
    loaded = predictor.load(directory)
    processor = loaded.processor
    if "path" in given:
        series = read_csv(given["path"], processor.names)
        rows = pd.DataFrame(series.values, index=series.index, columns=processor.names)
    else:
        rows = processor.last_rows()
    steps = given.get("steps")
    if steps is not None and not steps.isdigit():
        raise UserError(f"steps={steps} must be a whole number of at least 1.")
    forecast = loaded.predict(rows, None if steps is None else int(steps))
    out = Path(given["out"]).expanduser() if "out" in given else directory
    try:
        out.mkdir(parents=True, exist_ok=True)
        forecast.to_csv(out / "forecast.csv")
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}.") from None
    shown = forecast.rename_axis("time")
    print(shown.round(2).to_string())
    first = processor.targets[0]
    draw_forecast(
        out / "forecast.png",
        rows[first].tail(3 * processor.lookback),
        None,
        forecast[[name for name in ("forecast", "lower", "upper") if name in forecast]],
        None,
        title=f"{len(forecast)} steps after {rows.index[-1]:%Y-%m-%d}" if processor.freq else "forecast",
        unit=processor.unit,
    )
    print(f"written: {out / 'forecast.csv'} and {out / 'forecast.png'}")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
