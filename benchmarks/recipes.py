"""The figures of the front page: one file of docs/recipes/ for each, with its command and what it printed.

    python benchmarks/recipes.py etth1_96 splice    # runs these, for minutes or hours, and writes their results
    python benchmarks/recipes.py                    # every recipe that has no result yet
    make readme                                     # writes the table of README.md from all of them

A file says what is asked: ``command`` as one types it after ``python -m lstm_lab.``, ``seeds`` (none for folds, whose
spread is that between folds), ``metric`` and how it is shown, ``beside`` for a baseline that is no row of the table.
``result`` is written here, every other metric of the test beside the one that is shown; ``copied`` marks one that was
copied from what the same command printed before this script was there. Runs stay below ``outputs/recipes/<name>`` with
their pictures.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from lstm_lab.paths import outputs_dir

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "docs" / "recipes"
BEGIN, END = "<!-- recipes: written by make readme -->", "<!-- end of recipes -->"
KINDS = ("time series", "text", "translation", "speech", "pictures", "long memory")


def main(names: list[str]) -> None:
    """Runs the named recipes, or those that wait for their first result."""
    waiting = [path.stem for path in sorted(RECIPES.glob("*.json")) if "result" not in read(path.stem)]
    for name in names or waiting:
        recipe = read(name)
        recipe["result"] = measure(name, recipe)
        (RECIPES / f"{name}.json").write_text(json.dumps(recipe, indent=2, ensure_ascii=False) + "\n")
        print(f"{name}: {ours(recipe)}; {baseline(recipe)}", flush=True)


def read(name: str) -> dict[str, Any]:
    """Returns a recipe by its name."""
    found: dict[str, Any] = json.loads((RECIPES / f"{name}.json").read_text())
    return found


def measure(name: str, recipe: dict[str, Any]) -> dict[str, Any]:
    """Runs the command with every seed, each in a process of its own, and returns what is to be kept of it."""
    door, *words = recipe["command"].split()
    home = outputs_dir() / "recipes" / name
    seeds = recipe["seeds"] or [None]
    found, seconds = [], []
    for seed in seeds:
        more = [] if seed is None else [f"seed={seed}"]
        before = _processor_seconds()
        subprocess.run(
            [sys.executable, "-m", f"lstm_lab.{door}", *words, *more],
            env={**os.environ, "LSTM_LAB_OUTPUTS": str(home)},
            stdout=subprocess.DEVNULL,
            check=True,
        )
        seconds.append(round(_processor_seconds() - before))
        kept = home / ("folds" if door == "folds" else "runs")
        newest = max(kept.iterdir(), key=lambda run: run.stat().st_mtime)
        found.append(json.loads((newest / "metrics.json").read_text()))
    figures = _folds(found[0], recipe) if door == "folds" else _seeds(found, recipe)
    return {
        **figures,
        "processor_seconds": statistics.mean(seconds),
        "cores": os.cpu_count(),
        "date": time.strftime("%Y-%m-%d"),
        "commit": subprocess.check_output(
            ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True
        ).strip(),
    }


def _seeds(found: list[dict[str, Any]], recipe: dict[str, Any]) -> dict[str, Any]:
    metric, names = recipe["metric"], list(found[0]["metrics"])
    if f"test/{metric}" not in names:
        raise SystemExit(f"no metric {metric}; the run has {', '.join(names)}")
    values = [one["metrics"][f"test/{metric}"] for one in found]
    return {
        "mean": statistics.mean(values),
        "sd": statistics.stdev(values) if len(values) > 1 else None,
        "values": values,
        "count": len(values),
        "baseline": _told(found[0], recipe) or _best(found[0]["baselines"], recipe),
        "others": {
            name.removeprefix("test/"): _spread([one["metrics"][name] for one in found])
            for name in names
            if all(one["metrics"].get(name) is not None for one in found)
        },
        "protocol": found[0]["protocol"],
        "verdict": found[0]["verdict"],
    }


def _folds(found: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
    metric = recipe["metric"]
    (_, row), *others = found["table"].items()
    return {
        "mean": row[metric],
        "sd": row[f"{metric} ±"] if found["tested"] > found["folds"] else None,  # one sample has no spread
        "count": found["folds"],
        "baseline": _best(dict(others), recipe),
        "protocol": f"each of {found['folds']} folds the test once, {found['tested']:,} samples in all",
    }


def _best(table: dict[str, dict[str, float | None]], recipe: dict[str, Any]) -> dict[str, Any] | None:
    metric = recipe["metric"]
    rows = [(value, name) for name, row in table.items() if (value := row.get(metric)) is not None]
    if not rows:
        return None
    value, name = max(rows) if recipe["larger"] else min(rows)
    return {"name": name, "value": value}


def _told(found: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The baseline of a metric that is told beside it instead of in the table: by a metric, or by definition."""
    beside = recipe.get("beside")
    if beside is None:
        return None
    value = beside["value"] if "value" in beside else found["metrics"][f"test/{beside['metric']}"]
    return {"name": beside["name"], "value": value}


