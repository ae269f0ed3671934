"""The named series: what they are, where they come from, under which licence, and what their files must hash to."""

from __future__ import annotations

from dataclasses import dataclass

_BROWNLEE = "https://raw.githubusercontent.com/jbrownlee/Datasets/d20fcb6402ae34e653d4513b00f39257bb37ed7f/"
_ETT = "https://raw.githubusercontent.com/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small/"
_DARTS = "https://raw.githubusercontent.com/unit8co/darts/{}/datasets/"
_STOCK = (
    "https://raw.githubusercontent.com/matplotlib/mplfinance/384370981e36d8a092580bfa27db4cbd996b6156/"
    "examples/data/yahoofinance-AAPL-20040819-20180120.csv"
)

#: Path below the folder of data: (address, checksum). The two large ETT files are checked by their name in git.
FILES: dict[str, tuple[str, str]] = {
    "timeseries/monthly-milk.csv": (
        _DARTS.format("96f35b1f6ba210b22a810a2fe8e7a8cf92784c2f") + "monthly-milk.csv",
        "2f05b2188e47010e588c3e2789f87b5b5a0b510c2c6a3a856a6d7b4b3974241e",
    ),
    "timeseries/daily-min-temperatures.csv": (
        _BROWNLEE + "daily-min-temperatures.csv",
        "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
    ),
    "timeseries/exchange_rate.csv": (
        _DARTS.format("04e9936ba760e117e71c0216d05438723cc8d9e5") + "exchange_rate.csv",
        "f790284d51ac8c3918d4c9754a4779744c5de287b492e9267ed6a2aa60fb70c5",
    ),
    "timeseries/ETTh1.csv": (
        _ETT + "ETTh1.csv",
        "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
    ),
    "timeseries/ETTh2.csv": (
        _ETT + "ETTh2.csv",
        "a3dc2c597b9218c7ce1cd55eb77b283fd459a1d09d753063f944967dd6b9218b",
    ),
    "timeseries/ETTm1.csv": (_ETT + "ETTm1.csv", "git:62c9f979e2dc5b05d9cc5b38891e60e6baf77417"),
    "timeseries/ETTm2.csv": (_ETT + "ETTm2.csv", "git:f9d46027c987d442d2d8f81308d1d8c4d1d35db8"),
    "timeseries/pollution.csv": (
        _BROWNLEE + "pollution.csv",
        "892e9559205d16d32623135c127a3951c12e46ea1e0b3093e107ce89a9fd60e2",
    ),
    "timeseries/australian_tourism.csv": (
        _DARTS.format("c5c859a59f1655a44b87c81473dce871b28bd379") + "australian_tourism.csv",
        "bb2e8c5f9725b6b7f51fcfa9bf6c2f7821b359fe37c93b7be93194ab48c391c4",
    ),
    "timeseries/yahoofinance-AAPL-20040819-20180120.csv": (
        _STOCK,
        "3536d17f034160656cfad930297948145b28f28d9262a28ba50abed16e1c2da1",
    ),
}


@dataclass(frozen=True)
class Named:
    """What is known of a named series.

    Attributes:
        file: path below the folder of data; empty where nothing is downloaded.
        about: what it is.
        licence: as its source states it.
    """

    file: str
    about: str
    licence: str


_UNSTATED = "none stated by jbrownlee/Datasets"
_ETT_LICENCE = "CC BY-ND 4.0: use unaltered, cite Zhou et al., Informer, AAAI 2021"

NAMED: dict[str, Named] = {
    "airline": Named(
        "", "monthly airline passengers 1949-1960, Box & Jenkins 1976; in the package", _UNSTATED
    ),
    "sine": Named("", "sin(x), made by a formula", "none needed"),
    "incidence": Named("", "weekly cases of a winter disease, made by a formula", "none needed"),
    "milk": Named(
        "timeseries/monthly-milk.csv", "monthly milk a cow 1962-1975", "Apache-2.0 (unit8co/darts)"
    ),
    "temperatures": Named(
        "timeseries/daily-min-temperatures.csv",
        "daily minimum temperature in Melbourne 1981-1990, Australian Bureau of Meteorology",
        _UNSTATED,
    ),
    "exchange": Named(
        "timeseries/exchange_rate.csv",
        "daily exchange rates of 8 countries 1990-2016, Lai et al. 2018",
        "Apache-2.0 (unit8co/darts); that of the data was not checked",
    ),
    "etth1": Named("timeseries/ETTh1.csv", "hourly load and oil temperature of a transformer", _ETT_LICENCE),
    "etth2": Named("timeseries/ETTh2.csv", "the same of a second transformer", _ETT_LICENCE),
    "ettm1": Named("timeseries/ETTm1.csv", "ETTh1 every 15 minutes", _ETT_LICENCE),
    "ettm2": Named("timeseries/ETTm2.csv", "ETTh2 every 15 minutes", _ETT_LICENCE),
    "weather_pm25": Named(
        "timeseries/pollution.csv",
        "hourly weather and PM2.5 in Beijing 2010-2014, Liang et al. 2015",
        _UNSTATED,
    ),
    "tourism": Named(
        "timeseries/australian_tourism.csv",
        "96 related quarterly series of Australian tourism, Hyndman",
        "Apache-2.0 (unit8co/darts)",
    ),
    "stock": Named(
        "timeseries/yahoofinance-AAPL-20040819-20180120.csv",
        "daily AAPL prices 2004-2018",
        "matplotlib (mplfinance); Yahoo's terms for the prices were not checked",
    ),
}
"""Every named series by the word that chooses it."""
