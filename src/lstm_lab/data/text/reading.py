"""Plain text from a file: gz or not, an encoding that is named, lines that end at "\\n" and nowhere else.

`str.splitlines` also splits at U+0085, U+2028, form feeds and others, which stand inside real sentences and would
break the alignment of parallel files; so it is not used here.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from pathlib import Path

from lstm_lab.errors import UserError


def read_bytes(path: str | Path) -> bytes:
    """Returns a file's bytes, unpacked if its name ends in ``.gz``.

    Raises:
        UserError: if there is no such file, it cannot be read, or it holds nothing.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise UserError(f"{path}: there is no such file.")
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    if not content.strip():
        raise UserError(f"{path}: the file is empty.")
    return content


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """Returns a file as text, without a byte order mark and with "\\r\\n" as "\\n".

    Args:
        path: the file; ``.gz`` is unpacked.
        encoding: a name that Python knows.

    Raises:
        UserError: naming file and byte offset where the bytes are not of that encoding.
    """
    content = read_bytes(path)
    try:
        text = content.decode(encoding)
    except LookupError:
        raise UserError(f"data.encoding={encoding} is not known. Usual: utf-8, latin-1, cp1252.") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}, byte {error.start}: 0x{content[error.start]:02x} is not {encoding}. Name the file's encoding:"
            " data.encoding=latin-1, say."
        ) from None
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def lines(text: str) -> list[str]:
    """Splits at "\\n" only; the last line needs none."""
    rows = text.split("\n")
    return rows[:-1] if rows and not rows[-1] else rows


def digest(*parts: str | bytes) -> str:
    """Returns a SHA-256 of content, 16 hexadecimal digits."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.encode() if isinstance(part, str) else part)
        total.update(b"\0")
    return total.hexdigest()[:16]
