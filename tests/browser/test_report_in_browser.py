"""The report as intake serves it, in the browser of a person."""

import base64
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from services.intake.settings import IntakeSettings
from services.reporter.report.downloads import Downloads, signed_downloads
from services.reporter.report.figures import CERTAINTY, GROWTH, Picture
from services.reporter.report.letter import write_page
from shared.backends import open_backends, required_links
from shared.clock import utc_now
from shared.errors import Conflict
from shared.layout import report_key
from shared.ports.object_store import ObjectStore
from tests.browser.chromium import Browser, needs_chromium, opened
from tests.browser.gallery import ENDS
from tests.intake_process import IntakeProcess
from tests.reporter_fixture import JOB_ID, KEYS, draw_nothing, finished_job
from tests.result_fixture import make_result
from tests.waiting import until

pytestmark = [needs_chromium, pytest.mark.slow]
VALID_FOR = timedelta(hours=1)
SAVED = ("model.h5", "model.keras", "labels.txt", "predict.py", "result.json")


@pytest.fixture(scope="module")
def intake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IntakeProcess]:
    process = IntakeProcess(tmp_path_factory.mktemp("intake")).start()
    yield process
    process.kill()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with opened(tmp_path) as browser:
        yield browser


def keep(objects: ObjectStore, key: str, data: bytes, content_type: str) -> None:
    objects.put(key, io.BytesIO(data), content_type=content_type)


def report_url(intake: IntakeProcess, page: str | None = None) -> str:
    """Keep a report with all that it links to and return where it is read."""
    backends = open_backends(IntakeSettings(data_dir=intake.data_dir, public_url=intake.url))
    objects = backends.object_store
    with suppress(Conflict):  # made for an earlier test
        backends.job_store.create(replace(finished_job(), artefacts=replace(KEYS, report=report_key(JOB_ID))))
    result = make_result()
    for each in fields(KEYS):
        if key := getattr(KEYS, each.name):
            keep(objects, key, each.name.encode(), "application/octet-stream")
    downloads = signed_downloads(
        finished_job(),
        required_links(backends),
        expires_at=utc_now() + VALID_FOR,
        public_url=intake.url,
        with_report=False,
    )
    page = page or write_page(finished_job(), result, figures=draw_nothing(result), downloads=downloads)
    keep(objects, report_key(JOB_ID), page.encode(), "text/html; charset=utf-8")
    return objects.sign_download(report_key(JOB_ID), filename="report.html", valid_for=VALID_FOR).url


def test_every_download_button_of_the_served_report_saves_its_file(intake, browser, tmp_path):
    saved = tmp_path / "saved"
    browser.keep_downloads(saved)
    browser.open(report_url(intake))
    begun: list[dict[str, Any]] = []
    for number in range(len(SAVED)):
        browser.click("a.button, a.link", number)
        begun.append(browser.await_event("Browser.downloadWillBegin"))
    assert {each["suggestedFilename"] for each in begun} == set(SAVED)
    until(lambda: {path.name for path in saved.iterdir()} == set(SAVED))
    assert (saved / "model.h5").read_bytes() == b"model_h5"


def _png(width_px: int, height_px: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width_px, height_px)).save(target, "PNG")
    return target.getvalue()


PLOTS = {name: Picture(name=name, alt="a plot", subtype="png", data=_png(1168, 450)) for name in (CERTAINTY, GROWTH)}


@pytest.mark.parametrize("end", ["weak", "species-60"])
def test_a_report_is_printed_on_one_page(end: str, browser: Browser, tmp_path: Path):
    job, result = ENDS[end]()
    page = tmp_path / "report.html"
    page.write_text(write_page(job, result, figures=PLOTS, downloads=Downloads()), encoding="utf-8")
    browser.open(page.as_uri())
    printed = browser.ask("Page.printToPDF", preferCSSPageSize=True, printBackground=True)
    assert re.findall(rb"/Count (\d+)", base64.b64decode(printed["data"])) == [b"1"]


def test_a_script_in_the_served_report_does_not_run(intake, browser):
    browser.open(report_url(intake, "<title>calm</title><script>document.title = 'run'</script>"))
    targets = browser.call("Target.getTargets")["targetInfos"]
    assert [each["title"] for each in targets if each["url"].startswith(intake.url)] == ["calm"]
