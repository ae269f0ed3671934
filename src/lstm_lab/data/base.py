"""What the house asks of every kind of data, whatever it reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import lightning.pytorch as pl
import pandas as pd
from torch import Tensor

from lstm_lab.batch import Batch
from lstm_lab.data.loader import EvaluationLoader, Sampler, Samples, Shuffled, TrainingLoader
from lstm_lab.errors import UserError, check_at_least
from lstm_lab.spec import Spec


class Processor(Protocol):
    """From what a user has to a `Batch`, and from predictions back. Fitted on the training part, plain data."""

    def to_plain(self) -> dict[str, Any]:
        """Returns ``kind`` and everything fitted as tensors, numbers, strings, lists and dicts."""
        ...

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Any:
        """Rebuilds a processor from what `to_plain` gave."""
        ...

    def table(self, raw: Any) -> pd.DataFrame:
        """Returns what a person passes (a table; a text, a path, a list of them) as a table."""
        ...

    def to_batch(self, table: pd.DataFrame) -> Batch:
        """Returns a table as a batch.

        Raises:
            UserError: naming the row and what is wrong with it.
        """
        ...

    def finish(self, predictions: dict[str, Tensor]) -> dict[str, Tensor]:
        """Adds to a task's predictions what only the data knows, such as a calibrated interval."""
        ...

    def to_frame(self, predictions: dict[str, Tensor], table: pd.DataFrame) -> pd.DataFrame:
        """Returns finished predictions for the rows of a table, in the user's words and units."""
        ...

    def example(self) -> pd.DataFrame:
        """Returns raw input as a user has it, for signatures and for trying a model out."""
        ...


