"""From a folder of photographs to a tried network, as a person goes the way in a browser: one real job for all."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.onebox.services import Onebox
from tests.browser.watched import PHONE, go_to_start, needs_browser, watched
from tests.onebox_fixture import draw, draw_folder, environment
from tests.waiting import PATIENCE_S, until

pytestmark = [needs_browser, pytest.mark.slow]
TRAINED_WITHIN_S = 900
"""A network of this size is trained in twenty seconds by a machine that does nothing else."""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory) -> Path:
    folder = draw_folder(tmp_path_factory.mktemp("photographs") / "shapes", per_class=12)
    rng = np.random.default_rng(9)
    for number in range(3):  # in the wrong folder, as happens
        draw("circle", rng).save(folder / "cross" / f"misfiled{number}.png")
    (folder / "read me.txt").write_text("no photograph")
    (folder / "circle" / "older.zip").write_bytes(b"left out, and not taken for what was chosen")
    return folder


@pytest.fixture(scope="module")
def box(tmp_path_factory, preloaded) -> Iterator[Onebox]:
    folder = tmp_path_factory.mktemp("box")
    chosen = {"CONVTAILOR_FORMATS": "onnx", "CONVTAILOR_ARCHIVE_DAYS": "1"}
    with Onebox(folder / "data", environment(folder) | chosen) as box:
        box.wait_ready(within_s=PATIENCE_S)
        yield box


@pytest.fixture(scope="module")
def job(box, browser, photographs) -> str:
    """Send the photographs on a desktop, look in between, and return the address of the job once it has ended."""
    with watched(browser) as seen:
        page = seen.page
        go_to_start(page, box.url)
        seen.is_accessible()
        page.set_input_files("#folder", photographs)
        assert seen.see("#summary").inner_text().startswith("39 photographs in 3 classes")
        assert all(name in seen.see("#left-out").inner_text() for name in ("read me.txt", "circle/older.zip"))
        page.get_by_label("Name of the class circle").fill("disc")
        until(lambda: page.locator("#classes img").count() == 12)
        seen.is_accessible()
        page.get_by_label("Your e-mail address").fill("ada@example")
        page.locator("#send summary").click()
        page.get_by_label("Networks to try").fill("tiny")
        page.get_by_role("button", name="Send 39 photographs").click()
        seen.see("#send-error", "no e-mail address")
        seen.forgive("^400: ")
        page.get_by_label("Your e-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Send 39 photographs").click()
        page.wait_for_url("**/v1/jobs/*#*")
        address = page.url
        for _ in range(2):  # a page that is opened anew knows all that it knew
            seen.see("#state", "Waiting|Training|Writing")
            page.reload()
        seen.is_accessible()
        assert "#" not in page.evaluate("document.referrer")
        page.locator("section#report").wait_for(timeout=1000 * TRAINED_WITHIN_S)
    return address


def test_the_page_of_a_finished_job_shows_the_report_and_saves_its_files(browser, job, tmp_path):
    with watched(browser) as seen:
        seen.page.goto(job)
        assert seen.see("#lead", r"\d").inner_text() in seen.see("#report .lead").inner_text()
        seen.is_accessible()
        with seen.page.expect_download() as saving:
            seen.page.get_by_role("button", name="Everything, ready to use").click()
        saving.value.save_as(tmp_path / "model.zip")
        with zipfile.ZipFile(tmp_path / "model.zip") as model:
            assert model.testzip() is None
            assert any(name.endswith("labels.txt") for name in model.namelist())
        seen.page.get_by_role("button", name="Share the report").click()
        shared = seen.see("#shared-url").input_value()
        seen.page.goto(shared)
        seen.see("h1", r"\w")


def test_a_link_within_the_report_does_not_take_the_place_of_the_key(browser, job):
    with watched(browser) as seen:
        seen.page.goto(job)
        links = seen.see("section#report").locator("a[href^='#']")
        for number in range(min(3, links.count())):
            links.nth(number).click()

        assert seen.page.url == job


def test_a_photograph_is_tried_in_the_browser_as_the_delivered_network_answers_it(browser, job, photographs, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from services.trainer.data.pictures.picture import read_pixels  # noqa: PLC0415
    from services.trainer.data.resampling import resize  # noqa: PLC0415

    with watched(browser, PHONE) as seen:
        seen.page.goto(job)
        pictures = [photographs / shape / "003.png" for shape in ("circle", "cross", "square")]
        script = """async ({ job, blobs }) => {
          const beside = (name) => new URL(name, document.querySelector("script[data-job]").src).href;
          const { Network } = await import(beside("network.js"));
          const { JobApi } = await import(beside("job_api.js"));
          const [path, token] = job.split("#");
          const network = await Network.open(new JobApi(path.split("/").pop(), token), () => {});
          const answers = [];
          for (const blob of blobs) {
            const { square } = await network.read(new Blob([Uint8Array.from(blob)], { type: "image/png" }));
            answers.push(await network.score(square));
          }
          return { answers, labels: network.labels };
        }"""
        found = seen.page.evaluate(script, {"job": job, "blobs": [list(each.read_bytes()) for each in pictures]})
        with seen.page.expect_download() as saving:
            seen.page.locator("#downloads summary").click()
            seen.page.get_by_role("button", name="Network for ONNX Runtime").click()
        saving.value.save_as(tmp_path / "model.onnx")
        session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
        [given] = session.get_inputs()
        for path, answer in zip(pictures, found["answers"], strict=True):
            square = resize(read_pixels(path), given.shape[1])[None]
            np.testing.assert_allclose(answer, session.run(None, {given.name: square})[0][0], atol=1e-3)
        assert found["labels"] == ["cross", "disc", "square"]
        seen.page.set_input_files("#try-file", pictures[1])
        seen.see("#verdict", r"\d")
        seen.see("#try-status", "did not leave this device")
        seen.fits()


def test_doubtful_photographs_are_gone_through_by_keys_and_the_list_is_kept(browser, job, tmp_path):
    with watched(browser, PHONE) as seen:
        page = seen.page
        page.goto(job)
        seen.see("#improve-title")
        page.locator("#suspect-right").focus()
        page.keyboard.press("2")
        seen.see("#corrections-count", "one correction so far")
        page.reload()
        seen.see("#corrections-count", "one correction so far")
        assert "misfiled" in seen.see("#suspect-path").inner_text()
        page.locator("#suspect-right").focus()
        page.keyboard.press("3")
        page.keyboard.press("ArrowLeft")
        seen.see("#corrections-count", "one correction so far")
        with page.expect_download() as saving:
            page.get_by_role("button", name="Save the list").click()
        saving.value.save_as(tmp_path / "corrections.csv")
        assert (tmp_path / "corrections.csv").read_text().count("\n") >= 2
        seen.fits()
        seen.is_accessible()
        seen.see("#corrections-kept", "nothing has to be sent again")
        page.get_by_role("button", name="Train again with them").click()
        page.get_by_role("link", name="Follow the new training").click()
        page.wait_for_url(lambda address: address != job)
        seen.see("#kin", "Trained again with")
        seen.is_accessible()
        page.locator("section#report").wait_for(timeout=1000 * TRAINED_WITHIN_S)
        seen.see("section#report", "Beside the older network")
        seen.see("section#report", "with your corrections")
        page.get_by_role("link", name="the first training").click()
        page.wait_for_url(job)
        seen.see("#kin", "trained again since")


def test_a_person_deletes_everything_and_the_page_says_so_ever_after(browser, box, job):
    with watched(browser, PHONE) as seen:
        seen.page.goto(job)
        seen.page.get_by_role("button", name="Delete everything").click()
        seen.page.get_by_role("button", name="No, leave it").click()
        seen.page.get_by_role("button", name="Delete everything").click()
        seen.page.get_by_role("button", name="Delete", exact=True).click()
        seen.see("#title", "Everything is deleted")
        seen.page.reload()
        seen.see("#title", "Everything is deleted")
        seen.is_accessible()
