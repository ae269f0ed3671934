"""``python -m lstm_lab.leaderboard data=airline model=rnn,lstm,gru seeds=5``: models compared over seeds, in one table.

It runs what is missing and takes what is there; killed, it goes on where it was.
"""

from __future__ import annotations

from lstm_lab.doors import answer, split_words

WORDS = {
    "model": "models with commas between: rnn,lstm,gru",
    "seeds": "how many (seeds=5 is 0 to 4), or which ones: seeds=0,3,7; 5 if not given",
    "metric": "the number of the test to compare, as accuracy or rmse; the task's own if not given",
    "direction": "minimize or maximize; the task's own if not given",
    "jobs": "runs at the same time, 1 if not given",
    "run": "finished runs with commas between, instead of all the rest: they are compared, nothing is trained",
}
USAGE = """usage: python -m lstm_lab.leaderboard data=… model=a,b,… [seeds=5] [metric=…]
       [direction=…] [jobs=1] [key=value …]
       python -m lstm_lab.leaderboard run=a,b,… [metric=…] [direction=…]
All other words are those of lstm_lab.train, and hold for every run."""


def command(argv: list[str]) -> None:
    """Splits the words, fills the table, prints it."""
    given, rest = split_words(argv, WORDS, "leaderboard", USAGE)
    from lstm_lab.errors import UserError, check_choice

    if wrong := next((word for word in rest if word.startswith(("-", "seed=", "resume=", "dry_run="))), None):
        raise UserError(f"leaderboard takes the words of train, but not {wrong}: seeds= says which seeds.")
    if "direction" in given:
        check_choice("direction", given["direction"], ("minimize", "maximize"))
    if "run" in given and (rest or {"model", "seeds", "jobs"} & set(given)):
        raise UserError(
            "run=… compares finished runs; leave the words of a training, model= and seeds= away."
        )
    if "run" not in given:
        models, seeds = _models(given.get("model", "")), _seeds(given.get("seeds", "5"))
        if len(seeds) < 2:
            raise UserError(f"seeds={given['seeds']}: an interval needs two or more seeds, as seeds=5.")
        jobs = given.get("jobs", "1")
        if not (jobs.isdigit() and int(jobs)):
            raise UserError(f"jobs={jobs} must be a whole number, at least 1.")
    from lstm_lab import ranking

    metric, direction = given.get("metric"), given.get("direction")
    if "run" in given:
        names = [name for name in given["run"].split(",") if name]
        board = ranking.rank_runs(names, metric, direction)
    else:
        board = ranking.rank(
            rest, models, seeds, metric, direction, int(jobs), lambda line: print(line, flush=True)
        )
    print(f"\ntest: {board.title}\n\n{board.text()}\n")
    print(f"picture:  {board.directory / 'figures' / 'leaderboard.png'}")
    print(f"tables:   {board.directory}")


def _models(text: str) -> list[str]:
    from lstm_lab.errors import UserError

    models = [one for one in text.split(",") if one]
    if not models:
        raise UserError("which models? model=rnn,lstm,gru")
    if twice := next((one for one in models if models.count(one) > 1), None):
        raise UserError(f"model={text} names {twice} twice.")
    return models


def _seeds(text: str) -> list[int]:
    from lstm_lab.errors import UserError

    parts = text.split(",")
    if not all(one.isdigit() for one in parts):
        raise UserError(f"seeds={text} must be a whole number, or several with commas between.")
    return list(range(int(text))) if len(parts) == 1 else [int(one) for one in parts]


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
