"""``python -m lstm_lab.backtest data=airline model=lstm``: forecasts from many origins, as they would have been made.

``run=latest`` asks a trained run instead: all origins of its test part in one batched pass.
"""

from __future__ import annotations

from lstm_lab.doors import answer, compose_config, split_words

WORDS = {
    "run": "a trained run: its test part is forecast from every origin, nothing is trained",
    "every": "origins after which the model is trained anew, with its transforms; never trains once",
    "weights": "what each training anew begins with: fresh ones, or with warm those of the training before",
    "stride": "rows between two origins; 1 if not given",
    "window": "expanding trains on all rows so far, sliding on as many as the first time",
    "out": "folder for backtest.csv, backtest.json and the pictures",
}
USAGE = """usage: python -m lstm_lab.backtest [run=…] [data=… model=… key=value …] [every=never|k]
       [weights=fresh|warm] [stride=1] [window=expanding|sliding] [out=folder]
The test part (data.test=count, share or date) holds the origins. All other words are those of lstm_lab.train."""


def command(argv: list[str]) -> None:
    """Splits the words, runs the backtest, prints its table."""
    given, rest = split_words(argv, WORDS, "backtest", USAGE)
    from lstm_lab.errors import UserError, check_choice

    check_choice("window", given.get("window", "expanding"), ("expanding", "sliding"))
    check_choice("weights", given.get("weights", "fresh"), ("fresh", "warm"))
    every, stride = given.get("every", "never"), given.get("stride", "1")
    if every != "never" and not (every.isdigit() and int(every)):
        raise UserError(f"every={every} must be never, or a whole number of origins.")
    warm = given.get("weights") == "warm"
    if warm and every == "never":
        raise UserError("weights=warm needs every=k: without it the model is trained once.")
    if not (stride.isdigit() and int(stride)):
        raise UserError(f"stride={stride} must be a whole number of rows.")
    if "run" in given and (rest or every != "never"):
        raise UserError("run=… asks a trained run; leave the words of a training and every= away.")
    config = None if "run" in given else compose_config(rest)
    from lstm_lab.evaluation import backtest

    if config is None:
        found = backtest.of_run(given["run"], int(stride))
    else:
        refit = None if every == "never" else int(every)
        found = backtest.run(config, rest, refit, int(stride), given.get("window") == "sliding", warm)
    backtest.show(found, given.get("out"))


def main(argv: list[str] | None = None) -> int:
    """The door itself; returns the exit code."""
    return answer(command, argv)


if __name__ == "__main__":
    raise SystemExit(main())
