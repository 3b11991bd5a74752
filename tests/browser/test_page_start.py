"""The start page where the world is not as hoped: a cut line, odd folders, no mouse, no JavaScript, other languages."""

import io
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.embedded.object_file import TRAILER_BYTES
from tests.browser.watched import PHONE, folder_of, go_to_start, needs_browser, watched
from tests.intake_fixture import small_archive
from tests.intake_process import IntakeProcess
from tests.onebox_fixture import draw_folder

pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture
def large(photographs) -> Iterator[Path]:
    """A folder of a little more than two pieces, of which no photograph can be reduced."""
    for shape in ("circle", "cross"):
        for number in range(8):
            (photographs / shape / f"large{number}.png").write_bytes(
                (photographs / shape / "000.png").read_bytes() + os.urandom(1 << 20)
            )
    yield photographs
    for path in photographs.rglob("large*"):
        path.unlink()


def send(page: Any, folder: Path) -> None:
    page.set_input_files("#folder", folder)
    page.get_by_label("Your e-mail address").fill("ada@example.org")
    page.get_by_role("button", name=re.compile("^Send ")).click()


def archive_of(intake: IntakeProcess, address: str) -> tuple[list[str], int]:
    """Return the classes and the number of files of the archive that arrived for the job of a page."""
    job_id = re.search(r"/jobs/(\w+)", address)[1]
    [path] = [each for each in (intake.data_dir / "objects").rglob("*") if each.is_file() and job_id in str(each)]
    with zipfile.ZipFile(io.BytesIO(path.read_bytes()[:-TRAILER_BYTES])) as archive:
        assert archive.testzip() is None
        return sorted({name.partition("/")[0] for name in archive.namelist()}), len(archive.namelist())


def test_an_upload_that_is_cut_goes_on_where_it_stopped(browser, intake, large):
    with watched(browser) as seen:
        page, sent = seen.page, []
        page.on("request", lambda request: sent.append(request.headers.get("content-range", "")))
        go_to_start(page, intake.url)
        cut = []

        def fail_once(route: Any) -> None:
            is_second = route.request.headers.get("content-range", "").startswith("bytes 8388608-")
            if is_second and not cut:
                cut.append(route.request.url)
                route.abort("connectionreset")
            else:
                route.continue_()

        page.route("**/v1/objects/*", fail_once)
        send(page, large)
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert cut
        assert "bytes */*" in sent
        assert sum(each.startswith("bytes 0-") for each in sent) == 1
        assert archive_of(intake, page.url) == (["circle", "cross", "square"], 34)
        seen.forgive("ERR_CONNECTION_RESET|connectionreset")


def test_an_upload_goes_on_after_the_page_was_closed_when_the_same_folder_is_chosen_again(browser, intake, large):
    with watched(browser) as seen:
        page, sent = seen.page, []
        go_to_start(page, intake.url)

        def hold(route: Any) -> None:
            if "bytes 8388608-" not in str(route.request.headers):
                route.continue_()

        page.route("**/v1/objects/*", hold)
        with page.expect_request(lambda request: "bytes 8388608-" in str(request.headers)):
            send(page, large)
        page.on("dialog", lambda dialog: dialog.accept())
        go_to_start(page, f"{intake.url}/?again")
        page.unroute_all(behavior="ignoreErrors")  # not before the page is left, or what is held would go on
        seen.see("#unfinished-text", "Choose the same photographs again")
        page.on("request", lambda request: sent.append(request.headers.get("content-range", "")))
        send(page, large)
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert not any(each.startswith("bytes 0-") for each in sent), sent
        assert archive_of(intake, page.url)[1] == 34


def make_odd(root: Path, kind: str) -> Path:
    folder = folder_of(root, "odd")
    if kind == "loose":
        (folder / "a.jpg").write_bytes(b"x")
    elif kind == "one class":
        draw_folder(folder / "photos", per_class=5)
        for shape in ("cross", "square"):
            for path in (folder / "photos" / shape).iterdir():
                path.unlink()
    elif kind == "few":
        draw_folder(folder, per_class=2)
    elif kind == "split":
        for part in ("train", "test"):
            draw_folder(folder / part, per_class=6)
        for beside in ("single_prediction", "docs"):  # no classes, and no parts that hold any
            (folder / beside).mkdir()
            shutil.copy(next(path for path in (folder / "test").rglob("*") if path.is_file()), folder / beside)
    return folder


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("loose", "There are no photographs in folders"),
        ("one class", "There is only one class"),
        ("few", "Every class needs 5 photographs"),
        ("split", "You have divided your photographs already: \u2068test\u2069, \u2068train\u2069"),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_of_before_anything_is_sent(browser, intake, tmp_path, kind, told):
    with watched(browser, PHONE) as seen:
        go_to_start(seen.page, intake.url)
        seen.page.set_input_files("#folder", make_odd(tmp_path, kind))
        seen.see("#choose-error, #warnings .warning", told)
        if kind == "split":
            assert "36 photographs in 3 classes" in seen.see("#summary", "36").inner_text()
            seen.page.get_by_role("button", name="Put them together").click()
            assert "36 photographs in 3 classes" in seen.see("#summary", "36").inner_text()
        seen.fits()
        seen.is_accessible()


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [("photos.zip", b"no zip", "no zip that can be read"), ("photos.rar", b"Rar!", "cannot be opened here")],
)
def test_a_file_that_is_no_zip_is_refused_with_a_way_on(browser, intake, tmp_path, name, data, told):
    (tmp_path / name).write_bytes(data)
    with watched(browser) as seen:
        go_to_start(seen.page, intake.url)
        seen.page.set_input_files("#zip", tmp_path / name)
        seen.see("#choose-error", told)
        (tmp_path / "good.zip").write_bytes(small_archive())
        seen.page.set_input_files("#zip", tmp_path / "good.zip")
        seen.see("#summary", r"\d")


