"""The shipped leak test: a pairwise cover of heads, transforms and covariates leaks nothing; and it can fail."""

import itertools

import numpy as np
import pandas as pd
import pytest

from lstm_lab.doors import compose_config, node_of
from lstm_lab.evaluation import leak
from lstm_lab.leaktest import main

KINDS = {
    "head": ("segment", "direct", "encoder_decoder"),
    "curve": ("raw", "log", "log1p", "boxcox"),
    "scale": ("none", "standard", "minmax", "robust"),
    "window": ("none", "last", "mean", "revin", "difference", "seasonal", "both"),
    "output": ("point", "quantiles", "normal", "student_t", "negative_binomial"),
    "beside": ("alone", "past", "future", "lags", "static", "own_past", "own_future"),
    "rows": ("whole", "gaps"),
    "calendar": ("none", "auto", "holidays"),
}
# A pairwise cover: whatever two of these may be chosen together, stand together in one of the rows.
COVER = """
direct boxcox none revin quantiles past whole auto
direct boxcox standard both point lags gaps auto
direct log robust revin student_t alone whole holidays
direct log1p minmax seasonal point past gaps auto
direct log1p robust difference point static gaps none
direct raw none last normal future gaps holidays
direct raw none mean negative_binomial past whole holidays
direct raw standard none student_t static whole auto
encoder_decoder boxcox minmax revin quantiles static whole holidays
encoder_decoder log robust seasonal point future whole holidays
encoder_decoder log standard last normal past whole none
encoder_decoder log1p minmax both point alone whole none
encoder_decoder log1p none mean student_t lags whole auto
encoder_decoder raw minmax difference point future whole auto
encoder_decoder raw none none negative_binomial alone gaps none
encoder_decoder raw robust revin quantiles lags whole none
segment boxcox minmax mean student_t future gaps none
segment boxcox none difference point past whole none
segment boxcox none none point static whole none
segment boxcox none seasonal point lags whole none
segment boxcox robust last normal alone whole auto
segment log minmax last student_t past whole none
segment log none both point static whole holidays
segment log robust none quantiles past gaps auto
segment log standard difference point lags whole holidays
segment log standard mean quantiles alone whole none
segment log1p minmax last quantiles lags whole none
segment log1p minmax none normal lags whole holidays
segment log1p standard revin quantiles future gaps none
segment raw none both point future whole none
segment raw none difference point alone whole none
segment raw none last point static whole none
segment raw none mean point future whole none
segment raw none none negative_binomial future whole auto
segment raw none none negative_binomial lags whole none
segment raw none none negative_binomial static whole none
segment raw none revin normal alone whole none
segment raw none revin point alone whole none
segment raw none seasonal point static whole none
segment raw robust both point past whole none
segment raw robust mean normal static whole none
segment raw standard seasonal point alone whole none
direct boxcox standard last quantiles own_future whole auto
direct log minmax revin student_t own_past whole auto
direct log none none quantiles own_past gaps none
direct log1p minmax both point own_future gaps holidays
encoder_decoder boxcox standard last normal own_past gaps holidays
encoder_decoder log none revin normal own_future whole none
encoder_decoder log none seasonal point own_past whole holidays
encoder_decoder log1p minmax mean student_t own_future gaps none
encoder_decoder raw none mean negative_binomial own_past gaps auto
encoder_decoder raw none none negative_binomial own_future gaps holidays
segment boxcox robust seasonal point own_future gaps none
segment log1p none difference point own_past gaps auto
segment raw robust both point own_past gaps none
segment raw robust last point own_future gaps holidays
segment raw standard difference point own_future whole holidays
"""
ROWS = [tuple(line.split()) for line in COVER.split("\n") if line]
QUICK = {5, 20, 45}


def allowed(chosen):
    """Whether the task takes these words together."""
    output, window = chosen.get("output", "point"), chosen.get("window", "none")
    curve, scale = chosen.get("curve", "raw"), chosen.get("scale", "none")
    if output == "negative_binomial":
        return (curve, scale) == ("raw", "none") and window in ("mean", "none")
    return output == "point" or window not in ("difference", "seasonal", "both")


