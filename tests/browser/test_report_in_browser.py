"""The report as intake serves it, in the browser of a person."""

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
from tests.browser.gallery import ENDS
from tests.browser.watched import chromium, needs_browser
from tests.intake_process import IntakeProcess
from tests.reporter_fixture import JOB_ID, KEYS, draw_nothing, finished_job
from tests.result_fixture import make_result

pytestmark = [needs_browser, pytest.mark.slow]
VALID_FOR = timedelta(hours=1)
SAVED = ("model.h5", "model.keras", "labels.txt", "predict.py", "result.json")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    with browser.new_context() as context:
        yield context.new_page()


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


def test_every_download_button_of_the_served_report_saves_its_file(intake, page):
    page.goto(report_url(intake))
    buttons, saved = page.locator("a.button, a.link"), {}
    for number in range(len(SAVED)):
        with page.expect_download() as saving:
            buttons.nth(number).click()
        saved[saving.value.suggested_filename] = Path(saving.value.path()).read_bytes()
    assert set(saved) == set(SAVED)
    assert saved["model.h5"] == b"model_h5"


def _png(width_px: int, height_px: int) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (width_px, height_px)).save(target, "PNG")
    return target.getvalue()


PLOTS = {name: Picture(name=name, alt="a plot", subtype="png", data=_png(1168, 450)) for name in (CERTAINTY, GROWTH)}


@pytest.mark.parametrize("end", ["weak", "species-60"])
def test_a_report_is_printed_on_one_page(end: str, page: Any, tmp_path: Path):
    job, result = ENDS[end]()
    report = tmp_path / "report.html"
    report.write_text(write_page(job, result, figures=PLOTS, downloads=Downloads()), encoding="utf-8")
    page.goto(report.as_uri())
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert re.findall(rb"/Count (\d+)", printed) == [b"1"]


def test_a_script_in_the_served_report_does_not_run(intake, page):
    page.goto(report_url(intake, "<title>calm</title><script>document.title = 'run'</script>"))
    assert page.title() == "calm"
