import contextlib
import hashlib
import http.server
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest

from services.trainer.zoo.catalogue import BACKBONES, Backbone
from services.trainer.zoo.combination.limits import Limits
from services.trainer.zoo.sources.download import download, hash_of, is_reachable
from services.trainer.zoo.sources.mirror import FolderMirror
from services.trainer.zoo.sources.weights import Source, resolve
from shared.errors import Transient, UserFault
from tests.waiting import PATIENCE_S

SMALL = BACKBONES["mobilenet_0.25"]


def nothing(_row: Backbone) -> None:
    """A machine without packages that bring weights."""


def write_weights(folder: Path, *, num_numbers: int = SMALL.parameters) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / SMALL.weights_file
    with h5py.File(path, "w") as file:
        file.create_group("conv1").create_dataset("kernel", data=np.zeros(num_numbers, np.float32))
    return path


@pytest.fixture
def cut_off(monkeypatch):
    """A network that swallows every packet: a proxy that takes connections and never answers; it counts them."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv("NO_PROXY", "")
        yield lambda: num_waiting(silent)


def num_waiting(listener: socket.socket) -> int:
    """Count those who have connected."""
    listener.setblocking(False)
    taken = []
    with contextlib.suppress(BlockingIOError):
        while True:
            taken.append(listener.accept()[0])
    for connection in taken:
        connection.close()
    return len(taken)


@pytest.fixture
def direct(monkeypatch):
    """No proxy between this machine and itself."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")


@contextmanager
def served(content: bytes) -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name http.server asks for

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/weights.h5"
    finally:
        server.shutdown()
        server.server_close()


def test_the_mirror_comes_before_the_cache(tmp_path):
    write_weights(tmp_path / "mirror")
    write_weights(tmp_path / "cache")

    found = resolve(
        [SMALL.name], mirror=FolderMirror(tmp_path / "mirror"), cache_dir=tmp_path / "cache", allow_download=False
    )

    assert [(row.name, file.source) for row, file in found.usable] == [(SMALL.name, Source.MIRROR)]


def test_a_damaged_file_in_the_mirror_costs_nothing_where_the_cache_has_a_whole_one(tmp_path):
    write_weights(tmp_path / "mirror").write_bytes(b"no HDF5 at all")
    write_weights(tmp_path / "cache")

    found = resolve(
        [SMALL.name], mirror=FolderMirror(tmp_path / "mirror"), cache_dir=tmp_path / "cache", allow_download=False
    )

    assert found.usable[0][1].source is Source.CACHE


@pytest.mark.parametrize("damage", ["cut", "foreign"])
def test_a_damaged_file_is_a_reason_to_skip_and_not_a_crash(tmp_path, damage):
    path = write_weights(tmp_path / "mirror", num_numbers=SMALL.parameters if damage == "cut" else 1000)
    if damage == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    found = resolve(
        [SMALL.name, "tiny"],
        mirror=FolderMirror(tmp_path / "mirror"),
        cache_dir=tmp_path / "cache",
        allow_download=False,
    )

    assert [row.name for row, _ in found.usable] == ["tiny"]
    ((name, reason),) = found.skipped
    assert name == SMALL.name
    assert SMALL.weights_file in reason
    assert "CONVTAILOR_WEIGHTS" in reason


def test_auto_falls_back_on_the_bundled_backbone_and_says_why_of_every_other(tmp_path):
    found = resolve(["auto"], mirror=None, cache_dir=tmp_path, allow_download=False, find_installed=nothing)

    assert [(row.name, file.source) for row, file in found.usable] == [("tiny", Source.BUNDLED)]
    assert {name for name, _ in found.skipped} == set(BACKBONES) - {"tiny"}


def test_auto_leaves_the_bundled_backbone_out_where_there_is_a_better_one(tmp_path):
    write_weights(tmp_path / "mirror")

    found = resolve(
        ["auto"],
        mirror=FolderMirror(tmp_path / "mirror"),
        cache_dir=tmp_path,
        allow_download=False,
        find_installed=nothing,
    )

    assert [row.name for row, _ in found.usable] == [SMALL.name]
    assert "tiny" in dict(found.skipped)


def test_weights_of_what_is_too_large_for_the_person_are_asked_for_nowhere(tmp_path):
    folder, asked = tmp_path / "mirror", []
    write_weights(folder)

    def find_installed(row):
        asked.append(row.name)

    found = resolve(
        ["vgg16", "mobilenet_0.25"],
        mirror=FolderMirror(folder),
        cache_dir=tmp_path / "cache",
        allow_download=False,
        find_installed=find_installed,
        objection=Limits(max_parameters=10**6).objection_to_size,
    )
    assert [row.name for row, _ in found.usable] == ["mobilenet_0.25"]
    assert found.skipped == (("vgg16", "it has 14,714,688 parameters, and max_parameters is 1,000,000"),)
    assert "vgg16" not in asked


def test_nothing_usable_is_a_fault_that_names_every_reason(tmp_path):
    with pytest.raises(UserFault) as raised:
        resolve(["vgg16", "xception"], mirror=None, cache_dir=tmp_path, allow_download=False)

    fault = raised.value.fault
    assert fault.code == "no_usable_candidate"
    assert [entry["name"] for entry in fault.details["skipped"]] == ["vgg16", "xception"]


def test_without_a_network_all_downloads_together_wait_for_one_answer_only(tmp_path, cut_off):
    found = resolve(["auto"], mirror=None, cache_dir=tmp_path, find_installed=nothing)

    assert cut_off() == 1
    assert [row.name for row, _ in found.usable] == ["tiny"]
    assert "cannot be reached" in dict(found.skipped)["vgg16"]


def test_a_download_arrives_whole_and_checked(tmp_path, direct):
    content = b"weights" * 1000
    target = tmp_path / "models" / "weights.h5"
    with served(content) as url:
        assert is_reachable(url, within_s=PATIENCE_S)
        download(url, target, expected_hash=hashlib.md5(content).hexdigest(), deadline_s=time.monotonic() + PATIENCE_S)

    assert target.read_bytes() == content
    assert list(target.parent.iterdir()) == [target]


def test_a_download_with_another_hash_leaves_nothing_behind(tmp_path, direct):
    target = tmp_path / "weights.h5"
    with served(b"something else") as url, pytest.raises(Transient, match="damaged"):
        download(url, target, expected_hash="0" * 64, deadline_s=time.monotonic() + PATIENCE_S)

    assert not list(tmp_path.iterdir())


def test_a_download_that_comes_too_late_is_given_up(tmp_path, direct):
    with served(b"slow") as url, pytest.raises(Transient, match="time limit"):
        download(url, tmp_path / "weights.h5", expected_hash=None, deadline_s=0.0)


def test_the_bundled_weights_are_the_ones_that_the_catalogue_pins():
    found = resolve(["tiny"], mirror=None, allow_download=False)
    assert hash_of(found.usable[0][1].path, "0" * 64) == BACKBONES["tiny"].weights_hash
