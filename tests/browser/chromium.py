"""A real Chromium without a window, driven through its debugging pipe: no driver and no library beside it.

Source: https://chromedevtools.github.io/devtools-protocol/
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-headless-shell", "chromium-browser", "google-chrome", "chrome")
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # tests may run as root, where Chromium refuses to start with its own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--remote-debugging-pipe",
)
_LONGEST_ANSWER_S = 60


def found() -> str | None:
    """Return the program, if this machine has one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


needs_chromium = pytest.mark.skipif(found() is None, reason=f"needs one of {', '.join(NAMES)}")


class Browser:
    """One page, and the files that it downloads.

    Args:
        write: Where commands go.
        read: Where answers and events come from.
    """

    def __init__(self, write: Any, read: Any) -> None:
        self._write, self._read = write, read
        self._numbers = itertools.count(1)
        self._answers: dict[int, dict] = {}
        self._events: list[dict] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()
        self._page = ""

    def call(self, method: str, *, session: str | None = None, **params: object) -> dict:
        """Give the browser a command and return its answer."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        self._write.write(json.dumps(command).encode() + b"\0")
        self._write.flush()
        with self._news:
            assert self._news.wait_for(lambda: number in self._answers, _LONGEST_ANSWER_S), method
            answer = self._answers.pop(number)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def ask(self, method: str, **params: object) -> dict:
        """Give the page a command and return its answer."""
        return self.call(method, session=self._page, **params)

    def await_event(self, method: str) -> dict:
        """Return what the first event of a kind tells that nobody has asked for yet."""

        def known() -> dict | None:
            return next((event for event in self._events if event["method"] == method), None)

        with self._news:
            assert self._news.wait_for(known, _LONGEST_ANSWER_S), f"no {method}"
            event = known()
            assert event is not None
            self._events.remove(event)
        return event["params"]

    def wait(self) -> None:
        """Wait for the end of a browser that was told to end."""
        self._reader.join()

    def open(self, url: str) -> None:
        """Show a page."""
        if not self._page:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self._page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            self.ask("Page.enable")
        self.ask("Page.navigate", url=url)
        self.await_event("Page.loadEventFired")

    def keep_downloads(self, folder: Path) -> None:
        """Let downloads land in a folder, under their own names."""
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder), eventsEnabled=True)

    def click(self, selector: str, number: int = 0) -> None:
        """Click what a selector finds, as a hand would."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        nodes = self.ask("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]
        self.ask("DOM.scrollIntoViewIfNeeded", nodeId=nodes[number])
        left, top, right, _, _, bottom, *_ = self.ask("DOM.getContentQuads", nodeId=nodes[number])["quads"][0]
        where = {"x": (left + right) / 2, "y": (top + bottom) / 2, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, **where)

    def _listen(self) -> None:
        pending = b""
        while data := os.read(self._read.fileno(), 1 << 16):
            *messages, pending = (pending + data).split(b"\0")
            with self._news:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._answers[message["id"]] = message
                    else:
                        self._events.append(message)
                self._news.notify_all()


@contextmanager
def opened(folder: Path) -> Iterator[Browser]:
    """Run a browser while the block lasts.

    Args:
        folder: For its profile.
    """
    program = found()
    assert program is not None
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    # Chromium reads commands from descriptor 3 and answers at descriptor 4.
    script = f'exec 3<&{commands_out} 4>&{answers_in}; exec "$0" "$@"'
    process = subprocess.Popen(
        ["bash", "-c", script, program, *_OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        pass_fds=(commands_out, answers_in),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "HOME": str(folder)},
        start_new_session=True,
    )
    os.close(commands_out)
    os.close(answers_in)
    with os.fdopen(commands_in, "wb") as write, os.fdopen(answers_out, "rb") as read:
        browser = Browser(write, read)
        try:
            yield browser
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            browser.wait()
