"""``lstm-lab <command> …``, the same doors as ``python -m lstm_lab.<command> …``."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

from lstm_lab.errors import nearest


def commands() -> list[str]:
    """Names of all doors: the modules at the top of the package that have a ``main``."""
    modules = [found.name for found in pkgutil.iter_modules([str(Path(__file__).parent)]) if not found.ispkg]
    texts = {name: (Path(__file__).parent / f"{name}.py").read_text() for name in modules}
    return [name for name in modules if "\ndef main(" in texts[name] and name != "__main__"]


def main(argv: list[str] | None = None) -> int:
    """Hands the rest of the words to the door that the first one names."""
    argv = list(sys.argv[1:] if argv is None else argv)
    known = commands()
    if not argv or argv[0] in ("--help", "-h"):
        print("usage: lstm-lab <command> [key=value …]\ncommands: " + ", ".join(known))
        return 0 if argv else 2
    if argv[0] not in known:
        print(
            f"lstm_lab: {argv[0]} is no command.{nearest(argv[0], known)} Allowed: {', '.join(known)}.",
            file=sys.stderr,
        )
        return 2
    return int(importlib.import_module(f"lstm_lab.{argv[0]}").main(argv[1:]))


if __name__ == "__main__":
    raise SystemExit(main())
