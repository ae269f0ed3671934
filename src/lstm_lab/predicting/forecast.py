"""Forecasting what comes after the end of the data, or of a new csv."""

from __future__ import annotations

from pathlib import Path

from lstm_lab.predicting import folder, load, whole_number

WORDS = {
    "path": "a csv whose last rows the forecast goes on from; without it, the training file's",
    "steps": "how many steps ahead; the horizon of the training if not given",
    "out": "folder for forecast.csv and forecast.png; the run directory if not given",
}
# What the picture shows of a forecast.
_DRAWN = ("forecast", "lower", "upper")


def run(directory: Path, given: dict[str, str]) -> None:
    """Forecasts, prints the table, and writes it as csv and picture."""
    steps = whole_number(given, "steps")
    from lstm_lab.errors import UserError
    from lstm_lab.figures.forecast import draw_forecast

    loaded = load(directory, given)
    processor = loaded.processor
    rows = processor.table(given.get("path"))
    forecast = loaded.predict(rows, steps)
    out = folder(given, directory)
    try:
        forecast.to_csv(out / "forecast.csv")
    except OSError as error:
        raise UserError(f"{out}: cannot be written: {error.strerror}.") from None
    print(forecast.rename_axis("time").round(2).to_string())
    first, *others = processor.targets  # the picture has room for one series
    found = forecast.rename(columns={f"{name} {first}": name for name in _DRAWN}) if others else forecast
    known = rows[first].loc[: rows[first].last_valid_index()]
    after = f"{len(forecast)} steps after {known.index[-1]:%Y-%m-%d}" if processor.freq else "forecast"
    draw_forecast(
        out / "forecast.png",
        known.tail(3 * processor.lookback),
        None,
        found[[name for name in _DRAWN if name in found]],
        None,
        title=f"{first}: {after}" if others else after,
        unit=processor.unit,
    )
    print(f"written: {out / 'forecast.csv'} and {out / 'forecast.png'}")
