"""From disk to `Batch`: one folder for each kind of sequence, and what they share.

Names are found when they are asked for: a run on time series does not import what reads videos.
"""

from __future__ import annotations

import importlib
from typing import Any

from lstm_lab.errors import check_choice

_MODULES = {
    "SequenceDataModule": "lstm_lab.data.base",
    "PairsDataModule": "lstm_lab.data.text.pairs_module",
    "SpeechFeaturesDataModule": "lstm_lab.data.speech.module",
    "TextDataModule": "lstm_lab.data.text.language",
    "GapDataModule": "lstm_lab.data.text.gaps",
    "TaggedSequencesDataModule": "lstm_lab.data.text.tagging",
    "LabelledTextDataModule": "lstm_lab.data.text.classification",
    "AddingDataModule": "lstm_lab.data.longlag.adding",
    "ContinualReberDataModule": "lstm_lab.data.longlag.reber",
    "CopyMemoryDataModule": "lstm_lab.data.longlag.copying",
    "LongLagDataModule": "lstm_lab.data.longlag.module",
    "TimeSeriesDataModule": "lstm_lab.data.timeseries.module",
    "ImageSequencesDataModule": "lstm_lab.data.images.module",
    "VideoFramesDataModule": "lstm_lab.data.video.module",
    "MovingDigitsDataModule": "lstm_lab.data.video.moving_module",
    "KeypointsDataModule": "lstm_lab.data.video.keypoints_module",
}
# The processors, by the word under which they lie in a checkpoint.
_PROCESSORS = {
    "speech": "lstm_lab.data.speech.processor.SpeechProcessor",
    "series": "lstm_lab.data.timeseries.processor.SeriesProcessor",
    "text": "lstm_lab.data.text.processor.TextProcessor",
    "gaps": "lstm_lab.data.text.gaps_processor.GapProcessor",
    "tagged": "lstm_lab.data.text.tagged_processor.TaggedProcessor",
    "labelled_text": "lstm_lab.data.text.label_processor.LabelledTextProcessor",
    "marked_numbers": "lstm_lab.data.longlag.adding.MarkedNumbersProcessor",
    "pairs": "lstm_lab.data.text.pairs_processor.PairsProcessor",
    "images": "lstm_lab.data.images.processor.ImageProcessor",
    "clips": "lstm_lab.data.video.processor.ClipProcessor",
    "keypoints": "lstm_lab.data.video.keypoints.KeypointProcessor",
}

__all__ = ["SequenceDataModule", "TimeSeriesDataModule", "load_processor"]


def load_processor(plain: dict[str, Any]) -> Any:
    """Rebuilds a processor from what its `to_plain` gave.

    Raises:
        UserError: for a kind that this version does not know.
    """
    check_choice("the checkpoint's kind of data", plain["kind"], _PROCESSORS)
    module, _, name = _PROCESSORS[plain["kind"]].rpartition(".")
    return getattr(importlib.import_module(module), name).from_plain(plain)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(_MODULES[name]), name)
