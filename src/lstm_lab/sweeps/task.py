"""The user's task function as an address that another process can find."""

from __future__ import annotations

import importlib
import importlib.util
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from lstm_lab.errors import UserError


@dataclass(frozen=True)
class TaskAddress:
    """Where a task function lives.

    Attributes:
        module: name to import it by; for a script run by its path, the file's stem.
        path: the script's file, None for a module.
        name: name of the function in the module.
        is_main: whether the application ran as ``__main__``; what it pickled then says so.
    """

    module: str
    path: str | None
    name: str
    is_main: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> TaskAddress:
        """Finds the address of a function.

        Raises:
            UserError: for a function inside a function, a lambda or an interactive session.
        """
        module, name = function.__module__, function.__qualname__
        if "<" in name:
            raise UserError(
                f"The task function {name} is not at the top level of a module, so no other process can "
                "import it. Move it there, or run trials in this process: hydra.sweeper.isolation=launcher."
            )
        if module != "__main__":
            return cls(module, None, name, False)
        main = sys.modules["__main__"]
        if main.__spec__ is not None:  # python -m package.module
            return cls(main.__spec__.name, None, name, True)
        path = getattr(main, "__file__", None)
        if path is None:
            raise UserError(
                "The task function was typed into an interactive session, so no other process can import it. "
                "Put it into a file, or run trials in this process: hydra.sweeper.isolation=launcher."
            )
        return cls(Path(path).stem, str(Path(path).resolve()), name, True)

    def load(self) -> Callable[..., Any]:
        """Imports the module and returns the bare task function, without Hydra's command line around it."""
        module = self.load_module()
        function: Any = module
        for part in self.name.split("."):
            function = getattr(function, part)
        # hydra.main keeps the function under __wrapped__ and lets a given config through all the same; where
        # decorators of the user's own lie around it, theirs stay in force.
        if function.__code__.co_name == "decorated_main":
            return function.__wrapped__
        return function

    def load_module(self) -> ModuleType:
        """Imports the module, without running what stands under ``if __name__ == "__main__"``."""
        if self.path is None:
            module = importlib.import_module(self.module)
        elif self.module in sys.modules and getattr(sys.modules[self.module], "__file__", None) == self.path:
            module = sys.modules[self.module]
        else:
            spec = importlib.util.spec_from_file_location(self.module, self.path)
            if spec is None or spec.loader is None:
                raise UserError(f"{self.path} cannot be imported.")
            module = importlib.util.module_from_spec(spec)
            sys.modules[self.module] = module
            spec.loader.exec_module(module)
        if self.is_main:
            # Configs typed with the application's own dataclasses were pickled as __main__.Something.
            sys.modules["__main__"] = module
        return module

    def command(self) -> str:
        """The words that start the application, for the command lines shown to the user."""
        start = ["python", str(self.path)] if self.path else ["python", "-m", self.module]
        return shlex.join([*start, *_which_config(sys.argv[1:])])


def _which_config(argv: Sequence[str]) -> list[str]:
    """The flags of Hydra that say where the config is found: without them, other words mean other things."""
    found, flags = [], ("--config-dir", "-cd", "--config-name", "-cn", "--config-path", "-cp")
    words = iter(argv)
    for word in words:
        if word in flags:
            found += [word, next(words, "")]
        elif word.startswith(tuple(f"{flag}=" for flag in flags)):
            found.append(word)
    return found
