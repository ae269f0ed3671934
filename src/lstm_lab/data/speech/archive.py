"""Files of a folder, or of a zip that stays packed."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from lstm_lab.errors import UserError


class Archive:
    """Files by their path inside a folder or a zip.

    Args:
        path: a folder, or a file whose name ends in ``.zip``.

    Raises:
        UserError: if there is neither.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path).expanduser()
        self._zip: zipfile.ZipFile | None = None
        if self.path.is_dir():
            found = (one for one in self.path.rglob("*") if one.is_file())
            self.names = sorted(one.relative_to(self.path).as_posix() for one in found)
        elif self.path.is_file():
            try:
                self._zip = zipfile.ZipFile(self.path)
            except zipfile.BadZipFile:
                raise UserError(f"{self.path} is neither a folder nor a zip of recordings.") from None
            self.names = sorted(one for one in self._zip.namelist() if not one.endswith("/"))
        else:
            raise UserError(f"{self.path}: there is no such folder or zip.")

    def named(self, name: str) -> str:
        """What messages call a file."""
        return str(self.path / name)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            UserError: if it is not there, or damaged.
        """
        try:
            return self._zip.read(name) if self._zip else (self.path / name).read_bytes()
        except (OSError, KeyError):
            raise UserError(f"{self.named(name)}: there is no such file.") from None
        except zipfile.BadZipFile:
            raise UserError(f"{self.named(name)}: the zip is damaged here.") from None

    def fingerprint(self, name: str) -> str:
        """A word that changes with the content of a file; a zip knows its checksums without unpacking."""
        if self._zip:
            try:
                about = self._zip.getinfo(name)
            except KeyError:
                raise UserError(f"{self.named(name)}: there is no such file.") from None
            return f"{about.CRC:08x}-{about.file_size}"
        return hashlib.blake2b(self.read(name), digest_size=16).hexdigest()
