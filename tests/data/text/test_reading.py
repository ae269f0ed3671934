"""Plain text: encodings, gz, and lines that end where a person ended them."""

import gzip
from pathlib import Path

import pytest

from lstm_lab.data.download import checksum_of
from lstm_lab.data.text import registry
from lstm_lab.data.text.reading import digest, lines, read_text
from lstm_lab.data.text.registry import FILES
from lstm_lab.errors import UserError


def test_lines_end_at_newline_only(tmp_path):
    """Marks at which `str.splitlines` would cut stand inside lines of parallel files."""
    path = tmp_path / "a.txt"
    path.write_bytes("one\u0085still one\u2028still\x0cone\r\ntwo\n".encode())
    assert lines(read_text(path)) == ["one\u0085still one\u2028still\x0cone", "two"]
    assert lines("a\n\nb") == ["a", "", "b"]


def test_gz_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress("\ufeffhello\n".encode()))
    assert read_text(path) == "hello\n"


def test_the_named_encoding_is_used(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("für\n".encode("latin-1"))
    assert read_text(path, "latin-1") == "für\n"
    with pytest.raises(UserError, match=r"a\.txt, byte 1: 0xfc is not utf-8"):
        read_text(path)


@pytest.mark.parametrize(
    ("name", "content", "encoding", "message"),
    [
        ("missing.txt", None, "utf-8", "there is no such file"),
        ("empty.txt", b" \n", "utf-8", "the file is empty"),
        ("cut.gz", gzip.compress(b"hello" * 100, mtime=0)[:-20], "utf-8", "cannot be read"),
        ("fine.txt", b"a", "utf-9", r"data\.encoding=utf-9 is not known"),
    ],
)
def test_mistakes_are_one_line(tmp_path, name, content, encoding, message):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_text(tmp_path / name, encoding)
    assert "\n" not in str(caught.value)


def test_digest_tells_parts_apart():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("ab", "c") == digest(b"ab", "c")


def test_the_shared_files_have_the_checksums_of_the_registry(shared_data):
    found = {name: checksum for name, (_, checksum) in FILES.items() if (shared_data / name).is_file()}
    assert len(found) >= 18
    for name, checksum in found.items():
        assert checksum_of(shared_data / name) == checksum, name


def test_what_data_looks_for_is_what_the_registry_has():
    """A name that no reader asks for would never be downloaded."""
    source = Path(registry.__file__).parent
    readers = "".join(path.read_text() for path in source.glob("*.py") if path.name != "registry.py")
    folders = {name.rpartition("/")[0] for name in FILES}
    assert all(f"{folder}/" in readers for folder in folders)
    assert all(url.startswith("https://") and url.rpartition("/")[2] == name.rpartition("/")[2]
               for name, (url, _) in FILES.items())  # fmt: skip
