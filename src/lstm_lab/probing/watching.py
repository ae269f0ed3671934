"""A probe while training: a look before the first step and after each validation, and one at what is tested."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pandas as pd

from lstm_lab.errors import check_at_least
from lstm_lab.predictor import Predictor
from lstm_lab.probing import gates
from lstm_lab.probing.report import Probed, Settings, draw, look

# Curves in the picture of a training; the first and the last are among them.
_CURVES = 6


class Watch(pl.Callback):
    """Looks into the model while it learns: on validation sequences, and never on the test.

    The course goes to ``probe_<name>_course.csv`` and, for what goes by lag, a picture; `finish` shows the final model.

    Args:
        probe: ``gradients``, ``gates``, ``memory`` or ``importance``.
        sequences: of validation that are looked at, as in `Settings`.
        lag: the longest lag; as far as these sequences go if None.
        after: steps that are read before states are exchanged.
        sample: sequence of the validation part on which gates are shown.
        every: validations between two looks; 0 looks at the final model alone.
        repeats: permutations of each input.
    """

    in_rounds = True

    def __init__(
        self,
        probe: str,
        sequences: int | None = None,
        lag: int | None = None,
        after: int = 2,
        sample: int = 0,
        every: int = 1,
        repeats: int = 10,
    ) -> None:
        check_at_least("probe.every", every, 0)
        self.settings = Settings(probe, "validation", sequences, lag, after, sample, repeats)
        self.every = every
        self._seen = 0
        self._rows: list[dict[str, Any]] = []

    def check(self, model: Any, data: Any) -> None:
        """Looks once and keeps nothing.

        Raises:
            UserError: if this network, or this data, cannot be looked into in this way.
        """
        look(model, data.processor, self.settings, data)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Looks at the network as it begins."""
        if not self._rows and self.every:
            self._look(trainer, pl_module)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Looks at the network as it is now."""
        if trainer.sanity_checking:
            return
        self._seen += 1
        if self.every and self._seen % self.every == 0:
            self._look(trainer, pl_module)

    def _look(self, trainer: pl.Trainer, model: Any) -> None:
        if not trainer.is_global_zero:
            return
        data = trainer.datamodule  # type: ignore[attr-defined]
        found = look(model, data.processor, self.settings, data)
        table = found.table
        if self.settings.probe == "gates":
            table = gates.means_of(table)
        rows = table.assign(training_step=trainer.global_step).to_dict("records")
        self._rows += [{str(key): value for key, value in row.items()} for row in rows]

    def on_fit_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Writes the course, and hands it to the record of the run."""
        home = trainer.logger.save_dir if trainer.logger and trainer.is_global_zero else None
        if home is None or not self._rows:
            return
        name, table = self.settings.probe, pd.DataFrame(self._rows)
        written = [Path(home, f"probe_{name}_course.csv")]
        table.to_csv(written[0], index=False)
        if name in ("gradients", "memory"):
            steps = sorted(table["training_step"].unique())
            shown = [steps[round(place * (len(steps) - 1) / (_CURVES - 1))] for place in range(_CURVES)]
            curves = {
                f"step {step}": Probed(table[table["training_step"] == step], "")
                for step in dict.fromkeys(shown)
            }
            title = trainer.datamodule.title  # type: ignore[attr-defined]
            written.append(Path(home, "figures", f"probe_{name}_course.png"))
            draw(written[-1], self.settings, curves, title)
        for path in written:
            trainer.logger.experiment.log_artifact(path)  # type: ignore[union-attr]

    def finish(self, predictor: Predictor, data: Any, directory: Path) -> tuple[list[Path], str]:
        """Looks at the final model; returns what was written into the run directory, and a line for a person."""
        found = look(predictor.model, predictor.processor, self.settings, data)
        name = self.settings.probe
        paths = [directory / f"probe_{name}.csv", directory / "figures" / f"probe_{name}.png"]
        found.table.to_csv(paths[0], index=False)
        draw(paths[1], self.settings, {predictor.model.hparams["cell"]: found}, data.title)
        return paths, found.line

    def state_dict(self) -> dict[str, Any]:
        """The course so far, plain."""
        return {"seen": self._seen, "rows": self._rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on below the course of an earlier session."""
        self._seen, self._rows = int(state_dict["seen"]), list(state_dict["rows"])
