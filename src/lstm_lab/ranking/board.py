"""A leaderboard from beginning to end: find, run what is missing, compare, write down."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from lstm_lab.data import SequenceDataModule
from lstm_lab.errors import UserError
from lstm_lab.figures.leaderboard import draw_leaderboard
from lstm_lab.paths import find_run, outputs_dir
from lstm_lab.planning import allowed_targets, prepare
from lstm_lab.ranking.entries import Earlier, Entry, compose_entries, find_earlier
from lstm_lab.ranking.filling import Made, make_runs
from lstm_lab.ranking.scores import Score, check_comparable, choose_metric, read_runs, read_score
from lstm_lab.ranking.table import build_table, explain, seed_table, shown_table
from lstm_lab.rundir import read_status
from lstm_lab.tracking.record import identity
from lstm_lab.tracking.run import Run, open_run
from lstm_lab.tracking.study import PARENT
from lstm_lab.training import ranks
from lstm_lab.wiring import build

Key = tuple[str, int]
"""Model and seed."""
Found = dict[Key, Earlier | None]


@dataclass(frozen=True)
class Board:
    """A leaderboard.

    Attributes:
        table: one row a model and one a baseline, see `lstm_lab.ranking.table.build_table`.
        runs: one row a run.
        metric: the number that is compared.
        title: the data.
        notes: what a reader has to know, a line each; the protocol is the last.
        directory: where all of it lies.
    """

    table: pd.DataFrame
    runs: pd.DataFrame
    metric: str
    title: str
    notes: list[str]
    directory: Path

    def text(self) -> str:
        """Returns table and notes for a terminal."""
        return shown_table(self.table, self.metric).to_string() + "\n\n" + "\n".join(self.notes)

    def markdown(self) -> str:
        """Returns table and notes as Markdown."""
        shown = shown_table(self.table, self.metric)
        lines = ["| |" + "|".join(f" {title} " for title in shown.columns) + "|"]
        lines.append("|---|" + "---:|" * len(shown.columns))
        lines += [
            f"| {name} |" + "|".join(f" {cell} " for cell in row) + "|" for name, *row in shown.itertuples()
        ]
        notes = "\n".join(f"- {note}" for note in self.notes)
        return f"# {self.title}: {self.metric}\n\n" + "\n".join(lines) + f"\n\n{notes}\n"


def rank(
    words: Sequence[str],
    models: Sequence[str],
    seeds: Sequence[int],
    metric: str | None = None,
    direction: str | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = print,
) -> Board:
    """Compares models over seeds; finished runs with the same settings, data and protocol are taken as they are.

    Args:
        words: of `lstm_lab.train`, for all runs: ``data=airline`` and any other but ``model=`` and ``seed=``.
        models: words that choose the models.
        seeds: two or more.
        metric: the number of the test to compare, the task's own if not given.
        direction: ``minimize`` or ``maximize``, the task's own if not given.
        jobs: runs at the same time.
        say: told of each run.

    Raises:
        UserError: for a word that is not right, fewer than two seeds, or runs that do not stand in one table.
    """
    check_seeds(seeds)
    entries = compose_entries(words, models, seeds)
    name = "-".join([entries[0].settings["data"]["name"], *models])
    home = _home(name, [sorted(words), models, list(seeds)])
    found = {(one.model, one.seed): find_earlier(one, _digest) for one in entries}
    missing = [
        one for one in entries if (old := found[one.model, one.seed]) is None or old.state == "unfinished"
    ]
    _check(missing)
    say(f"{len(entries)} runs, {len(entries) - len(missing)} made before")
    tracked = _open(home, entries, words, models, seeds)
    try:
        made = _fill(missing, found, home, jobs, say)
        scores = [_score(one, found, made) for one in entries]
        board = _compare(scores, metric, direction or entries[0].settings["task"]["direction"], home)
    except BaseException as error:
        tracked.close("KILLED" if isinstance(error, KeyboardInterrupt) else "FAILED", str(error))
        raise
    _track(tracked, board)
    return board


def rank_runs(names: Sequence[str], metric: str | None = None, direction: str | None = None) -> Board:
    """Compares finished runs, by their directories or ids; trains nothing.

    Raises:
        UserError: if there is no such run, or they do not stand in one table.
    """
    directories = [find_run(name) for name in names]
    scores = read_runs(directories)
    check_comparable(scores)
    for model in dict.fromkeys(score.model for score in scores):
        check_seeds([score.seed for score in scores if score.model == model], f" of {model}")
    settings = yaml.safe_load((directories[0] / "config.yaml").read_text())
    home = _home("runs", sorted(str(one) for one in directories))
    return _compare(scores, metric, direction or settings["task"]["direction"], home)


def check_seeds(seeds: Sequence[int], whose: str = "") -> None:
    """Refuses what gives no interval, or counts a seed twice."""
    if len(seeds) < 2:
        raise UserError(f"an interval needs two or more seeds{whose}: seeds=5, or seeds=0,1,2.")
    if len(set(seeds)) < len(seeds):
        raise UserError(f"seeds={','.join(map(str, seeds))} names one twice.")


def _check(missing: Sequence[Entry]) -> None:
    """Builds the first missing run of each model: mistakes show here, with nothing written."""
    for model in dict.fromkeys(one.model for one in missing):
        entry = next(one for one in missing if one.model == model)
        settings = json.loads(json.dumps(entry.settings))  # a copy: paths in it are made absolute
        prepare(settings, entry.words, ranks.find_group(settings["trainer"]))


def _fill(
    missing: Sequence[Entry], found: Found, home: Path, jobs: int, say: Callable[[str], None]
) -> dict[Key, Made]:
    """Makes what is missing, and goes on with what is unfinished."""
    made: dict[Key, Made] = {}

    def done(one: Made) -> None:
        made[one.entry.model, one.entry.seed] = one
        how = one.failure
        if not how:
            score = read_score(one.entry.model, one.entry.seed, one.directory)
            how = f"{score.deciding} {score.metrics[score.deciding]:.4g}"
        say(f"{one.entry.model}, seed {one.entry.seed}: {how}")

    wanted = [
        (one, old.directory if (old := found[one.model, one.seed]) is not None else None) for one in missing
    ]
    if wanted:
        make_runs(wanted, home, jobs, {PARENT: str(home)}, done)
    return made


def _score(entry: Entry, found: Found, made: dict[Key, Made]) -> Score:
    """What the run of an entry gave, made now or before."""
    key = entry.model, entry.seed
    if key in made:
        directory, failure = made[key].directory, made[key].failure
    else:
        old = found[key]
        assert old is not None  # else it would have been made
        directory, failure = old.directory, ""
        if old.state == "diverged":
            failure = str(read_status(directory)["reason"]).removeprefix("DivergedError: ")
    if failure:
        return Score(*key, directory, failure=failure)
    return read_score(*key, directory)


def _compare(scores: Sequence[Score], metric: str | None, direction: str, home: Path) -> Board:
    """Builds the board and writes it down."""
    done = [score for score in scores if not score.failure]
    if not done:
        raise UserError(f"all runs failed, the first with: {scores[0].failure}.")
    check_comparable(scores)
    name, larger = choose_metric(scores, metric), direction == "maximize"
    table, runs = build_table(scores, name, larger), seed_table(scores, name)
    seeds = len({score.seed for score in scores})
    own = ["each seed draws data of its own, the same for all models"]
    drawn = own if len({score.data["digest"] for score in done}) > 1 else []
    notes = [*explain(table, seeds, larger), *drawn, f"protocol: {done[0].protocol}"]
    board = Board(table, runs, name, done[0].data["name"], notes, home)
    home.mkdir(parents=True, exist_ok=True)
    table.to_csv(home / "leaderboard.csv", index_label="name")
    runs.to_csv(home / "runs.csv", index=False)
    (home / "leaderboard.md").write_text(board.markdown())
    draw_leaderboard(home / "figures" / "leaderboard.png", table, runs, name, f"test: {board.title}")
    return board


@functools.cache
def _digest_of(plain: str, words: tuple[str, ...]) -> str:
    settings = json.loads(plain)
    node = settings["data"]
    seed = {} if "seed" in node else {"seed": settings["seed"]}
    data = build(node, SequenceDataModule, allowed_targets(settings, words), **seed)
    data.setup("fit")
    return str(data.digest)


def _digest(entry: Entry) -> str:
    """The digest of an entry's data as they are now."""
    needed = {key: entry.settings[key] for key in ("data", "seed", "allow_targets")}
    allowing = tuple(word for word in entry.words if word.lstrip("+").startswith("allow_targets="))
    return _digest_of(json.dumps(needed, sort_keys=True), allowing)


