"""The watch for pre-emption, against a metadata server of our own on this machine."""

import http.server
import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

import pytest

from services.trainer.worker.preemption import PATH, Patience, watch_for_preemption
from tests.waiting import PATIENCE_S

QUICK = Patience(hold_s=1, answer_s=PATIENCE_S, pause_s=0.01, longest_pause_s=0.02)
HASTY = Patience(hold_s=1, answer_s=0.3, pause_s=0.01, longest_pause_s=0.02)
"""Gives up a server that hangs; on a busy machine perhaps also one that does not."""


class MetadataServer:
    """Answers by a script, whose last word it repeats to who missed it."""

    def __init__(self, *answers: str) -> None:
        self.answers = queue.SimpleQueue()
        for answer in answers:
            self.answers.put(answer)
        self.last_answer = answers[-1]
        self.asked: list[dict[str, str]] = []
        self.let_go = threading.Event()
        self.address = ""

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        parts = urlsplit(handler.path)
        assert parts.path == PATH
        assert handler.headers["Metadata-Flavor"] == "Google"
        self.asked.append({name: values[0] for name, values in parse_qs(parts.query).items()})
        try:
            answer = self.answers.get_nowait()
        except queue.Empty:
            answer = self.last_answer
        match answer:
            case "hang":
                self.let_go.wait(PATIENCE_S)
            case "reset":
                pass
            case "503":
                handler.send_error(503)
            case "impostor":
                self.reply(handler, b"TRUE", {})
            case _:
                tag = f"tag{len(self.asked)}"
                self.reply(handler, answer.encode(), {"Metadata-Flavor": "Google", "ETag": tag})

    @staticmethod
    def reply(handler: http.server.BaseHTTPRequestHandler, body: bytes, headers: dict[str, str]) -> None:
        handler.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@contextmanager
def serving(*answers: str) -> Iterator[MetadataServer]:
    double = MetadataServer(*answers)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            double.answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        double.address = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield double
        finally:
            double.let_go.set()
            server.shutdown()


def told(double: MetadataServer, patience: Patience = QUICK) -> threading.Event:
    """Return the event once the watch has set it and ended."""
    shutdown = threading.Event()
    watch = watch_for_preemption(double.address, shutdown, patience=patience)
    assert shutdown.wait(PATIENCE_S)
    watch.join(PATIENCE_S)
    assert not watch.is_alive()
    return shutdown


def test_a_machine_that_is_taken_away_already_is_noticed_at_the_first_question():
    with serving("TRUE") as double:
        told(double)

    assert double.asked == [{"wait_for_change": "true", "timeout_sec": "1", "last_etag": "NONE"}]


def test_no_change_between_two_questions_is_missed():
    with serving("FALSE", "FALSE", "TRUE") as double:
        told(double)

    assert [asked["last_etag"] for asked in double.asked] == ["NONE", "tag1", "tag2"]


@pytest.mark.parametrize("trouble", ["503", "reset", "impostor", "<html>", ""])
def test_whatever_is_wrong_with_the_server_it_is_asked_again_and_complained_of_once(trouble, caplog):
    with caplog.at_level(logging.WARNING), serving("FALSE", trouble, trouble, "TRUE") as double:
        told(double)

    assert len(double.asked) == 4
    assert caplog.text.count("no answer about pre-emption") == 1


def test_a_server_that_does_not_answer_is_asked_again_and_complained_of_once(caplog):
    with caplog.at_level(logging.WARNING), serving("FALSE", "hang", "hang", "TRUE") as double:
        told(double, HASTY)

    assert len(double.asked) >= 4
    assert caplog.text.count("no answer about pre-emption") == 1


def test_without_a_server_the_worker_works_on_and_the_watch_ends_with_it(caplog):
    shutdown = threading.Event()
    watch = watch_for_preemption("http://127.0.0.1:9", shutdown, patience=QUICK)
    watch.join(0.1)
    assert watch.is_alive()
    assert not shutdown.is_set()

    shutdown.set()
    watch.join(PATIENCE_S)
    assert not watch.is_alive()


def test_proxies_of_the_environment_are_not_asked(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with serving("TRUE") as double:
        told(double)


def test_the_longest_silence_leaves_more_than_half_of_the_thirty_seconds():
    patience = Patience()

    assert patience.hold_s < patience.answer_s
    assert patience.answer_s + patience.pause_s < 15
