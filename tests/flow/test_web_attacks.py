"""Peers that are slow on purpose, against the real server process: the others go on being served.

Every attack opens a handful of connections on this machine's loopback and ends with its test.
"""

import contextlib
import io
import select
import socket
from collections.abc import Callable, Iterator
from datetime import timedelta

import psutil
import pytest

from services.intake.settings import IntakeSettings
from shared.backends import open_backends
from tests.intake_fixture import small_archive
from tests.intake_process import IntakeProcess
from tests.waiting import PATIENCE_S, until
from tests.wire import answer_on, connect, head, upload_head

REQUEST_THREADS = 2
TRANSFER_THREADS = 3
NUM_ATTACKERS = 2 * (REQUEST_THREADS + TRANSFER_THREADS)
OBJECT_BYTES = 16 << 20
"""More than the kernel keeps for a peer that does not read."""


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    """An intake with few threads, as patient as it comes."""
    folder = tmp_path_factory.mktemp("attacked")
    process = IntakeProcess(folder, request_threads=REQUEST_THREADS, transfer_threads=TRANSFER_THREADS).start()
    yield process
    process.kill()


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    """An intake that gives a silent peer up soon, and none that speaks, however busy the machine is."""
    process = IntakeProcess(tmp_path_factory.mktemp("strict"), stall_s=2.0, transfer_threads=TRANSFER_THREADS).start()
    yield process
    process.kill()


def half_a_head(_intake: IntakeProcess) -> bytes:
    return head("GET", "/healthz")[:-2]


def no_byte(_intake: IntakeProcess) -> bytes:
    return b""


def body_of_one_byte(_intake: IntakeProcess) -> bytes:
    return head("POST", "/v1/jobs", Content_Type="application/json", Content_Length=100) + b"{"


def body_in_pieces_that_never_end(_intake: IntakeProcess) -> bytes:
    return head("POST", "/v1/jobs", Content_Type="application/json", Transfer_Encoding="chunked") + b"1\r\n{\r\n"


def body_that_waits_to_be_asked_for(_intake: IntakeProcess) -> bytes:
    return head("POST", "/v1/jobs", Content_Type="application/json", Content_Length=100, Expect="100-continue")


def second_request_that_never_ends(_intake: IntakeProcess) -> bytes:
    return head("GET", "/healthz") + head("GET", "/healthz")[:-2]


def refused_body_that_never_ends(_intake: IntakeProcess) -> bytes:
    return head("POST", "/nowhere", Content_Length=10**6) + b"{"


def answer_that_is_never_read(_intake: IntakeProcess) -> bytes:
    return head("GET", "/openapi.json") * 500


def connection_that_is_never_closed(_intake: IntakeProcess) -> bytes:
    return head("GET", "/healthz", Connection="close")


def upload_of_one_byte(intake: IntakeProcess) -> bytes:
    return upload_head(intake.submit(), 1000) + b"P"


def refused_upload(intake: IntakeProcess) -> bytes:
    return upload_head(intake.submit(), 10**12) + b"P"


def download_that_is_never_read(intake: IntakeProcess) -> bytes:
    return head("GET", signed_object(intake))


ATTACKS = (
    no_byte,
    half_a_head,
    body_of_one_byte,
    body_in_pieces_that_never_end,
    body_that_waits_to_be_asked_for,
    second_request_that_never_ends,
    refused_body_that_never_ends,
    answer_that_is_never_read,
    connection_that_is_never_closed,
    upload_of_one_byte,
    refused_upload,
    download_that_is_never_read,
)


def signed_object(intake: IntakeProcess) -> str:
    """Return the path of a signed download of a large object."""
    objects = open_backends(IntakeSettings(data_dir=intake.data_dir, public_url=intake.url)).object_store
    objects.put("attack/large", io.BytesIO(bytes(OBJECT_BYTES)), content_type="application/zip")
    signed = objects.sign_download("attack/large", filename="large.zip", valid_for=timedelta(hours=1))
    return signed.url.removeprefix(intake.url)


@contextlib.contextmanager
def attackers(intake: IntakeProcess, said: Callable[[IntakeProcess], bytes]) -> Iterator[list[socket.socket]]:
    """Hold connections open, each of which has said its piece and then does nothing at all."""
    with contextlib.ExitStack() as stack:
        held = []
        for _ in range(NUM_ATTACKERS):
            peer = stack.enter_context(connect(intake.url, receive_buffer_bytes=4096))
            peer.sendall(said(intake))
            held.append(peer)
        yield held