def _home(name: str, content: Any) -> Path:
    """The same question has the same directory."""
    digest = hashlib.sha256(json.dumps(content).encode()).hexdigest()[:6]
    return outputs_dir() / "leaderboards" / f"{name[:60]}-{digest}"


def _open(
    home: Path, entries: Sequence[Entry], words: Sequence[str], models: Sequence[str], seeds: Sequence[int]
) -> Run:
    """The run under which those of the leaderboard stand."""
    home.mkdir(parents=True, exist_ok=True)
    settings = entries[0].settings
    where, data = settings["tracking"], settings["data"]["name"]
    return open_run(
        directory=home,
        uri=where["uri"] if where["enabled"] else "off",
        experiment=where["experiment"] or data,
        name=f"leaderboard-{home.name}",
        params={"words": " ".join(words), "models": ",".join(models), "seeds": ",".join(map(str, seeds))},
        tags={**identity(), "leaderboard": home.name, "data": data},
        system_metrics=False,
    )


def _track(tracked: Run, board: Board) -> None:
    for name, row in board.table.iterrows():
        numbers = {key: row[key] for key in ("mean", "low", "high") if pd.notna(row[key])}
        tracked.log_metrics({f"{board.metric}/{key}/{name}": value for key, value in numbers.items()}, step=0)
    failed = "; ".join(f"{name}: {why}" for name, why in board.table["failed"].items() if why)
    tracked.set_tags({"metric": board.metric, **({"failed": failed} if failed else {})})
    for path in ("leaderboard.md", "leaderboard.csv", "runs.csv", "figures"):
        tracked.log_artifact(board.directory / path)
    tracked.close("FINISHED")
