"""A real Chromium, driven by Playwright, in which nothing may go wrong unseen.

An error of a script, a breach of the policy, a failed request or an answer that is an error ends a test, unless it says
which it expects.
"""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE_MS = 300_000
"""Far longer than anything but a training takes."""
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The first draws pages as the others do, without a window that nobody sees: half the work of a processor."""
_MISSING = [name for name in ("playwright", "axe_playwright_python") if find_spec(name) is None]


def found() -> str | None:
    """Return the program, if this machine has one."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


needs_browser = pytest.mark.skipif(
    found() is None or bool(_MISSING), reason=f"needs Chromium and {', '.join(_MISSING) or 'nothing else'}"
)


class Watched:
    """A page and what went wrong on it.

    Args:
        page: Playwright's page.
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self.faults: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._hear)
        page.on("requestfailed", self._miss)
        page.on("response", self._see)

    def _hear(self, message: Any) -> None:
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.faults.append(f"{message.type}: {message.text}")

    def _miss(self, request: Any) -> None:
        if request.failure != "net::ERR_ABORTED":  # the page was left while it loaded, which is no fault
            self.faults.append(f"failed: {request.url} {request.failure}")

    def _see(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def forgive(self, pattern: str) -> None:
        """Expect faults that a pattern finds, at least one, and count them no more."""
        kept = [fault for fault in self.faults if not re.search(pattern, fault)]
        assert len(kept) < len(self.faults), (pattern, self.faults)
        self.faults = kept

    def see(self, selector: str, text: str = "") -> Any:
        """Wait until something is shown, with a text in it, and return it."""
        place = self.page.locator(selector).filter(has_text=re.compile(text)).first
        try:
            place.wait_for(state="visible")
        except Exception as error:
            shown = self.page.locator("body").inner_text()
            raise AssertionError(f"{selector} {text!r} was not shown, but {shown!r}; {self.faults}") from error
        return place

    def is_accessible(self, *palettes: str) -> None:
        """Hold the page against WCAG 2.2 AA in both palettes, or those named, as far as rules can tell."""
        from axe_playwright_python.sync_playwright import Axe  # noqa: PLC0415

        rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        options = {"runOnly": rules, "resultTypes": ["violations"]}  # else all that is as it should be is told too
        for palette in palettes or ("light", "dark"):
            self.page.emulate_media(color_scheme=palette, reduced_motion="reduce")
            report = Axe().run(self.page, options=options).response
            told = [
                (each["id"], each["impact"], [node["html"][:200] for node in each["nodes"]])
                for each in report["violations"]
                if each["impact"] in ("serious", "critical")
            ]
            assert told == [], palette

    def fits(self) -> None:
        """Hold that the page is no wider than the window."""
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@contextmanager
def chromium(program: Path | None = None) -> Iterator[Any]:
    """Run a browser, the one that was found or another program, while the block lasts."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program or found(),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
            timeout=2 * PATIENCE_MS,
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def watched(browser: Any, size: dict[str, int] = DESKTOP, **options: Any) -> Iterator[Watched]:
    """Open a page of its own in a browser; what went wrong on it fails the block."""
    context = browser.new_context(viewport=size, locale="en-GB", **options)
    try:
        seen = Watched(context.new_page())
        yield seen
        assert not seen.faults, "\n".join(seen.faults)
    finally:
        context.close()


def go_to_start(page: Any, url: str) -> None:
    """Open the page that sends photographs, and wait until it takes them: its script asks for the rules first."""
    page.goto(url)
    page.locator("#app:not([hidden])").wait_for()


def folder_of(root: Path, name: str) -> Path:
    """Return a new empty folder."""
    folder = root / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
