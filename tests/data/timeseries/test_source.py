"""Files as people have them: read back equal whatever their style, and told in one line when they are broken."""

import csv
import io
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lstm_lab.data import TimeSeriesDataModule
from lstm_lab.data.timeseries.processor import SeriesProcessor
from lstm_lab.data.timeseries.source import read_csv, share_of, shipped, sine
from lstm_lab.errors import UserError

# -- what is written is read back -------------------------------------------------------------------------

STYLES = {
    "month": ("MS", lambda stamp, _: f"{stamp:%Y-%m}"),
    "name": ("MS", lambda stamp, _: f"{stamp:%b %Y}"),
    "day": ("D", lambda stamp, _: f"{stamp:%Y-%m-%d}"),
    "hour": ("h", lambda stamp, _: stamp.isoformat()),
    "space": ("h", lambda stamp, _: f"{stamp:%Y-%m-%d %H:%M:%S}"),
    "american": ("D", lambda stamp, _: f"{stamp.month}/{stamp.day}/{stamp.year}"),
    "european": ("D", lambda stamp, _: f"{stamp:%d.%m.%Y}"),
    "first of months": ("MS", lambda stamp, _: f"{stamp:%d/%m/%Y}"),
    "quarter": ("QS", lambda stamp, _: f"{stamp.year}Q{stamp.quarter}"),
    "year of study": ("MS", lambda stamp, _: f"{stamp.year - 1900}-{stamp.month:02d}"),
    "one number": ("D", lambda stamp, _: f"{stamp:%Y%m%d}"),
    "seconds": ("h", lambda stamp, _: str(int(stamp.timestamp()))),
    "zone": ("h", lambda stamp, _: f"{stamp:%Y-%m-%dT%H:%M:%S}Z"),
    "end of months": ("ME", lambda stamp, _: f"{stamp:%d %B %Y}"),
    "none": (None, None),
}


@st.composite
def files(draw):
    """A table, and a text that says the same in some style: rows in any order, some missing, some twice."""
    style = draw(st.sampled_from(list(STYLES)))
    freq, write = STYLES[style]
    rows = draw(st.integers(30, 60))
    numbers = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 6))
    values = draw(st.lists(st.one_of(numbers, numbers, numbers, st.none()), min_size=rows, max_size=rows))
    values[0] = values[-1] = 1.5  # a series begins and ends with a value
    year = 1901 if style == "year of study" else draw(st.integers(1980, 2030))
    index = pd.date_range(f"{year}-01-01", periods=rows, freq=freq) if freq else pd.RangeIndex(rows)
    comma, separator = draw(st.booleans()), draw(st.sampled_from(",;\t|"))
    nothing = draw(st.sampled_from(["", "NA", "NaN", "null", "-"]))
    cells = [nothing if value is None else repr(value) for value in values]
    columns = {"y": [cell.replace(".", ",") if comma else cell for cell in cells], "note": ["a b"] * rows}
    if freq:
        columns["when"] = [write(stamp, None) for stamp in index]
    order = draw(st.permutations(list(columns)))
    lines = list(zip(*(columns[name] for name in order), strict=True))
    if freq:
        for place in draw(st.sets(st.integers(3, rows - 3), max_size=2)):
            lines[place], values[place] = None, None
        lines = [line for line in lines if line is not None]
        lines += lines[: draw(st.integers(0, 2))]
        lines = draw(st.sampled_from([lines, lines[::-1], lines[7:] + lines[:7]]))
    text = io.StringIO()
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    end = draw(st.sampled_from(["\n", "\r\n"]))
    writer = csv.writer(text, delimiter=separator, quoting=quoting, lineterminator=end)
    writer.writerow(["date" if name == "when" else name for name in order])
    for line in lines:
        writer.writerow(line)
        text.write(end * draw(st.sampled_from([0, 0, 0, 1])))
    bom = "\ufeff" if draw(st.booleans()) else ""
    expected = np.array([math.nan if value is None else value for value in values])
    return bom + text.getvalue().rstrip("\r\n" if draw(st.booleans()) else ""), expected, index


@given(file=files())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_every_style_is_read_back_equal(file, tmp_path_factory):
    text, values, index = file
    path = tmp_path_factory.mktemp("styles") / "file.csv"
    path.write_bytes(text.encode())
    series = read_csv(path)
    assert series.names == ("y",)
    assert list(series.index) == list(index)
    assert np.array_equal(series.values[:, 0], values, equal_nan=True)
    if isinstance(index, pd.DatetimeIndex):
        assert series.index.freq is not None


