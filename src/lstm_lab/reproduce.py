"""``python -m lstm_lab.reproduce run=<id>``: runs a finished run again from its record, and compares."""

from __future__ import annotations

from lstm_lab.doors import answer, words

WORDS = {
    "run": "a run directory, the id of a run, or latest (the default)",
    "tolerance": "largest relative difference of a number that still counts as the same; 1e-6 if not given",
}


def command(argv: list[str]) -> None:
    """Trains anew with the settings of a record and lays both results side by side."""
    given = words(argv, WORDS, "reproduce")
    import yaml
    from rich.console import Console
    from rich.table import Table

    from lstm_lab.errors import DivergedError, UserError
    from lstm_lab.paths import find_run
    from lstm_lab.rundir import read_metrics
    from lstm_lab.tracking.redaction import HIDDEN

    try:
        tolerance = float(given.get("tolerance", "1e-6"))
    except ValueError:
        raise UserError(f"tolerance={given['tolerance']} must be a number.") from None
    directory = find_run(given.get("run", "latest"))
    before = read_metrics(directory)
    settings = yaml.safe_load((directory / "config.yaml").read_text())
    if HIDDEN in str(settings):
        raise UserError(f"{directory}: its record hides a secret, so its settings are not complete.")
    overrides = yaml.safe_load((directory / "overrides.yaml").read_text())
    from lstm_lab.experiment import join

    result = join({**settings, "resume": None, "dry_run": False}, overrides)
    assert result.directory is not None
    after = read_metrics(result.directory)
    table = Table(box=None, title=f"{directory.name} again", title_justify="left")
    for title in ("", "then", "now", "difference"):
        table.add_column(title, justify="right" if title else "left")
    worst = 0.0
    for name, then in before["metrics"].items():
        now = after["metrics"].get(name, float("nan"))
        difference = abs(now - then) / max(abs(then), 1e-12)
        worst = max(worst, difference if difference == difference else float("inf"))
        table.add_row(name, f"{then:.6g}", f"{now:.6g}", f"{difference:.1e}")
    Console(width=110).print(table)
    if before.get("data", {}).get("digest") != after.get("data", {}).get("digest"):
        print("the data are not the same: their digests differ")
    if worst > tolerance:
        raise DivergedError(f"not reproduced: a number differs by {worst:.1e}, more than {tolerance:g}.")
    print(f"reproduced: no number differs by more than {tolerance:g} (largest difference {worst:.1e})")


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
