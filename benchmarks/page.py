"""What the start page costs a phone, and whether it stays at hand while a thousand photographs are dropped on it."""

import os
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks.figure import Figure
from services.onebox.services import Onebox

_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_PHONE = {"width": 390, "height": 844}
_NUM_PHOTOGRAPHS = 1000
_PHOTOGRAPH_BYTES = 2_000_000
_SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}
"""Lighthouse's phone: 1.6 Mbit/s and 150 ms; its processor is four times slower too."""
_WATCH = """
  window.seen = { paint: 0, longest: 0 };
  const watch = (type, hear) =>
    new PerformanceObserver((list) => list.getEntries().forEach(hear)).observe({ type, buffered: true });
  watch("largest-contentful-paint", (each) => { seen.paint = each.startTime; });
  watch("longtask", (each) => { seen.longest = Math.max(seen.longest, each.duration); });
"""


def measure(scratch: Path) -> list[Figure]:
    """Open the page as a phone does, then have it look at and send a folder of two gigabytes."""
    from playwright.sync_api import sync_playwright  # not there where nobody tests pages

    program = next((path for name in _BROWSERS if (path := which(name))), None)
    with Onebox(scratch / "data", {**os.environ, "CONVTAILOR_WARM_CHILD": "false"}) as box, sync_playwright() as driver:
        url = box.wait_ready()
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            return [*_first_load(browser, url), *_large_folder(browser, url, _photographs(scratch / "photographs"))]
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


def _large_folder(browser: Any, url: str, folder: Path) -> list[Figure]:
    """Choose the folder and send it; tell how long the page was ever busy and what its process took at most."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(_WATCH)
    page.goto(url, wait_until="networkidle")
    before = _largest_child_bytes()
    page.set_input_files("#folder", folder)
    page.locator("#summary").filter(has_text="1,000").wait_for(timeout=120_000)
    page.fill("#email", "ada@example.org")
    page.click("#go")
    peak, longest_ms = before, 0.0
    while "#" not in page.url:
        page.wait_for_timeout(500)
        peak = max(peak, _largest_child_bytes())
        longest_ms = max(longest_ms, page.evaluate("window.seen?.longest ?? 0"))
    context.close()
    note = f"{_NUM_PHOTOGRAPHS:,} files of {_PHOTOGRAPH_BYTES / 1e6:g} MB, chosen, looked at, packed and sent"
    return [
        Figure(name="longest that the page does not answer", measured=longest_ms, unit="ms", at_most=100, note=note),
        Figure(name="growth of its process", measured=(peak - before) / 1e6, unit="MB", at_most=300, note=note),
    ]


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
