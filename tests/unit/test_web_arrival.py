"""A request that is handed to a thread is whole, in however many pieces it came."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.connections.arrival import MAX_HEAD_BYTES, Arrival, Stage

MAX_BODY = 1000
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
COUNTED = b"POST /v1/jobs HTTP/1.1\r\ncontent-LENGTH:  5 \r\nHost: x\r\n\r\n12345"
CHUNKED = (
    b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5;why=not\r\n0\r\n\r\n\r\nA\r\n0123456789\r\n0\r\n"
)
WHOLE = {
    "without a body": GET,
    "after empty lines": b"\r\n\r\n" + GET,
    "with a length": COUNTED,
    "in chunks": CHUNKED + b"\r\n",
    "in chunks with a trailer": CHUNKED + b"Checksum: 1\r\n\r\n",
    "a line alone": b"GET /\r\n\r\n",
}


def fed(pieces: list[bytes]) -> list[Stage]:
    arrival = Arrival(transfer_path="/v1/objects/", max_body_bytes=MAX_BODY)
    return [arrival.feed(piece) for piece in pieces]


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_is_whole_with_its_last_byte_and_not_before(name):
    data = WHOLE[name]
    stages = fed([data[at : at + 1] for at in range(len(data))])
    assert stages[-1] is Stage.WHOLE
    assert set(stages[:-1]) == {Stage.ARRIVING}


@given(name=st.sampled_from(sorted(WHOLE)), cuts=st.lists(st.integers(0, 200), max_size=8))
def test_it_is_all_the_same_in_which_pieces_a_request_comes(name, cuts):
    data = WHOLE[name]
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[start:stop] for start, stop in itertools.pairwise(places) if start < stop]
    assert fed(pieces)[-1] is Stage.WHOLE
    assert Stage.WHOLE not in fed(pieces)[:-1]


@pytest.mark.parametrize(
    "target",
    [b"/v1/objects/abc", b"/v1/objects/abc?x=1", b"http://host:80/v1/objects/abc", b"/v1/%6fbjects/abc"],
)
def test_uploads_and_downloads_are_known_by_their_heads_however_their_address_is_written(target):
    assert fed([b"PUT " + target + b" HTTP/1.1\r\nContent-Length: 9\r\n\r\n"]) == [Stage.TRANSFER]


def test_a_body_that_is_announced_as_too_long_is_not_waited_for():
    assert fed([b"POST / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n"]) == [Stage.WHOLE]


def test_a_body_in_chunks_that_never_ends_is_too_large_at_some_time():
    chunk = b"64\r\n" + b"x" * 100 + b"\r\n"
    stages = fed([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 30])
    assert stages[-1] is Stage.BODY_TOO_LARGE


def test_a_head_that_never_ends_is_too_large_at_some_time():
    assert fed([b"GET / HTTP/1.1\r\n", *[b"X: " + b"x" * 5000 + b"\r\n"] * 10])[-1] is Stage.HEAD_TOO_LARGE
    assert MAX_HEAD_BYTES < 50_000


@pytest.mark.parametrize("body", [b"zz\r\n", b"\n", b"1\r\nabc\r\n", b"x" * 300, b"-1\r\n"])
def test_chunks_that_are_none_are_not_waited_for(body):
    assert fed([b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body]) == [Stage.UNREADABLE]


def test_a_peer_that_waits_to_be_asked_for_its_body_is_known():
    arrival = Arrival(transfer_path="", max_body_bytes=MAX_BODY)
    arrival.feed(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert arrival.expects
