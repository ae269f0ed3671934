"""IDX files, the format of MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST), plain or gzipped.

The format (Yann LeCun's MNIST page): two zero bytes, a byte for the element type, a byte for the number of
dimensions, each dimension as a big-endian 32-bit integer, then the elements, the last dimension fastest.
"""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np

from lstm_lab.errors import UserError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: str | Path) -> np.ndarray:
    """Reads one IDX file.

    Returns:
        The array in the machine's byte order, not writable.

    Raises:
        UserError: if the file is missing, damaged, shorter or longer than its header says, or not IDX.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror or error}.") from None
    except (EOFError, zlib.error):
        raise UserError(f"{path}: the gzip file is damaged or cut short.") from None
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in _TYPES or not content[3]:
        raise UserError(f"{path}: not an IDX file (its first bytes are {content[:4].hex(' ') or 'missing'}).")
    dtype, dimensions = np.dtype(_TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise UserError(f"{path}: the IDX header is cut short.")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if len(content) - start != expected:
        raise UserError(
            f"{path}: the header says {'×'.join(map(str, shape))} elements ({expected} bytes), "
            f"but {len(content) - start} bytes follow."
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)