class SequenceDataModule(pl.LightningDataModule):
    """Sequences of one kind in three parts, with loaders that shard themselves and can be resumed.

    A subclass reads and splits in `setup`, which may be called again and then does nothing. It leaves ``_spec``,
    ``_processor`` and ``_statistics`` behind, or replaces the property where it is found out later. It also gives
    `samples` and the words of the record. Everything about batches is here.

    Args:
        name: of the data set, as in ``conf/data``.
        batch_size: samples in a global batch.
        seed: decides the order of the training samples.

    Attributes:
        steps: optimiser steps between two validations, set by the house; one pass if 0.
        chunk: optimiser steps of an item, set by the house.
        refits: whether `fit_again` is possible, because validation rows may join training ones.
        earlier: the processor of the run whose weights training begins with, set by the house before `setup`. Where
            symbols got their numbers in training, they keep those; other kinds of data measure anew.
    """

    name: str
    refits = False
    earlier: Any = None
    _spec: Spec
    _processor: Any

    def __init__(self, name: str, batch_size: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.name, self.batch_size, self.seed = name, batch_size, seed
        self.steps, self.chunk = 0, 1
        self._statistics: dict[str, Any] = {}
        check_at_least("data.batch_size", batch_size, 1)

    # -- what `setup` leaves behind ---------------------------------------------------------------------------

    @property
    def spec(self) -> Spec:
        """What a net is built from."""
        self.setup()
        return self._spec

    @property
    def processor(self) -> Any:
        """The fitted `Processor`."""
        self.setup()
        return self._processor

    @property
    def statistics(self) -> dict[str, Any]:
        """Numbers measured on the training part that a net needs besides sizes."""
        self.setup()
        return self._statistics

    # -- what a subclass says ---------------------------------------------------------------------------------

    def setup(self, stage: str | None = None) -> None:
        """Reads, splits, and fits the processor on the training part, once."""
        raise NotImplementedError

    def samples(self, part: str) -> Samples:
        """The samples of ``train``, ``validation`` or ``test``."""
        raise NotImplementedError

    def describe(self) -> str:
        """What a person should know before training: parts and their sizes, and what looks wrong."""
        raise NotImplementedError

    @property
    def protocol(self) -> str:
        """How the test is scored, to stand beside every number."""
        raise NotImplementedError

    @property
    def digest(self) -> str:
        """Changes when the content of the data does."""
        raise NotImplementedError

    # -- what it may say --------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """The name in tables, pictures and the tracking store."""
        return self.name

    @property
    def source(self) -> str:
        """Where it was read from: a path, or ``package``."""
        return "package"

    @property
    def size(self) -> int:
        """How much there is to learn from: training samples, or rows where samples overlap."""
        return len(self.samples("train"))

    def earlier_classes(self, kind: type) -> list[str]:
        """Classes of the run whose weights training begins with, whose numbers stay; empty where there is none.

        Args:
            kind: of processor; one of another kind has a head for something else.
        """
        return list(getattr(self.earlier, "classes", ())) if isinstance(self.earlier, kind) else []

    @property
    def kept(self) -> str:
        """What of the earlier run's processor goes on, and what is measured anew; empty without such a run."""
        if self.earlier is None:
            return ""
        words: list[str] = []
        alike = isinstance(self.processor, type(self.earlier))
        for word, name in (
            ("symbols", "tokenizer"),
            ("symbols", "source"),
            ("classes", "classes"),
            ({"class": "classes", "transcript": "symbols"}.get(self.spec.target.kind, ""), "names"),
        ):
            mine, theirs = (_plain(getattr(one, name, None)) for one in (self.processor, self.earlier))
            # The symbols of a language model stay in a classifier, too.
            if (alike or name == "tokenizer") and mine and mine == theirs and word and word not in words:
                words.append(word)
        kept = f"{' and '.join(words)} of that run stay" if words else "nothing of that run's processor stays"
        return f"start: its weights; {kept}; what is measured is measured anew on this training part"

    @property
    def fold_count(self) -> int:
        """How many folds take turns in being the test; 1 where something else says what the test is."""
        return 1

    def sampler(self) -> Sampler:
        """Which training samples make a batch."""
        return Shuffled(len(self.samples("train")), self.batch_size, self.seed)

    def evaluation_sampler(self, part: str) -> Sampler | None:
        """Batches of validation and test; None takes them in order."""
        return None

    def calibration(self) -> Samples | None:
        """Samples on which members are weighed and intervals set, None where there is nothing to set."""
        return None

    def calibrate(self, found: Sequence[tuple[dict[str, Tensor], Batch]], task: dict[str, Any]) -> None:
        """Sets in the processor what can only be known from predictions of samples that training did not see.

        Args:
            found: predictions and truth for every batch of `calibration`.
            task: settings of the task.
        """

    def columns_by_input(self) -> dict[str, tuple[list[int], list[int]]]:
        """What a person calls an input: its columns of `Batch.inputs`, and of `Batch.future`."""
        names = getattr(self.spec.inputs, "names", ())
        return {name: ([place], []) for place, name in enumerate(names)}

    def names_of_steps(self, batch: Batch) -> list[str] | None:
        """What a person calls the steps of the first sequence of a batch; None for those that only have numbers."""
        return None

    def suit(self, task: dict[str, Any]) -> None:
        """Hears the task's settings before batches are made of them; most kinds of data need not know."""

    def fit_again(self) -> None:
        """From now on validation rows belong to the training part, and the processor is fitted anew."""
        raise UserError(f"refit=true: {self.title} keeps its validation part apart. Allowed: auto, false.")

    # -- what it gives ----------------------------------------------------------------------------------------

    def train_dataloader(self) -> TrainingLoader:
        """Training batches; `steps` and `chunk` say how many an epoch and an item hold."""
        samples = self.samples("train")
        rank, world = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        if world > 1 and min(self.batch_size, len(samples)) < world:
            raise UserError(f"{len(samples)} training samples cannot be shared by {world} processes.")
        return TrainingLoader(samples, self.sampler(), self.steps, self.chunk, rank, world)

    def val_dataloader(self) -> EvaluationLoader:
        """Every validation sample once."""
        return EvaluationLoader(self.samples("validation"), self.evaluation_sampler("validation"))

    def test_dataloader(self) -> EvaluationLoader:
        """Every test sample once."""
        return EvaluationLoader(self.samples("test"), self.evaluation_sampler("test"))

    def example_batch(self) -> Batch:
        """The first batch of training, for estimates; the loaders stay where they are."""
        return self.samples("train").gather(self.sampler().draw(0)[0])


def _plain(part: Any) -> Any:
    return part.to_plain() if hasattr(part, "to_plain") else part