def test_a_class_may_be_renamed_merged_and_left_out_and_its_zip_says_so(browser, intake, photographs):
    with watched(browser) as seen:
        page = seen.page
        go_to_start(page, intake.url)
        page.set_input_files("#folder", photographs)
        page.get_by_label("Name of the class square").fill("كائن طويل الاسم")
        page.get_by_label("Name of the class cross").fill("كائن طويل الاسم")
        seen.see("#summary", "18 photographs in 2 classes")
        page.get_by_label("Name of the class cross").fill("cross")
        page.get_by_role("button", name="leave out square").click()
        seen.see("#summary", "12 photographs in 2 classes")
        page.get_by_label("Your e-mail address").fill("ada@example.org")
        page.get_by_role("button", name=re.compile("^Send ")).click()
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert archive_of(intake, page.url) == (["circle", "cross"], 12)


def test_corrections_of_an_earlier_job_go_into_what_is_sent_and_can_be_forgotten(browser, intake, photographs):
    with watched(browser) as seen:
        page = seen.page
        go_to_start(page, intake.url)
        moves = [["circle/000.png", "cross"], ["square/000.png", None], ["gone.png", "cross"]]
        kept = {"job": "1", "moves": moves}
        page.evaluate("kept => localStorage.setItem('convtailor.corrections', JSON.stringify(kept))", kept)
        page.set_input_files("#folder", photographs)
        seen.see("#corrected-text", "2 corrections are applied")
        seen.see("#summary", "17 photographs in 3 classes")
        seen.is_accessible()
        page.get_by_label("Your e-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Send 17 photographs").click()
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert archive_of(intake, page.url) == (["circle", "cross", "square"], 17)
        assert (photographs / "circle" / "000.png").exists()
        go_to_start(page, intake.url)
        page.set_input_files("#folder", photographs)
        page.get_by_role("button", name="Forget the corrections").click()
        seen.see("#summary", "18 photographs in 3 classes")


def test_photographs_are_sent_with_a_keyboard_alone(browser, intake, photographs):
    with watched(browser) as seen:
        page = seen.page
        go_to_start(page, intake.url)
        page.on("filechooser", lambda _chooser: None)  # has choosers caught from here on, and not while a key goes down
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.get_by_role("button", name="Choose a folder").focus()
        with page.expect_file_chooser() as choosing:
            page.keyboard.press("Enter")
        choosing.value.set_files(photographs)
        seen.see("#summary", "18")
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.id") == "email":
                break
        page.keyboard.type("ada@example.org")
        page.keyboard.press("Enter")
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")


def test_a_wrong_key_a_lost_one_and_a_wrong_address_have_a_sentence_and_a_way_on(browser, intake):
    made = intake.submit()
    with watched(browser, PHONE) as seen:
        seen.page.goto(made["status_url"])
        seen.see("#token-title", "key of this job is missing")
        seen.page.get_by_label("Key", exact=True).fill("wrong")
        seen.page.get_by_role("button", name="Open").click()
        seen.see("#problem", "opens no job here")
        seen.page.get_by_label("Key", exact=True).fill(made["token"])
        seen.page.get_by_role("button", name="Open").click()
        seen.see("#state", "Waiting for the photographs")
        seen.page.goto(f"{made['status_url']}?token={made['token']}")
        seen.see("#state", "Waiting for the photographs")
        assert "token" not in seen.page.url.partition("#")[0]
        seen.page.goto(f"{intake.url}/nothing")
        seen.see("h1", "There is nothing here")
        seen.is_accessible()
        seen.forgive("^404: ")


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["0 %", "under 0.1 %", "97.3 %", "over 99.9 %", "100 %"]),
        ("de", ["0 %", "unter 0,1 %", "97,3 %", "über 99,9 %", "100 %"]),
        ("fr", ["0 %", "moins de 0,1 %", "97,3 %", "plus de 99,9 %", "100 %"]),
    ],
)
def test_a_share_short_of_everything_or_nothing_is_never_told_as_that(browser, intake, language, told):
    script = """async (shares) => {
      const { percent } = await import(new URL("words.js", document.querySelector("script[data-words]").src).href);
      return shares.map(percent);
    }"""
    with watched(browser, PHONE) as seen:
        seen.page.goto(f"{intake.url}/?lang={language}")
        shown = seen.page.evaluate(script, [0, 0.0001, 0.9731, 0.9999, 1])
    assert [each.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ") for each in shown] == told


@pytest.mark.parametrize("language", ["de", "fr"])
def test_the_page_speaks_other_languages_and_still_fits(browser, intake, photographs, language):
    with watched(browser, PHONE) as seen:
        seen.page.goto(f"{intake.url}/?lang={language}")
        seen.page.set_input_files("#folder", photographs)
        assert not re.search(r"\bphotographs\b", seen.see("#summary", "18").inner_text())
        seen.fits()


def test_the_description_of_the_api_is_read_on_a_phone(browser, intake):
    with watched(browser, PHONE) as seen:
        seen.page.goto(f"{intake.url}/docs")
        seen.see("h1", "The API")
        seen.fits()
        seen.is_accessible("dark")


def test_without_javascript_the_page_says_how_else_to_send(browser, intake):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(intake.url)
    assert "convtailor submit" in page.inner_text("noscript, main")
    context.close()