@pytest.mark.parametrize("said", ATTACKS, ids=lambda attack: attack.__name__)
def test_peers_that_say_a_little_and_then_nothing_keep_nobody_from_their_answer(intake, said):
    with attackers(intake, said):
        for _ in range(3):
            assert intake.http.get(f"{intake.url}/healthz", timeout=PATIENCE_S).status_code == 200
        assert intake.submit()["job_id"]


def test_uploads_that_stand_still_give_way_to_one_that_does_not(strict):
    with attackers(strict, upload_of_one_byte):
        made = strict.submit()
        assert strict.upload(made, small_archive()).status_code == 200
        assert strict.await_state(made)["state"] == "queued"


def test_an_upload_that_stands_still_is_given_up_and_told_so(strict):
    with connect(strict.url) as wire:
        wire.sendall(upload_of_one_byte(strict))
        status, document = answer_on(wire)
    assert (status, document["error"]["code"]) == (400, "upload_incomplete")


def test_an_operator_decides_how_long_an_upload_may_stand_still(intake, strict):
    """The one that is given two seconds comes after the one that is given a minute, and is over first."""
    with connect(intake.url) as patient, connect(strict.url) as wire:
        patient.sendall(upload_of_one_byte(intake))
        wire.sendall(upload_of_one_byte(strict))
        assert answer_on(wire)[0] == 400
        assert not select.select([patient], [], [], 0)[0]


def test_an_upload_that_is_slow_and_keeps_on_arrives_however_long_it_takes(tmp_path):
    tolerant = IntakeProcess(
        tmp_path, stall_s=5, min_bytes_per_s=1
    ).start()  # all takes longer than that; a byte comes sooner
    try:
        made, body = tolerant.submit(), small_archive()[:80]
        with connect(tolerant.url) as wire:
            wire.sendall(upload_head(made, len(body)))
            for number in range(len(body)):
                assert not select.select([wire], [], [], 0.08)[0], "it is given up"
                wire.sendall(body[number : number + 1])
            status, document = answer_on(wire)
        assert (status, document["size_bytes"]) == (200, len(body))
    finally:
        tolerant.kill()


def test_an_upload_that_only_just_moves_is_given_up_too(strict):
    with connect(strict.url) as wire:
        wire.sendall(upload_head(strict.submit(), 10**6))
        for _ in range(1200):
            if select.select([wire], [], [], 0.05)[0]:  # it is answered
                break
            wire.sendall(b"P")
        else:
            pytest.fail("it was let go on")
        status, document = answer_on(wire)
    assert (status, document["error"]["code"]) == (400, "upload_incomplete")


def test_a_download_that_nobody_reads_is_given_up(strict):
    path = signed_object(strict)
    with connect(strict.url, receive_buffer_bytes=4096) as wire:
        wire.sendall(head("GET", path))
        assert wire.recv(10).startswith(b"HTTP/1.1 2")
        until(lambda: not is_held(strict, wire.getsockname()[1]))
        received = 0
        with contextlib.suppress(ConnectionResetError):
            while data := wire.recv(1 << 16):
                received += len(data)
    assert received < OBJECT_BYTES


def is_held(intake: IntakeProcess, port: int) -> bool:
    """Tell whether the server still serves the connection that comes from a port."""
    processes = [psutil.Process(intake.process.pid), *psutil.Process(intake.process.pid).children()]
    links = [link for process in processes for link in process.net_connections("tcp")]
    return any(link.raddr and link.raddr.port == port and link.status == psutil.CONN_ESTABLISHED for link in links)


def test_an_upload_in_chunks_that_are_none_is_told_so(strict):
    with connect(strict.url) as wire:
        made = strict.submit()
        sent = {**made["upload"]["headers"], "Transfer-Encoding": "chunked"}
        wire.sendall(head("PUT", made["upload"]["url"].removeprefix(strict.url), **sent) + b"2\r\nPK\r\nzz\r\n")
        status, document = answer_on(wire)
    assert (status, document["error"]["code"]) == (400, "upload_incomplete")
