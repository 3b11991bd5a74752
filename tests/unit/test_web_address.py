"""What a server calls itself: what those who ask can reach, and never what a stranger writes into a request."""

import socket
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.web.address import PublicAddress, far_url, own_names, own_url

NAMES = frozenset({"localhost", "127.0.0.1", "::1", "studio", "studio.local"})
OPEN = PublicAddress(url="http://192.0.2.7:8080", names=NAMES)


def arrived(host: str | None, *, at: str = "192.0.2.7", port: int = 8080) -> dict[str, str]:
    told = {} if host is None else {"HTTP_HOST": host}
    return {"SERVER_NAME": at, "SERVER_PORT": str(port), **told}


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        (arrived("192.0.2.7:8080"), "http://192.0.2.7:8080"),
        (arrived("studio:8080"), "http://studio:8080"),
        (arrived("Studio.local:8080"), "http://Studio.local:8080"),
        (arrived("localhost:9000", at="127.0.0.1"), "http://localhost:9000"),  # through a tunnel
        (arrived("127.0.0.1:9000", at="172.17.0.2"), "http://127.0.0.1:9000"),  # a container's forwarded port
        (arrived("[::1]:8080", at="::1"), "http://[::1]:8080"),
        (arrived("192.0.2.7", port=80), "http://192.0.2.7"),
        (arrived(None), "http://192.0.2.7:8080"),
        (arrived(None, at="2001:db8::7"), "http://[2001:db8::7]:8080"),
        (arrived("trap.example"), "http://192.0.2.7:8080"),
        (arrived("studio.trap.example:8080"), "http://192.0.2.7:8080"),
        (arrived("192.0.2.7:8080@trap.example"), "http://192.0.2.7:8080"),
        (arrived("studio/../trap.example"), "http://192.0.2.7:8080"),
    ],
)
def test_a_request_is_answered_with_the_address_it_came_to(environ, url):
    assert OPEN.of_request(environ) == url


@given(host=st.text(max_size=40) | st.from_regex(r"(studio|localhost)?[:@./#?\\ ]{0,3}trap\.example(:\d+)?"))
def test_no_host_header_leads_anybody_to_a_strangers_machine(host):
    assert urlsplit(OPEN.of_request(arrived(host))).hostname in {*NAMES, "192.0.2.7"}


def test_where_the_operator_has_named_an_address_requests_change_nothing():
    named = PublicAddress(url="https://photos.example.org/tailor")
    assert named.of_request(arrived("localhost:9000", at="127.0.0.1")) == "https://photos.example.org/tailor"


@pytest.mark.parametrize(
    ("host", "is_served"),
    [
        ("photos.example.org", True),
        ("Photos.Example.org.:8443", True),
        ("localhost:9000", True),
        ("127.0.0.1:8080", True),
        ("192.0.2.200", True),
        ("[2001:db8::7]:8080", True),
        ("convtailor:8080", True),
        ("", True),
        ("trap.example", False),
        ("photos.example.org.trap.example", False),
        ("photos.example.org@trap.example", False),
        ("1.2.3.4.trap.example", False),
        ("x y", False),
    ],
)
def test_a_page_of_a_strangers_whose_name_was_made_to_lead_here_is_not_answered(host, is_served):
    named = PublicAddress(url="https://photos.example.org", served=frozenset({"photos.example.org", "studio.local"}))
    assert named.is_served(host) is is_served
    assert OPEN.is_served(host)


def test_only_our_own_urls_are_taken_for_ours():
    assert OPEN.path_of("http://192.0.2.7:8080/v1/objects/x") == "/v1/objects/x"
    assert OPEN.path_of("http://192.0.2.7:80801/v1/objects/x") is None
    assert OPEN.path_of("https://storage.example.org/x") is None


def listening(host: str, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    return socket.create_server((host, 0), family=family)


def test_a_socket_that_is_open_to_all_has_an_address_for_this_machine_and_one_for_others():
    with closing(listening("0.0.0.0")) as open_to_all:
        port = open_to_all.getsockname()[1]
        assert own_url(open_to_all) == f"http://127.0.0.1:{port}"
        assert urlsplit(far_url(open_to_all)).hostname != "0.0.0.0"
        assert urlsplit(far_url(open_to_all)).port == port
        assert {"localhost", "127.0.0.1", socket.gethostname().lower()} <= own_names(open_to_all)


def test_a_socket_at_one_address_has_that_one():
    with closing(listening("127.0.0.2")) as closed:
        assert own_url(closed) == far_url(closed) == f"http://127.0.0.2:{closed.getsockname()[1]}"
        assert socket.gethostname().lower() not in own_names(closed) - {"localhost"}


def test_a_socket_of_the_other_kind_of_addresses_works_alike():
    with closing(listening("::", socket.AF_INET6)) as open_to_all:
        assert own_url(open_to_all) == f"http://[::1]:{open_to_all.getsockname()[1]}"
        assert "::1" in own_names(open_to_all)
