"""Downloads from a server on loopback: right files, wrong ones, none, and no server at all."""

import hashlib
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from lstm_lab.data import files
from lstm_lab.data.download import checksum_of, fetch
from lstm_lab.data.timeseries import registry
from lstm_lab.errors import UserError

CONTENT = b"t,y\n" + b"2001-01,1\n" * 20_000


@pytest.fixture
def server(tmp_path):
    """A folder served on loopback, and the requests that came."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "good.csv").write_bytes(CONTENT)
    seen = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, _, *words):
            seen.append(words[0])

    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=web.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{web.server_address[1]}", seen
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_file_comes_whole_and_only_once(server, tmp_path):
    address, seen = server
    target = tmp_path / "cache" / "deep" / "good.csv"
    for _ in range(2):
        assert fetch(f"{address}/good.csv", hashlib.sha256(CONTENT).hexdigest(), target) == target
        assert target.read_bytes() == CONTENT
    assert len(seen) == 1


def test_git_names_are_checksums_too(server, tmp_path):
    address, _ = server
    (tmp_path / "empty").touch()
    assert checksum_of(tmp_path / "empty", "md5") == "md5:d41d8cd98f00b204e9800998ecf8427e"
    assert checksum_of(tmp_path / "empty", "sha1") == "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709"
    assert checksum_of(tmp_path / "empty", "git") == "git:e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    name = "git:" + hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    assert fetch(f"{address}/good.csv", name, tmp_path / "here.csv").is_file()


WRONG = {
    "another content": ("good.csv", "0" * 64, "the file has changed"),
    "no such file": ("none.csv", "0" * 64, "the server answered 404"),
}


@pytest.mark.parametrize(("name", "checksum", "told"), WRONG.values(), ids=list(WRONG))
def test_what_is_wrong_is_one_line_and_leaves_nothing(name, checksum, told, server, tmp_path):
    address, _ = server
    with pytest.raises(UserError, match=told) as error:
        fetch(f"{address}/{name}", checksum, tmp_path / "cache" / "x.csv")
    assert len(str(error.value).splitlines()) == 1
    assert list((tmp_path / "cache").iterdir()) == []


def test_without_a_network_the_way_out_is_named(tmp_path):
    with pytest.raises(UserError, match=r"no network.*data\.dir.*LSTM_LAB_DATA") as error:
        fetch("http://127.0.0.1:9/x.csv", "0" * 64, tmp_path / "x.csv")
    assert len(str(error.value).splitlines()) == 1
    assert str(error.value).startswith("http://127.0.0.1:9/x.csv: ")
    assert f"save it as {tmp_path / 'x.csv'}," in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_resolver_that_tries_for_minutes_is_not_waited_for(tmp_path, monkeypatch):
    asked = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_: asked.wait(60))
    monkeypatch.setattr("lstm_lab.data.download._CONNECT", 0.05)
    started = time.monotonic()
    with pytest.raises(UserError, match="no network"):
        fetch("http://nowhere.invalid/x.csv", "0" * 64, tmp_path / "x.csv")
    assert time.monotonic() - started < 30
    asked.set()


def test_a_named_file_is_looked_for_first_and_then_downloaded(server, tmp_path, monkeypatch):
    address, seen = server
    monkeypatch.setenv("LSTM_LAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LSTM_LAB_DATA", raising=False)
    row = (f"{address}/good.csv", hashlib.sha256(CONTENT).hexdigest())
    monkeypatch.setitem(registry.FILES, "timeseries/good.csv", row)
    own = tmp_path / "own" / "timeseries"
    own.mkdir(parents=True)
    (own / "good.csv").write_bytes(b"mine")
    assert files.find("timeseries/good.csv", tmp_path / "own").read_bytes() == b"mine"
    assert seen == []
    assert files.find("timeseries/good.csv").read_bytes() == CONTENT
    assert files.find("timeseries/good.csv") == tmp_path / "cache" / "timeseries" / "good.csv"
    assert len(seen) == 1


@pytest.mark.parametrize("name", registry.NAMED)
def test_every_name_says_where_it_comes_from(name):
    known = registry.NAMED[name]
    assert known.licence
    assert known.about
    if known.file:
        url, checksum = registry.FILES[known.file]
        assert url.startswith("https://")
        assert len(checksum.removeprefix("git:")) in (40, 64)


def test_the_shared_files_have_the_checksums_of_the_registry(shared_data):
    checked = 0
    for relative, (_, checksum) in registry.FILES.items():
        if (path := shared_data / relative).is_file():
            assert checksum_of(path, checksum.rpartition(":")[0]) == checksum, relative
            checked += 1
    assert checked >= 7
