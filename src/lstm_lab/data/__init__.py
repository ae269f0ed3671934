"""From disk to `Batch`: sources, processors, windows and the LightningDataModules over them."""

from lstm_lab.data.timeseries.module import TimeSeriesDataModule

__all__ = ["TimeSeriesDataModule"]