def _spread(values: list[float]) -> list[float | None]:
    """Mean and deviation over the seeds."""
    return [statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None]


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def ours(recipe: dict[str, Any]) -> str:
    """Returns the figure as it is shown: mean ± deviation, of how many."""
    result, digits = recipe["result"], recipe["digits"]
    unit = recipe.get("unit", "")
    spread = "" if result["sd"] is None else f" ± {result['sd']:.{digits}f}"
    of = "fold" if recipe["command"].startswith("folds") else "seed"
    return f"{result['mean']:.{digits}f}{spread}{unit} ({result['count']} {of}{'s' * (result['count'] > 1)})"


def baseline(recipe: dict[str, Any]) -> str:
    """Returns the best baseline of the same table."""
    beside = recipe["result"]["baseline"]
    return "" if beside is None else f"{beside['value']:.{recipe['digits']}f} {beside['name']}"


def judged(recipe: dict[str, Any]) -> str:
    """Returns what is not as one would wish: a baseline that was not beaten, a mark that was missed."""
    result, sign = recipe["result"], 1 if recipe["larger"] else -1
    wanting = []
    if result["baseline"] is not None and sign * (result["mean"] - result["baseline"]["value"]) < 0:
        wanting.append("**not beaten**")
    must = recipe.get("must")
    if must is not None and sign * (result["mean"] - must) < 0:
        wanting.append(f"**missed**: {must:g} was asked for")
    return ", ".join([*wanting, *([recipe["note"]] if "note" in recipe else [])])


def table() -> str:
    """Returns the table of the front page, a row for every recipe that has a result."""
    rows = ["| | command | ours | best baseline | a run takes | |", "|---|---|---|---|---|---|"]
    recipes = {path.stem: read(path.stem) for path in sorted(RECIPES.glob("*.json"))}
    for name, recipe in sorted(recipes.items(), key=lambda one: KINDS.index(one[1]["kind"])):
        if "result" in recipe:
            what, command = f"[{recipe['what']}](docs/recipes/{name}.json)", f"`{recipe['command']}`"
            cells = (what, command, ours(recipe), baseline(recipe), duration(recipe), judged(recipe))
            rows.append("| " + " | ".join(cells).strip() + " |")
    return "\n".join(rows)


def duration(recipe: dict[str, Any]) -> str:
    """Returns the processor time of a run, or of all folds together."""
    seconds = recipe["result"]["processor_seconds"]
    if seconds is None:  # copied from a page that did not say
        return ""
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


def write_readme() -> None:
    """Puts the table between its marks in README.md."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n\n{table()}\n\n{END}{after}")


if __name__ == "__main__":
    write_readme() if sys.argv[1:] == ["readme"] else main(sys.argv[1:])