def written(tmp_path, text):
    path = tmp_path / "file.csv"
    path.write_text(text)
    return path


SEASONS = {"MS": 12, "QS": 4, "W": 52, "D": 7, "h": 24, "YS": 0, "15min": 96, "7min": 0}


@pytest.mark.parametrize(("freq", "season"), SEASONS.items())
def test_the_clock_tells_the_season(freq, season, tmp_path):
    stamps = pd.date_range("2001-01-01", periods=30, freq=freq)
    text = "when,y\n" + "".join(f"{stamp.isoformat()},{row}\n" for row, stamp in enumerate(stamps))
    series = read_csv(written(tmp_path, text))
    assert series.season == season
    assert list(series.index) == list(stamps)
    following = pd.date_range(stamps[-1], periods=4, freq=freq)[1:]
    assert list(series.ahead(3)) == list(following)


def test_one_column_is_a_series_without_a_clock(tmp_path):
    series = read_csv(written(tmp_path, "y\n0.5\n-1e3\n2\n"))
    assert series.values.tolist() == [[0.5], [-1000.0], [2.0]]
    assert list(series.ahead(2)) == [3, 4]
    assert series.season == 0


def test_columns_are_chosen_by_name(tmp_path):
    path = written(tmp_path, "a,t,b,c\n1,2001-01,4,x\n2,2001-02,5,x\n3,2001-03,6,x\n")
    assert read_csv(path).names == ("b",)  # the last numeric one
    assert read_csv(path, "a").values[:, 0].tolist() == [1, 2, 3]
    assert read_csv(path, ["b", "a"]).values.tolist() == [[4, 1], [5, 2], [6, 3]]
    assert read_csv(path, time="t").index[0] == pd.Timestamp("2001-01-01")
    assert read_csv(path, season=5).season == 5


def test_the_digest_changes_with_the_data_alone(tmp_path):
    rows = "2001-01,1\n2001-02,2\n2001-03,3\n"
    one = read_csv(written(tmp_path, "t,y\n" + rows)).digest
    assert one == read_csv(written(tmp_path, "when;y\n" + rows.replace(",", ";"))).digest
    assert one != read_csv(written(tmp_path, "t,y\n" + rows.replace(",3", ",3.0001"))).digest
    assert one != read_csv(written(tmp_path, "t,y\n" + rows.replace("2001", "2002"))).digest


# -- what is broken is told -------------------------------------------------------------------------------

MONTHS = [f"2001-{month:02d}" for month in range(1, 13)]
GOOD = [["t", "y"], *([month, str(row)] for row, month in enumerate(MONTHS))]


def broken(row, column, cell):
    table = [list(line) for line in GOOD]
    table[row - 1][column] = cell
    return "\n".join(map(",".join, table))


BROKEN = {
    "an empty file": ("", ["empty"]),
    "blank lines": ("\n\n\n", ["empty"]),
    "a header alone": ("t,y\n", ["no row below the header"]),
    "no value at all": (
        "t,y\n" + "".join(f"{month},\n" for month in MONTHS),
        ["no column holds numbers", "y"],
    ),
    "infinity": (broken(5, 1, "-inf"), ["row 5", "'y'", "'-inf'"]),
    "a word": (broken(13, 1, "high"), ["row 13", "'y'", "'high'"]),
    "no stamp": (broken(4, 0, ""), ["row 4", "'t'", "nothing"]),
    "a word for a stamp": (broken(4, 0, "March"), ["row 4", "'t'", "'March'"]),
    "an impossible month": (broken(9, 0, "2001-13"), ["row 9", "'t'", "'2001-13'"]),
    "a stamp twice": (broken(7, 0, "2001-05"), ["row 7", "'t'", "twice"]),
    "a clock that stops for years": (broken(13, 0, "2005-03"), ["row 13", "'t'", "not regular"]),
    "a stamp beside the clock": (
        "t,y\n" + "".join(f"2001-01-{day:02d} 0{day % 7 == 3:d}:00,{day}\n" for day in range(1, 10)),
        ["row 4", "'t'", "not regular", "data.time=none"],
    ),
    "a cell too many": (broken(2, 1, "1,5"), ["row 2", "3 cells", "header of 2"]),
    "a cell too few": ("t,y\n2001-01,1\n2001-02\n2001-03,2\n", ["row 3", "1 cell", "header of 2"]),
    "no header": ("2001-01,1\n2001-02,2\n2001-03,3\n", ["row 1", "names of the columns"]),
    "a column without a name": ("t,\n2001-01,1\n", ["row 1", "column 2"]),
    "a name twice": ("t,y,y\n2001-01,1,2\n", ["row 1", "'y'"]),
    "words only": ("a,b\nx,y\nz,w\n", ["no column holds numbers", "a, b"]),
    "an open quote": ('t,y\n2001-01,"1\n2001-02,2\n', ["row 2", "never closed"]),
    "one stamp between months": (broken(9, 0, "2001-08-17"), ["row 9", "'t'", "not regular"]),
    "nothing beside the clock": (
        "t\n2001-01\n2001-02\n",
        ["no column holds numbers", "none beside the clock"],
    ),
}


