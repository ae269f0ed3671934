"""What a run has to say of itself so that it can be understood, and repeated, years later."""

from __future__ import annotations

import functools
import getpass
import importlib.metadata
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from lstm_lab.tracking.redaction import redact_text

# Versions that decide numbers, for the tags; `packages` lists all.
_DECIDING = ("lstm-lab", "torch", "lightning", "numpy", "pandas", "optuna", "mlflow")
# Bytes of a diff that are kept.
_CAP = 1_000_000
_PACKAGE = Path(__file__).resolve().parents[1]


def identity(
    command: Sequence[str] | None = None,
    seed: int | None = None,
    threads: int | None = None,
    device: str = "",
) -> dict[str, str]:
    """Returns tags: code, versions, machine, command line; those of MLflow's own names fill its columns.

    Args:
        command: the words of the command line, `sys.argv` if not given; secrets in it are hidden.
        seed: of the run.
        threads: that torch uses.
        device: as ``cpu`` or ``cuda:0 NVIDIA H200``.
    """
    words = list(sys.argv if command is None else command)
    code = commit()
    tags = {
        "mlflow.user": _user(),
        "mlflow.source.name": Path(words[0]).name if words else "python",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": code.get("commit", ""),
        "git.dirty": code.get("dirty", ""),
        "command": redact_text(shlex.join(words)),
        "host": socket.gethostname(),
        "python": platform.python_version(),
        "versions": ", ".join(f"{name} {version}" for name, version in packages(_DECIDING).items()),
        "seed": "" if seed is None else str(seed),
        "threads": "" if threads is None else str(threads),
        "device": device,
    }
    return {name: value for name, value in tags.items() if value}


def packages(names: Sequence[str] = ()) -> dict[str, str]:
    """Returns versions of the named packages that are installed, or of all."""
    found = _installed()
    if names:
        return {name: found[name] for name in names if name in found}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


@functools.cache
def _installed() -> dict[str, str]:
    # `Distribution.metadata` parses each description as an e-mail: 0.3 s for 300 packages. Two lines are enough.
    found = {}
    for one in importlib.metadata.distributions():
        text = one.read_text("METADATA") or one.read_text("PKG-INFO") or ""
        fields = dict(line.split(": ", 1) for line in text.partition("\n\n")[0].split("\n") if ": " in line)
        if "Name" in fields and "Version" in fields:
            found[fields["Name"]] = fields["Version"]
    return found


def commit() -> dict[str, str]:
    """Returns ``commit`` and ``dirty`` of the repository that the package itself lies in, or nothing.

    An installed package inside somebody's repository is not part of it: git has to know our files.
    """
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return {}
    changed = _git("status", "--porcelain", "--untracked-files=normal", ":/")
    return {"commit": (_git("rev-parse", "HEAD") or "").strip(), "dirty": "true" if changed else "false"}


def difference(cap: int = _CAP) -> str:
    """Returns what differs from the commit: the diff, its size capped, and the names of new files."""
    if not commit():
        return ""
    diff = redact_text(_git("diff", "HEAD", "--no-color", "--no-ext-diff") or "")
    size = len(diff.encode())
    if size > cap:
        kept = diff.encode()[:cap].decode("utf-8", "ignore")
        diff = f"{kept}\n[cut: {size} bytes in all, {cap} kept]\n"
    new = _git("ls-files", "--others", "--exclude-standard", "--full-name", ":/") or ""
    return diff + "".join(f"[new, not in the diff] {name}\n" for name in new.splitlines())


def write_record(directory: Path) -> list[Path]:
    """Writes ``packages.txt`` and, if there is one, ``code.diff``; returns the files."""
    listing = directory / "packages.txt"
    listing.write_text("".join(f"{name}=={version}\n" for name, version in packages().items()))
    diff = difference()
    if not diff:
        return [listing]
    (directory / "code.diff").write_text(diff)
    return [listing, directory / "code.diff"]


def _git(*words: str) -> str | None:
    command = ["git", "-C", str(_PACKAGE), *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired):  # no git, or a repository on a sleeping disk
        return None
    return done.stdout if done.returncode == 0 else None


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return ""
