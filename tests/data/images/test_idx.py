"""IDX files: literal bytes, round trips, and every way in which a file can be wrong."""

import gzip
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_lab.data.images.idx import read_idx
from lstm_lab.errors import UserError


def written(path, content):
    path.write_bytes(content)
    return path


def test_literal_bytes(tmp_path):
    content = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3]) + bytes([1, 2, 3, 4, 5, 255])
    assert read_idx(written(tmp_path / "a", content)).tolist() == [[1, 2, 3], [4, 5, 255]]
    assert read_idx(written(tmp_path / "a.gz", gzip.compress(content))).tolist() == [[1, 2, 3], [4, 5, 255]]


def test_elements_are_big_endian(tmp_path):
    content = bytes([0, 0, 0x0B, 1]) + struct.pack(">I2h", 2, 258, -2)
    assert read_idx(written(tmp_path / "a", content)).tolist() == [258, -2]


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=3),
    st.sampled_from([(8, "u1"), (0xC, "i4"), (0xE, "f8")]),
)
def test_round_trip(tmp_path_factory, shape, kind):
    code, dtype = kind
    array = np.arange(np.prod(shape)).reshape(shape).astype(f">{dtype}")
    header = bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)
    found = read_idx(written(tmp_path_factory.mktemp("idx") / "a", header + array.tobytes()))
    assert found.shape == tuple(shape)
    assert (found == array).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file"),
        (b"PK\3\4zip", "not an IDX file"),
        (bytes([0, 0, 8, 3, 0, 0]), "header is cut short"),
        (bytes([0, 0, 8, 1, 0, 0, 0, 3, 1]), "3 elements (3 bytes), but 1 bytes follow"),
        (gzip.compress(bytes(50), mtime=0)[:20], "damaged or cut short"),
    ],
)
def test_wrong_files_are_named(tmp_path, content, message):
    path = written(tmp_path / "wrong-file", content)
    with pytest.raises(UserError) as raised:
        read_idx(path)
    assert str(path) in str(raised.value)
    assert message in str(raised.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_idx(tmp_path / "none")


def test_the_published_files(shared_data):
    folder = shared_data / "images" / "mnist"
    images, labels = (read_idx(folder / f"t10k-{kind}-ubyte.gz") for kind in ("images-idx3", "labels-idx1"))
    assert images.shape == (10_000, 28, 28)
    assert labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert images[0].sum() == 18_454
