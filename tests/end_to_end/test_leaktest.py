"""The shipped leak test: a pairwise cover of heads, transforms and covariates leaks nothing; and it can fail."""

import numpy as np
import pandas as pd
import pytest

from lstm_lab.doors import compose_config, node_of
from lstm_lab.evaluation import leak
from lstm_lab.leaktest import main

# head, transform, window, output, covariates, missing values, calendar: each pair of values of two columns meets.
COVER = [
    ("recursive", "standard", "last", "point", "", False, "none"),
    ("recursive", "standard", "last", "point", "", True, "none"),
    ("segment", "[log,standard]", "revin", "quantiles", "past", True, "auto"),
    ("segment", "[boxcox]", "last", "normal", "future", False, "none"),
    ("segment", "[minmax]", "difference", "point", "both", True, "auto"),
    ("direct", "[robust]", "mean", "student_t", "both", False, "auto"),
    ("direct", "[log1p,robust]", "seasonal", "point", "past", True, "none"),
    ("direct", "[none]", "mean", "negative_binomial", "future", True, "auto"),
    ("encoder_decoder", "[standard]", "both", "point", "future", True, "none"),
    ("encoder_decoder", "[boxcox,minmax]", "none", "quantiles", "past", False, "auto"),
    ("direct", "[auto]", "auto", "point", "", True, "auto"),
    ("encoder_decoder", "[log]", "last", "student_t", "", False, "auto"),
]
QUICK = {2, 7}


def written(tmp_path, missing):
    rows = np.arange(90)
    values = np.round(30 + 10 * np.sin(rows * np.pi / 6) + rows % 5)
    table = pd.DataFrame(
        {
            "month": pd.date_range("2001-01", periods=90, freq="MS").strftime("%Y-%m"),
            "price": np.cos(rows),
            "kind": np.where(rows % 3, "a", "b"),
            "sales": values,
        }
    )
    if missing:
        table.loc[[5, 40, 41], "sales"] = np.nan
    table.to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def settings_of(words):
    config = compose_config(words)
    keys = ("data", "task", "model", "frontend", "optim", "fit")
    return {**{key: node_of(config, key) for key in keys}, "seed": 1, "ensemble": config.ensemble}


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(way, marks=[] if number in QUICK else pytest.mark.slow)
        for number, way in enumerate(COVER)
    ],
    ids=lambda way: "-".join(map(str, way)),
)
def test_nothing_leaks(way, tmp_path):
    head, transform, window, output, beside, missing, calendar = way
    found = leak.run(
        settings_of(
            [
                "data=csv", f"data.path={written(tmp_path, missing)}", "data.target=sales", "data.horizon=4",
                "data.lookback=24", "data.validation=12", "data.test=8", "fit.max_steps=2", "model.hidden_size=4",
                f"task.head={head}", f"task.transform={transform}", f"task.window={window}", f"task.output={output}",
                f"data.past={'[kind]' if beside in ('past', 'both') else 'null'}",
                f"data.future={'[price]' if beside in ('future', 'both') else 'null'}",
                f"data.calendar={calendar if head != 'recursive' else 'none'}",
                f"data.lags={'[1,12]' if beside == 'past' else 'null'}", "task.skip=true", "ensemble=auto" if
                transform == "[auto]" else "ensemble=1",
            ]
        )
    )  # fmt: skip
    assert found.leaks == []
    assert len(found.checked) == 24


def test_a_leak_is_found(monkeypatch, outputs, capsys):
    seen = property(lambda data: data.split.valid)  # training sees validation rows
    monkeypatch.setattr("lstm_lab.data.TimeSeriesDataModule.fitted_rows", seen)
    with pytest.raises(SystemExit) as end:
        main(["data=airline", "ensemble=1", "fit.max_steps=2"])
    assert end.value.code == 1
    shown = capsys.readouterr().out
    assert "LEAK: what was measured (fit, rows from 72 on are nan)" in shown
    assert "LEAK: weights" in shown


def test_only_series_can_be_tested(outputs, capsys):
    assert main(["data=airline", "task.window=never"]) == 2
    assert "task.window=never" in capsys.readouterr().err
