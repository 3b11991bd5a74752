"""What the start page costs a phone, and whether it stays at hand while a thousand photographs are dropped on it.

It runs unattended in a few minutes; most of them go into writing two gigabytes and sending them.
"""

import os
import time
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks.figure import Figure
from benchmarks.unrecorded_page import UnrecordedPage
from services.onebox.services import Onebox

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PHONE = {"width": 390, "height": 844}
_NUM_PHOTOGRAPHS = 1000
_PHOTOGRAPH_BYTES = 2_000_000
_SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
"""Lighthouse's phone: 1.6 Mbit/s and 150 ms; its processor is four times slower too."""
_NUM_THUMBNAILS = 8
"""Pictures that are shown of two classes."""
_LONGEST_LOOK_MS, _LONGEST_SENDING_S, _LOOK_EVERY_S = 120_000, 300.0, 0.5
_WATCH = """
  window.seen = { paint: 0, longest: 0 };
  const watch = (type, hear) =>
    new PerformanceObserver((list) => list.getEntries().forEach(hear)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (each) => { seen.paint = each.startTime; });
  watch("longtask", (each) => { seen.longest = Math.max(seen.longest, each.duration); });
"""


def measure(scratch: Path) -> list[Figure]:
    """Open the page as a phone does; then choose a folder of two gigabytes, and drop it and have it sent."""
    from playwright.sync_api import sync_playwright  # not there where nobody tests pages

    program = next((path for name in _BROWSERS if (path := which(name))), None)
    with Onebox(scratch / "data", {**os.environ, "CONVTAILOR_WARM_CHILD": "false"}) as box, sync_playwright() as driver:
        url = box.wait_ready()
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            folder = _photographs(scratch / "photographs")
            return [*_first_load(browser, url), _chosen(browser, url, folder), *_dropped(browser, url, folder)]
        finally:
            browser.close()


def _first_load(browser: Any, url: str) -> list[Figure]:
    """Load the page once with nothing kept."""
    context = browser.new_context(viewport=_PHONE)
    page = context.new_page()
    speaker = context.new_cdp_session(page)
    speaker.send("Network.enable")
    speaker.send("Network.emulateNetworkConditions", _SLOW_LINE)
    speaker.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    sizes: list[float] = []
    speaker.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.add_init_script(_WATCH)
    page.goto(url, wait_until="networkidle")
    paint_ms = page.evaluate("seen.paint")
    context.close()
    note = f"{len(sizes)} requests, headers counted; 1.6 Mbit/s, 150 ms, a processor four times slower"
    return [
        Figure(name="first load of the start page", measured=sum(sizes) / 1000, unit="kB", at_most=150, note=note),
        Figure(name="its largest paint", measured=paint_ms / 1000, unit="s", at_most=1.0, note=note),
    ]


def _chosen(browser: Any, url: str, folder: Path) -> Figure:
    """Choose the folder by its button; tell how long the page was ever busy.

    The browser registers every chosen file in turn before the page hears of them, in one task that no page can divide;
    of a folder that is dropped, the page asks for one file after the other.
    """
    with browser.new_context() as context:
        page = _watched_page(context, url)
        page.set_input_files("#folder", folder)
        page.locator("#summary").filter(has_text=f"{_NUM_PHOTOGRAPHS:,}").wait_for(timeout=_LONGEST_LOOK_MS)
        page.locator("#classes img").nth(_NUM_THUMBNAILS - 1).wait_for(timeout=_LONGEST_LOOK_MS)
        longest_ms = page.evaluate("seen.longest")
    what = "by the button, up to their pictures; nearly all of it is the browser's own task"
    note = f"{_NUM_PHOTOGRAPHS:,} files of {_PHOTOGRAPH_BYTES / 1e6:g} MB, {what}"
    name = "longest that the page does not answer while a folder is chosen"
    return Figure(name=name, measured=longest_ms, unit="ms", note=note)


def _dropped(browser: Any, url: str, folder: Path) -> list[Figure]:
    """Drop the folder and send it; tell how long the page was ever busy and what its process took at most."""
    page = UnrecordedPage(browser, _WATCH)
    page.ask("Page.navigate", url=url)
    page.wait_for("document.querySelector('#app:not([hidden])')?.id", within_s=_LONGEST_LOOK_MS / 1000)
    before = _largest_child_bytes()
    page.drop(folder, "#drop")
    summary = "document.getElementById('summary').textContent"
    page.wait_for(f"{summary}.includes('{_NUM_PHOTOGRAPHS:,}')", within_s=_LONGEST_LOOK_MS / 1000)
    page.evaluate("document.getElementById('email').value = 'ada@example.org'; document.getElementById('go').click()")
    peak, longest_ms, left_s = before, 0.0, _LONGEST_SENDING_S
    while (told_ms := _longest_of(page)) is not None:
        peak, longest_ms = max(peak, _largest_child_bytes()), max(longest_ms, told_ms)
        time.sleep(_LOOK_EVERY_S)
        left_s -= _LOOK_EVERY_S
        if left_s < 0:
            raise TimeoutError("not everything was sent in time")
    page.close()
    note = f"{_NUM_PHOTOGRAPHS:,} files of {_PHOTOGRAPH_BYTES / 1e6:g} MB, dropped, looked at, packed and sent"
    return [
        Figure(name="longest that the page does not answer", measured=longest_ms, unit="ms", at_most=100, note=note),
        Figure(name="growth of its process", measured=(peak - before) / 1e6, unit="MB", at_most=300, note=note),
    ]


def _watched_page(context: Any, url: str) -> Any:
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(url, wait_until="networkidle")
    return page


def _longest_of(page: UnrecordedPage) -> float | None:
    """Return how long the page was ever busy; ``None`` once everything is sent, for it is left then."""
    try:
        told = page.evaluate("document.getElementById('sending') ? seen.longest : -1")
    except RuntimeError:  # it is being left
        return None
    return None if told < 0 else float(told)


def _photographs(folder: Path) -> Path:
    """Write photographs in two classes, each of the same size; the bytes behind a picture's end stand for detail."""
    rng = np.random.default_rng(0)
    for number in range(_NUM_PHOTOGRAPHS):
        path = folder / f"class {number % 2}" / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8)).save(path, quality=90)
        with path.open("ab") as file:
            file.write(rng.bytes(_PHOTOGRAPH_BYTES - path.stat().st_size))
    return folder


def _largest_child_bytes() -> int:
    """Return the memory of the largest process that draws pages."""
    sizes = []
    for process in psutil.Process().children(recursive=True):
        try:
            if "--type=renderer" in process.cmdline():
                sizes.append(process.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return max(sizes, default=0)