def test_the_cover_is_pairwise():
    assert all(allowed(dict(zip(KINDS, row, strict=True))) for row in ROWS)
    for (one, ours), (other, theirs) in itertools.combinations(KINDS.items(), 2):
        places = list(KINDS).index(one), list(KINDS).index(other)
        met = {(row[places[0]], row[places[1]]) for row in ROWS}
        wanted = {
            pair
            for pair in itertools.product(ours, theirs)
            if allowed(dict(zip((one, other), pair, strict=True)))
        }
        assert met == wanted


def written(tmp_path, missing, long=None):
    """A csv of a monthly series with a price and a category beside it.

    Long, it holds two of them: each of an area, or with prices and categories of its own.
    """
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
    if long:
        parts = [table.assign(id=name, area=area, sales=table["sales"] + add) for name, area, add in LONG]
        parts[1] = parts[1].assign(price=np.sin(rows), kind=np.where(rows % 4, "b", "c"))
        table = pd.concat(parts).drop(columns=["price", "kind"] if long == "static" else ["area"])
    table.to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


LONG = (("north", 3.5, 0), ("south", 1.0, 7))


def settings_of(words):
    config = compose_config(words)
    keys = ("data", "task", "model", "frontend", "optim", "fit")
    return {**{key: node_of(config, key) for key in keys}, "seed": 1, "ensemble": config.ensemble}


USUAL = [
    "data=csv", "data.target=sales", "data.horizon=4", "data.lookback=24", "data.validation=12", "data.test=8",
    "fit.max_steps=1", "model.hidden_size=4", "task.skip=true", "ensemble=1",
]  # fmt: skip
BESIDE = {
    "alone": [],
    "past": ["data.past=[kind]"],
    "future": ["data.future=[price]"],
    "lags": ["data.lags=[1,12]"],
    "static": ["data.static=[area]"],
    "own_past": ["data.past=[price,kind]"],
    "own_future": ["data.future=[kind,price]"],
}


@pytest.mark.parametrize(
    "row",
    [pytest.param(row, marks=[] if at in QUICK else pytest.mark.slow) for at, row in enumerate(ROWS)],
    ids="-".join,
)
def test_nothing_leaks(row, tmp_path):
    head, curve, scale, window, output, beside, rows, calendar = row
    long = beside if beside in ("static", "own_past", "own_future") else None
    path = written(tmp_path, rows == "gaps", long)
    words = ",".join(word for word in (curve, scale) if word not in ("raw", "none")) or "none"
    days = {"auto": "data.calendar=auto", "holidays": "data.holidays=[2003-01-01,2007-06-01]"}
    found = leak.run(
        settings_of(
            [
                *USUAL, f"data.path={path}", f"task.head={head}", f"task.transform=[{words}]", f"task.window={window}",
                f"task.output={output}", *BESIDE[beside], *([days[calendar]] if calendar in days else []),
            ]
        )
    )  # fmt: skip
    assert found.leaks == []
    assert len(found.checked) == 24


OTHERS = {
    "recursive": ["task.head=recursive"],
    "every view": ["task.head=recursive", "task.scales=[raw,log]", "ensemble=6"],
    "validation chooses": ["task.head=direct", "task.transform=[auto]", "task.window=auto", "ensemble=auto"],
    "scheduled sampling": ["task.head=encoder_decoder", "task.sampling=0.5", "task.convolution=3"],
    "both beside it": ["task.head=segment", "data.past=[price]", "data.future=[kind]", "data.gap=2"],
}


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow) for name in OTHERS])
def test_nothing_leaks_from_what_stands_alone(name, gaps, tmp_path):
    words = [*USUAL, f"data.path={written(tmp_path, gaps)}", *OTHERS[name]]
    found = leak.run(settings_of(words))
    assert found.leaks == []


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
    assert main(["data=digits_rows"]) == 2
    assert "leaktest is for series of numbers, which data=digits_rows is not" in capsys.readouterr().err
    assert main(["data=airline", "task.window=never"]) == 2
    assert "task.window=never" in capsys.readouterr().err
