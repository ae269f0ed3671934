"""What one network is built from, beside the settings of its task."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lstm_lab.nets.frontend import build_frontend
from lstm_lab.nets.init import build_core
from lstm_lab.nets.recurrent import Recurrent
from lstm_lab.spec import Spec


@dataclass(frozen=True)
class Blueprint:
    """Sizes from the data, settings from the model, and which member of an ensemble it is for.

    Attributes:
        spec: sizes of the data.
        core: settings of the recurrent core.
        statistics: what the data measured on its training part.
        number: 0, 1, … among the members of an ensemble.
        frontend: settings of what stands before the core; None takes the usual one for the kind of input.
    """

    spec: Spec
    core: dict[str, Any]
    statistics: dict[str, Any] = field(default_factory=dict)
    number: int = 0
    frontend: dict[str, Any] | None = None

    def build_frontend(self) -> Any:
        """Returns what stands before the core: a module with ``output_size``, see `lstm_lab.nets.frontend`."""
        return build_frontend(self.spec.inputs, self.frontend, self.statistics)

    def build_core(self, size: int) -> Recurrent:
        """Returns the core, new, for `size` features at each step."""
        return build_core(size, self.core)
