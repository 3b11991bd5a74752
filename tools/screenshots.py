"""``python -m tools.screenshots``: make the pictures that README opens with, of a real job in a real browser.

Needs Chromium and Playwright, and a few minutes: handwritten digits are sent through the page and a network is trained.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which
from typing import Any

from playwright.sync_api import sync_playwright

from services.onebox.digits import write_digits
from services.onebox.services import Onebox

PICTURES = Path(__file__).resolve().parents[1] / "docs" / "page"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_DESKTOP, _PHONE = {"width": 1180, "height": 860}, {"width": 390, "height": 844}
_TRAINED_WITHIN_MS = 900_000
_TRIED = 7
_CANDIDATES = "tiny,efficientnet_lite0"


def main() -> int:
    """Make every picture."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, _browser() as browser:
        root = Path(folder)
        held_back = write_digits(root / "digits.zip", root / "held-back")
        environ = {**os.environ, "CONVTAILOR_FORMATS": "onnx", "CONVTAILOR_DOWNLOAD": "false"}
        with Onebox(root / "data", environ) as box:
            address = _send(browser, box.wait_ready(), root / "digits.zip")
            _show_result(browser, address, next(each.path for each in held_back if each.digit == _TRIED))
    return 0


@contextmanager
def _browser() -> Iterator[Any]:
    program = next((path for name in _BROWSERS if (path := which(name))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def _send(browser: Any, url: str, archive: Path) -> str:
    """Send an archive by the page and return the address of its job once it has ended."""
    page = browser.new_page(viewport=_DESKTOP, locale="en-GB")
    page.goto(url)
    page.set_input_files("#zip", archive)
    page.locator("#classes img").nth(39).wait_for()
    page.locator("#look").scroll_into_view_if_needed()
    page.screenshot(path=PICTURES / "look.png")
    page.fill("#email", "you@example.org")
    page.click("#send summary")
    page.fill("#candidates", _CANDIDATES)
    page.click("#go")
    page.wait_for_url("**/v1/jobs/*")
    page.locator("section#report").wait_for(timeout=_TRAINED_WITHIN_MS)
    return str(page.url)


def _show_result(browser: Any, address: str, photograph: Path) -> None:
    for name, size, palette in (("result", _DESKTOP, "light"), ("phone", _PHONE, "dark")):
        page = browser.new_page(viewport=size, locale="en-GB", color_scheme=palette)
        page.goto(address)
        page.locator("#try-pick").wait_for()  # shown once a chosen photograph is heeded
        page.set_input_files("#try-file", photograph)
        page.locator("#try-result").wait_for(timeout=_TRAINED_WITHIN_MS)
        page.locator("#try" if name == "phone" else "#title").evaluate("each => each.scrollIntoView()")
        page.screenshot(path=PICTURES / f"{name}.png")


if __name__ == "__main__":
    sys.exit(main())
