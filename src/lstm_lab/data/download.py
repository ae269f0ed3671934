"""Downloads with a checksum: written aside, checked, and only then moved into the cache."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

from lstm_lab.errors import UserError

_CONNECT, _ANSWER = 5, 30  # seconds until a server is reached, and between two pieces of what it sends
_BLOCK = 1 << 20


def fetch(url: str, checksum: str, target: Path) -> Path:
    """Downloads one file, with a progress bar where someone is looking.

    Args:
        url: where it lies.
        checksum: its sha256; or ``md5:`` or ``sha1:`` and that, or ``git:`` and the name of its blob in a git
            repository.
        target: where it goes. A file that is there is taken as it is: it was checked when it came.

    Returns:
        `target`.

    Raises:
        UserError: if there is no network, no such file, or another content than expected; nothing is left behind.
    """
    if target.is_file():
        return target
    import pooch
    import requests

    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    download = pooch.HTTPDownloader(progressbar=sys.stderr.isatty(), timeout=(_CONNECT, _ANSWER))
    print(f"downloading {url}", file=sys.stderr)
    try:
        if not requests.utils.get_environ_proxies(url):  # a proxy looks names up by itself
            _look_up(urlsplit(url).hostname or "")
        download(url, str(part), None)
        found = checksum_of(part, checksum.rpartition(":")[0])
        if found != checksum:
            raise UserError(f"{url}: the file has changed: its checksum is {found}, expected {checksum}.")
        part.replace(target)  # no half a file ever has the right name
    except requests.HTTPError as error:
        answer = "" if error.response is None else f" {error.response.status_code}"
        raise UserError(f"{url}: the server answered{answer}.") from None
    except (requests.RequestException, OSError) as error:
        away = isinstance(error, (requests.ConnectionError, requests.Timeout, _Unknown))
        what = "no network" if away else type(error).__name__
        raise UserError(
            f"{url}: {what}. Download it by hand and save it as {target}, or name its folder with data.dir=… or "
            "LSTM_LAB_DATA=…"
        ) from None
    finally:
        part.unlink(missing_ok=True)
    return target


class _Unknown(OSError):
    """The name of a host has no address, or none was found in time."""


def _look_up(host: str) -> None:
    """Raises `_Unknown` where a host has no address.

    Without a network a resolver tries for up to a minute, and no timeout of a socket covers that: so it is asked
    aside.
    """
    found: list[object] = []

    def ask() -> None:
        with contextlib.suppress(OSError):
            found.append(socket.getaddrinfo(host, None))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(_CONNECT)
    if not found:
        raise _Unknown(host)


def checksum_of(path: Path, kind: str = "") -> str:
    """The checksum of a file as `fetch` takes it: sha256, or ``md5``, ``sha1`` or ``git``, that word before it."""
    digest = hashlib.new({"": "sha256", "git": "sha1"}.get(kind, kind), usedforsecurity=False)
    if kind == "git":
        digest.update(b"blob %d\0" % path.stat().st_size)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return f"{kind}:{digest.hexdigest()}" if kind else digest.hexdigest()
