"""The server that all services share, byte by byte."""

import contextlib
import select
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.waiting import PATIENCE_S
from tests.web_server import LONG_TEXT, running
from tests.wire import answer_on, connect, head

MAX_CONNECTIONS = 6
ASKED = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("small")


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with running(folder) as url:
        yield url


@pytest.fixture(scope="module")
def hasty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that waits for a request for a second; on a busy machine one that is whole may take as long."""
    with running(tmp_path_factory.mktemp("hasty"), request_s=1.0) as url:
        yield url


HALVES = (head("GET", "/number/1")[:-2], head("POST", "/echo", Content_Length=9) + b"x")
"""Requests that lack their end: of the head, of the body."""


@pytest.mark.parametrize("half", HALVES)
def test_who_opens_more_connections_than_the_server_takes_shuts_out_only_himself(tmp_path, half):
    # So patient with each of them that nothing but their number can end it while anybody waits.
    served = running(tmp_path, max_connections=MAX_CONNECTIONS, request_s=10 * PATIENCE_S)
    with served as url, contextlib.ExitStack() as stack:
        for _ in range(4 * MAX_CONNECTIONS):
            stack.enter_context(connect(url)).sendall(half)
            assert httpx.get(f"{url}/number/7", timeout=PATIENCE_S).json()["number"] == 7


@pytest.mark.parametrize("half", HALVES)
def test_a_request_that_does_not_arrive_is_told_so(hasty_url, half):
    with connect(hasty_url) as wire:
        wire.sendall(half)
        status, document = answer_on(wire)
        assert (status, document["error"]["code"]) == (408, "request_too_slow")
        assert wire.recv(1) == b""


@pytest.mark.parametrize("begun", [head("GET", "/number/1", X="x")[:-4], head("POST", "/echo", Content_Length=9000)])
def test_a_request_that_only_just_moves_is_given_up_too(hasty_url, begun):
    with connect(hasty_url) as wire:
        wire.sendall(begun)
        for _ in range(1200):
            if select.select([wire], [], [], 0.05)[0]:  # it is answered
                break
            wire.sendall(b"x")
        else:
            pytest.fail("every byte bought it more time")
        status, document = answer_on(wire)
    assert (status, document["error"]["code"]) == (408, "request_too_slow")


def test_a_connection_on_which_nothing_is_said_ends_without_a_word(hasty_url):
    with connect(hasty_url) as wire:
        assert wire.recv(1) == b""


@pytest.mark.parametrize(
    ("request_bytes", "status", "code"),
    [
        (b"GET\r\n\r\n", 400, "bad_request"),
        (b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n", 400, "bad_request"),
        (head("GET", "/", Content_Length="many"), 400, "bad_request"),
        (head("POST", "/echo", Transfer_Encoding="chunked") + b"zz\r\n", 400, "bad_request"),
        (head("POST", "/echo", Transfer_Encoding="chunked") + b"99999\r\n" + bytes(200_000), 413, "body_too_large"),
        (head("GET", "/" + "x" * 9000), 414, "address_too_long"),
        (head("GET", "/", **{f"X_{number}": 1 for number in range(100)}), 431, "headers_too_large"),
        (head("GET", "/", X="x" * 9000), 431, "headers_too_large"),
        (head("GET", "/", X="x" * 90_000)[:-2], 431, "headers_too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_one_shape(url, request_bytes, status, code):
    with connect(url) as wire:
        wire.sendall(request_bytes)
        told, document = answer_on(wire)
        assert (told, document["error"]["code"]) == (status, code)
        assert document["error"].keys() == {"code", "message", "fix", "details"}


def test_nobody_who_asks_chooses_where_our_addresses_begin(url):
    plain = head("GET", "/nothing")
    for name in (b"/foo", b"/nothing"):
        with connect(url) as wire:
            wire.sendall(plain[:-2] + b"SCRIPT_NAME: " + name + b"\r\n\r\n")
            told, document = answer_on(wire)
            assert (told, document["error"]["code"]) == (404, "route_not_found")


def test_who_reads_late_gets_every_answer_whole_and_in_turn(url):
    numbers = range(60)
    with connect(url, receive_buffer_bytes=4096) as wire:
        wire.sendall(b"".join(head("GET", f"/number/{number}") for number in numbers))
        assert httpx.get(f"{url}/number/7", timeout=PATIENCE_S).json()["number"] == 7
        told = [answer_on(wire) for _ in numbers]
    assert [(status, document["number"]) for status, document in told] == [(200, number) for number in numbers]
    assert all(document["text"] == LONG_TEXT for _, document in told)


def test_a_body_comes_through_in_pieces_and_in_chunks(url):
    with connect(url) as wire:
        wire.sendall(head("POST", "/echo", Transfer_Encoding="chunked"))
        for piece in (b"3\r\nab", b"c\r\n", b"2\r\nde\r\n0\r", b"\n\r\n"):
            wire.sendall(piece)
        assert answer_on(wire) == (200, {"body": "abcde"})
        wire.sendall(head("POST", "/echo", Content_Length=5) + b"fg")
        wire.sendall(b"hij")
        assert answer_on(wire) == (200, {"body": "fghij"})


def test_who_waits_to_be_asked_for_the_body_is_asked(url):
    with connect(url) as wire:
        wire.sendall(head("POST", "/echo", Content_Length=2, Expect="100-continue"))
        assert wire.recv(len(ASKED)) == ASKED
        wire.sendall(b"ab")
        assert wire.recv(len(ASKED)) == ASKED  # gunicorn asks once more, as it may
        assert answer_on(wire) == (200, {"body": "ab"})


def test_the_log_of_what_cannot_be_read_holds_no_secret(url, folder):
    with connect(url) as wire:
        wire.sendall(b"GET /v1/jobs/1?token=hush-1 HTTP/x\r\n\r\n")
        assert answer_on(wire)[0] == 400
    with connect(url) as wire:
        wire.sendall(b"PUT /v1/objects/hush-2 HTTP/x\r\n\r\n")
        assert answer_on(wire)[0] == 400
    log = (folder / "server.log").read_text()
    assert "refused a request" in log
    assert "hush" not in log
