"""Downloads, from mirrors on this machine: right, wrong, broken off, and absent. No network is used."""

import http.server
import socket
import threading
from pathlib import Path

import pooch
import pytest

from tinygrad_cnn import data
from tinygrad_cnn.data.catalog import TEST_IMAGES, TRAIN_IMAGES
from tinygrad_cnn.errors import DownloadError


class Mirrors(http.server.BaseHTTPRequestHandler):
    """The first part of a path says how the mirror behaves, the last one which file is wanted."""

    folder: Path
    requests: list[str]

    def do_GET(self):
        _, behaviour, name = self.path.split("/")
        self.requests.append(f"{behaviour}/{name}")
        content = (self.folder / name).read_bytes()
        headers = {}
        if behaviour == "gone":
            self.send_error(404)
            return
        if behaviour == "portal":
            content = b"<html>please log in</html>"
        if behaviour == "corrupted":
            content = content[:-20] + bytes(20)
        if behaviour == "other":
            content = (self.folder / f"{TEST_IMAGES}.gz").read_bytes()
        if behaviour == "truncated":
            content = content[: len(content) // 2]
        if behaviour == "unpacking":
            # Some servers call the compression a property of the transfer; clients then undo it.
            headers = {"Content-Encoding": "gzip"}
        self.send_response(200)
        for header, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(header, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if behaviour == "dropped" else content)

    def log_message(self, *_):
        pass


@pytest.fixture
def mirrors(tmp_path, write_tiny, monkeypatch):
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "127.0.0.1")
    handler = type("Handler", (Mirrors,), {"folder": write_tiny(tmp_path / "served"), "requests": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        handler.url = f"http://127.0.0.1:{server.server_port}"
        yield handler
        server.shutdown()
        thread.join()


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "tinygrad_cnn" / "tiny"


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


def test_a_download_is_kept_for_the_next_time(mirrors, register_tiny, cache):
    register_tiny(f"{mirrors.url}/right")
    first = data.load("tiny")
    assert first.train.labels.tolist() == [0, 1, 1, 0, 1]
    assert files(cache) == files(mirrors.folder)
    assert len(mirrors.requests) == 4
    assert data.load("tiny", download=False).train.images.tolist() == first.train.images.tolist()
    assert len(mirrors.requests) == 4


def test_a_download_goes_to_the_root_if_there_is_one(mirrors, register_tiny, cache, tmp_path):
    register_tiny(f"{mirrors.url}/right")
    data.load("tiny", root=tmp_path / "mine")
    assert files(tmp_path / "mine" / "tiny") == files(mirrors.folder)
    assert not cache.exists()


@pytest.mark.parametrize("bad", ["gone", "portal", "corrupted", "other", "truncated", "dropped"])
def test_the_next_mirror_helps_out(mirrors, register_tiny, cache, bad):
    register_tiny(f"{mirrors.url}/{bad}", f"{mirrors.url}/right")
    assert len(data.load("tiny").train) == 5
    assert files(cache) == files(mirrors.folder)
    assert mirrors.requests[:2] == [f"{bad}/{TRAIN_IMAGES}.gz", f"right/{TRAIN_IMAGES}.gz"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("gone", "404"),
        ("portal", "<htm"),
        ("corrupted", "wrong file"),
        ("other", "SHA-256"),
        ("truncated", "wrong file"),
        ("dropped", "no file"),
    ],
)
def test_a_bad_download_leaves_nothing(mirrors, register_tiny, cache, bad, reason):
    register_tiny(f"{mirrors.url}/{bad}")
    with pytest.raises(DownloadError, match=f"could not be downloaded(.|\n)*{bad}(.|\n)*{reason}"):
        data.load("tiny")
    assert files(cache) == []


def test_a_server_that_unpacks_is_no_problem(mirrors, register_tiny, cache):
    register_tiny(f"{mirrors.url}/unpacking")
    assert len(data.load("tiny").test) == 2
    assert len(data.load("tiny", download=False).test) == 2


def test_only_missing_files_are_fetched(mirrors, register_tiny, write_tiny, cache):
    register_tiny(f"{mirrors.url}/right")
    (write_tiny(cache) / f"{TEST_IMAGES}.gz").unlink()
    data.load("tiny")
    assert mirrors.requests == [f"right/{TEST_IMAGES}.gz"]


def test_no_mirror_in_reach_says_what_was_tried_and_what_to_do(register_tiny, cache, monkeypatch):
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(variable, "127.0.0.1")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        closed = listener.getsockname()[1]
    tried = [f"http://127.0.0.1:{closed}/{mirror}" for mirror in ("one", "two")]
    register_tiny(*tried)
    with pytest.raises(DownloadError) as error:
        data.load("tiny")
    for mirror in tried:
        assert mirror in error.value.got
    assert "ask a friend for it" in error.value.hint
    assert f"{TRAIN_IMAGES}.gz" in error.value.hint
    assert str(cache) in error.value.hint
    assert files(cache) == []


def test_ctrl_c_leaves_nothing(register_tiny, cache, monkeypatch):
    class Interrupted(pooch.HTTPDownloader):
        def __call__(self, url, output_file, pooch):
            Path(output_file).write_bytes(b"half a file")
            raise KeyboardInterrupt

    monkeypatch.setattr(pooch, "HTTPDownloader", Interrupted)
    register_tiny("http://127.0.0.1:1")
    with pytest.raises(KeyboardInterrupt):
        data.load("tiny")
    assert files(cache) == []


def test_a_folder_that_cannot_be_written_to(register_tiny, tmp_path):
    (tmp_path / "mine").write_text("a file where a folder should be")
    register_tiny("http://127.0.0.1:1")
    with pytest.raises(DownloadError, match="mine"):
        data.load("tiny", root=tmp_path / "mine")