@pytest.mark.parametrize(("text", "told"), BROKEN.values(), ids=list(BROKEN))
def test_a_broken_file_is_one_line_with_row_and_column(text, told, tmp_path):
    path = written(tmp_path, text)
    with pytest.raises(UserError) as error:
        read_csv(path)
    line = str(error.value)
    assert len(line.splitlines()) == 1
    for word in (str(path), *told):
        assert word in line


def test_blank_lines_do_not_shift_the_row_that_is_named(tmp_path):
    with pytest.raises(UserError, match="row 7, column 't'"):
        read_csv(written(tmp_path, "\n\nt,y\n\n2001-01,1\n2001-02,2\n,3\n"))
    with pytest.raises(UserError, match="row 8, column 'y': 'high'"):
        read_csv(written(tmp_path, "\nt,y\n\n2001-01,1\n2001-02,2\n2001-03,2\n\n2001-04,high\n"))


NO_TEXT = {
    "binary": (bytes(range(256)), "row 1: a zero byte"),
    "excel": (b"PK\x03\x04\x14\x00", "an Excel or zip file"),
}


@pytest.mark.parametrize(("content", "told"), NO_TEXT.values(), ids=list(NO_TEXT))
def test_files_that_are_no_text(content, told, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"file\.csv.*{told}"):
        read_csv(path)
    with pytest.raises(UserError, match="no such file"):
        read_csv(tmp_path / "none.csv")
    with pytest.raises(UserError, match="this is a folder"):
        read_csv(tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_of_other_machines(encoding, tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes("t,größe\n2001-01,1\n2001-02,2\n".encode(encoding))
    assert read_csv(path).names == ("größe",)


@pytest.mark.parametrize("names", [{"target": "z"}, {"time": "z"}, {"target": "t"}])
def test_a_column_that_is_not_there_lists_those_that_are(names, tmp_path):
    with pytest.raises(UserError, match=r"Columns: .*y"):
        read_csv(written(tmp_path, "t,y\n2001-01,1\n2001-02,2\n2001-03,3\n"), **names)


# -- what ships ------------------------------------------------------------------------------------------


def test_the_airline():
    series = shipped("airline", "thousand passengers")
    assert len(series) == 144
    assert series.values.sum() == 40363
    assert series.values[[0, 107, 143], 0].tolist() == [112, 336, 432]
    assert (str(series.index[0])[:7], str(series.index[-1])[:7], series.season) == ("1949-01", "1960-12", 12)
    assert str(series.ahead(1)[0])[:7] == "1961-01"


def test_the_sine():
    series = sine()
    assert series.values.shape == (200, 1)
    assert series.values[[0, 100], 0] == pytest.approx([math.sin(-10), 0], abs=1e-12)
    assert series.values[-1, 0] == pytest.approx(math.sin(9.9))


@pytest.mark.parametrize(("value", "rows"), [(36, 36), (36.0, 36), (0.25, 36), (0, 0), (1, 1), (0.999, 143)])
def test_a_count_or_a_share(value, rows):
    assert share_of(value, 144, "data.test") == rows


@pytest.mark.parametrize("value", [-1, -0.5, True, "ten", None])
def test_neither_count_nor_share(value):
    with pytest.raises(UserError, match=r"data\.test"):
        share_of(value, 144, "data.test")


# -- real files ------------------------------------------------------------------------------------------

# rows, frequency, season, target, first and last value, missing values
REAL = {
    "airline-passengers": (144, "MS", 12, "Passengers", 112.0, 432.0, 0),
    "monthly-milk": (168, "MS", 12, "Pounds per cow", 589.0, 843.0, 0),
    "monthly-milk-incomplete": (168, "MS", 12, "Pounds per cow", 589.0, 843.0, 13),
    "daily-min-temperatures": (3652, "D", 7, "Temp", 20.7, 13.0, 2),
    "ETTh1": (17420, "h", 24, "OT", 30.5310001373291, 9.56700038909912, 0),
    "exchange_rate": (7588, "", 0, "7", 0.525486, 0.690942, 0),
    "australian_tourism": (36, "", 0, "NT", 483.0, 1765.0, 0),
    "pollution": (43824, "h", 24, "Ir", 0.0, 0.0, 0),
    "yahoofinance-AAPL-20040819-20180120": (3379, "B", 5, "Close", 2.193571, 178.460007, 0),
}


@pytest.mark.parametrize(("name", "facts"), REAL.items(), ids=list(REAL))
def test_real_files(name, facts, shared_data):
    series = read_csv(shared_data / "timeseries" / f"{name}.csv")
    values = series.values[:, 0]
    found = (len(series), series.freq, series.season, series.names[0], values[0], values[-1])
    assert (*found, int(np.isnan(values).sum())) == facts


def restyled(table, clock, style):
    """The same table as another person would have saved it."""
    write = {
        "european": lambda stamp: f"{stamp:%d.%m.%Y %H:%M}",
        "american": lambda stamp: f"{stamp:%m/%d/%Y %H:%M}",
        "long": lambda stamp: stamp.isoformat(),
    }
    if style == "parts":
        parts = {name: getattr(table[clock].dt, name) for name in ("year", "month", "day", "hour")}
        return table.drop(columns=clock).assign(**parts)
    return table.assign(**{clock: table[clock].map(write[style])})


@pytest.mark.parametrize("style", ["european", "american", "long", "parts"])
@pytest.mark.parametrize(
    "name",
    ["airline-passengers", "monthly-milk-incomplete", "daily-min-temperatures", "ETTh1", "yahoofinance"],
)
def test_real_files_in_the_hands_of_others(name, style, shared_data, tmp_path):
    (path,) = (shared_data / "timeseries").glob(f"{name}*.csv")
    series = read_csv(path)
    table = pd.read_csv(path).head(400)
    clock = table.columns[0]
    table[clock] = pd.to_datetime(table[clock])
    table = restyled(table.iloc[::-1], clock, style)
    if style == "european":
        table.to_csv(tmp_path / "own.csv", sep=";", decimal=",", index=False)
    else:
        table.to_csv(tmp_path / "own.csv", sep="\t" if style == "long" else ",")
    own = read_csv(tmp_path / "own.csv", target=series.names[0])
    assert list(own.index) == list(series.index[: len(own)])
    assert np.array_equal(own.values, series.values[: len(own)], equal_nan=True)
    assert own.freq == series.freq


def test_the_stamp_of_the_pollution_file_stands_in_four_columns(shared_data):
    series = read_csv(shared_data / "timeseries" / "pollution.csv", "pm2.5", past=["TEMP", "cbwd"])
    assert len(series) == 43824 - 24  # the first day holds no value
    assert series.index[0] == pd.Timestamp("2010-01-02 00:00")
    assert int(np.isnan(series.values).sum()) == 2067 - 24
    assert series.covariates["cbwd"].unique().tolist() == ["SE", "cv", "NW", "NE"]
    assert any("first 24 rows" in note for note in series.notes)


def test_the_shipped_airline_is_the_public_one(shared_data):
    public = read_csv(shared_data / "timeseries" / "airline-passengers.csv")
    assert np.array_equal(public.values, shipped("airline").values)
    assert public.digest == shipped("airline").digest


# -- many series, and what stands beside them --------------------------------------------------------------


def test_a_long_file_is_laid_side_by_side(tmp_path):
    path = written(
        tmp_path,
        "id,time,y,area\nb,2001-01,1,x\nb,2001-02,2,x\na,2001-02,20,z\nb,2001-03,3,x\na,2001-03,30,z\na,2001-04,,z\n",
    )
    series = read_csv(path, static=["area"])
    assert series.names == ("b", "a")
    assert np.array_equal(
        series.values, [[1, math.nan], [2, 20], [3, 30], [math.nan, math.nan]], equal_nan=True
    )
    assert series.static["area"].tolist() == ["x", "z"]
    assert series.freq == "MS"


LONG = {
    "a stamp twice": (
        "id,t,y\na,2001-01,1\na,2001-01,2\nb,2001-01,2\n",
        {"key": "id"},
        ["row 3", "series 'a'"],
    ),
    "a word": ("id,t,y\na,2001-01,1\nb,2001-01,x\na,2001-02,1\nb,2001-02,1\n", {}, ["row 3", "'y'", "'x'"]),
    "static": (
        "id,t,y,s\na,2001-01,1,p\nb,2001-01,1,q\na,2001-02,1,r\nb,2001-02,1,q\n",
        {"static": ["s"]},
        ["row 4", "series 'a'", "s"],
    ),
}


def two(change):
    """A long file of two series and twelve months, a row of it changed."""
    rows = [f"{one},{month},{place}" for place, one in enumerate("ab") for month in MONTHS]
    return "\n".join(["id,t,y", *change(rows)]) + "\n"


LONG |= {
    "a stamp twice in a column that is found": (
        two(lambda rows: [*rows, "b,2001-03,7"]),
        {},
        ["row 26", "'t'", "stands twice in series 'b'"],
    ),
    "a row of no series": (
        two(lambda rows: [row.replace("b,2001-07", ",2001-07") for row in rows]),
        {},
        ["row 20", "'id'", "nothing stands where the name"],
    ),
    "static columns of a single series": (
        "t,y,x\n2001-01,1,2\n2001-02,1,2\n",
        {"static": ["x"]},
        ["long file"],
    ),
}


@pytest.mark.parametrize(("text", "words", "told"), LONG.values(), ids=list(LONG))
def test_a_broken_long_file_is_one_line(text, words, told, tmp_path):
    with pytest.raises(UserError) as error:
        read_csv(written(tmp_path, text), **words)
    assert all(word in str(error.value) for word in told), str(error.value)


def test_rows_that_know_only_the_future_are_no_targets(tmp_path):
    text = "t,y,price\n" + "".join(
        f"{month},{'' if row > 8 else row},{row}\n" for row, month in enumerate(MONTHS)
    )
    series = read_csv(written(tmp_path, text), "y", future=["price"])
    assert len(series) == 9
    assert series.covariates["price"].tolist() == list(range(12))
    assert len(read_csv(written(tmp_path, text), "y")) == 12  # without them the end is simply missing


def test_a_target_is_no_covariate(tmp_path):
    with pytest.raises(UserError, match="'y' cannot be a target and a covariate"):
        read_csv(written(tmp_path, "t,y\n2001-01,1\n2001-02,2\n2001-03,3\n"), "y", past=["y"])


def test_a_target_without_one_value_is_told(tmp_path):
    with pytest.raises(UserError, match="column 'x': not one row holds a number"):
        read_csv(written(tmp_path, "t,x,y\n2001-01,,1\n2001-02,NA,2\n"), "x")


def test_thousands(tmp_path):
    text = "t;y\n" + "".join(f"{month};1.23{row % 10},5\n" for row, month in enumerate(MONTHS))
    assert read_csv(written(tmp_path, text)).values[:2, 0].tolist() == [1230.5, 1231.5]
    text = "t,y\n" + "".join(f'{month},"1,23{row % 10}"\n' for row, month in enumerate(MONTHS))
    assert read_csv(written(tmp_path, text)).values[:2, 0].tolist() == [1230, 1231]


def test_rows_as_steps(tmp_path):
    text = "t,y\n" + "".join(f"2001-01-{day:02d} 0{day % 7 == 3:d}:00,{day}\n" for day in range(1, 10))
    series = read_csv(written(tmp_path, text), time="none")
    assert list(series.index) == list(range(9))


def test_a_model_of_a_long_file_reads_the_next_one(tmp_path):
    rows = np.arange(60)
    months = pd.date_range("2001-01", periods=70, freq="MS").strftime("%Y-%m")

    def save(name, ids, count):
        parts = [
            pd.DataFrame({"id": one, "month": months[:count], "y": 10.0 + np.arange(count) + at, "other": 1})
            for one, at in ids
        ]
        pd.concat(parts).to_csv(tmp_path / name, index=False)
        return tmp_path / name

    path = save("old.csv", [("north", 0), ("south", 5)], len(rows))
    data = TimeSeriesDataModule(path=path, horizon=4, target="y")
    data.setup()
    processor = SeriesProcessor.from_plain(data.processor.to_plain())
    # Ten months later, in another order, with a series that training did not know.
    table = processor.table(save("new.csv", [("west", 9), ("south", 5), ("north", 0)], 70))
    assert table.columns.tolist() == ["north", "south"]
    assert table.iloc[-1].tolist() == [79, 84]
    assert processor.to_batch(table).inputs.shape[1] == data.lookback_rows
    with pytest.raises(UserError, match="no series 'south' in column 'id'"):
        processor.table(save("gone.csv", [("north", 0), ("west", 5)], 70))
