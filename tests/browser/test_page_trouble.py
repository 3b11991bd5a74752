"""The start page and the page of a job in trouble: a full server, far too much, odd names, an answer that was lost."""

import shutil
from typing import Any

import pytest

from tests.browser.test_page_start import archive_of, send
from tests.browser.watched import PHONE, folder_of, go_to_start, needs_browser, watched
from tests.intake_process import IntakeProcess

pytestmark = [needs_browser, pytest.mark.slow]


IMPROVING = """async () => {
  const beside = (name) => new URL(name, document.querySelector("script[data-job]").src).href;
  const { offerImprovement } = await import(beside("improving.js"));
  window.asked = [];
  const api = {
    token: "t",
    retrain: async (moves, key) => {
      window.asked.push([key, [...moves]]);
      if (window.asked.length === 1) throw new TypeError("the answer was lost");
      return { job_id: "2", token: "u" };
    },
  };
  const one = { filed_as: "cat", looks_like: "dog", probability: 0.9 };
  const listed = ["a", "b"].map((name) => ({ ...one, path: `cat/${name}.jpg` }));
  const status = { links: { retrain: "r" }, archive_kept_until: "2030-01-01T00:00:00Z" };
  offerImprovement("1", { classes: ["cat", "dog"], suspects: { listed } }, api, status);
}"""


def test_a_second_training_with_other_corrections_is_a_wish_of_its_own_and_a_repeated_click_is_not(browser, intake):
    with watched(browser) as seen:
        page, again = seen.page, seen.page.get_by_role("button", name="Train again with them")
        page.goto(intake.submit()["status_url"])
        page.evaluate(IMPROVING)
        page.locator("#suspect-move").click()
        again.click()
        seen.see("#problem", "cannot be reached")
        again.click()
        seen.see("#corrections-made", "It trains again")
        again.wait_for(state="hidden")
        page.locator("#suspect-move").click()
        again.click()
        page.wait_for_function("window.asked.length === 3")
        (lost, _), (repeated, first), (other, second) = page.evaluate("window.asked")
        assert lost == repeated
        assert other != repeated
        assert (len(first), len(second)) == (1, 2)


FULL = {"error": {"code": "store_full", "message": "The server has no room for this just now.", "fix": "Try later."}}


def test_a_full_server_is_told_of_and_the_upload_goes_on_once_there_is_room(browser, intake, photographs):
    with watched(browser, PHONE) as seen:
        page, full = seen.page, [True]
        go_to_start(page, intake.url)

        def fill(route: Any) -> None:
            if full:
                route.fulfill(status=507, json=FULL)
            else:
                route.continue_()

        page.route("**/v1/objects/*", fill)
        send(page, photographs)
        seen.see("#sending-error", "no room")
        seen.fits()
        full.clear()
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        seen.forgive("^507: ")


def test_an_answer_that_never_comes_is_asked_for_again(browser, intake):
    with watched(browser) as seen:
        page, lost = seen.page, []

        def lose_first(route: Any) -> None:
            if lost or route.request.resource_type != "fetch":
                route.continue_()
            else:
                lost.append(route)

        made = intake.submit()
        page.clock.install()
        page.route(f"**/v1/jobs/{made['job_id']}", lose_first)
        with page.expect_request(lambda request: request.resource_type == "fetch"):
            page.goto(f"{made['status_url']}#{made['token']}")
        page.clock.fast_forward(31_000)
        seen.see("#problem", "cannot be reached")
        page.clock.fast_forward(3_000)
        seen.see("#state", "Waiting")
        page.locator("#problem").wait_for(state="hidden")
        assert len(lost) == 1


def test_a_server_that_is_full_before_anything_is_sent_loses_nothing_of_what_was_chosen(browser, intake, photographs):
    with watched(browser) as seen:
        page = seen.page
        go_to_start(page, intake.url)
        page.route("**/v1/jobs", lambda route: route.fulfill(status=507, json=FULL))
        page.set_input_files("#folder", photographs)
        page.get_by_label("Name of the class square").fill("box")
        page.get_by_label("Your e-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Send 18 photographs").click()
        seen.see("#send-error", "no room")
        assert page.get_by_label("Name of the class square").input_value() == "box"
        page.unroute_all()
        page.get_by_role("button", name="Send 18 photographs").click()
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert archive_of(intake, page.url) == (["box", "circle", "cross"], 18)
        seen.forgive("^507: ")


def test_more_than_is_taken_is_told_of_before_anything_is_sent_and_may_be_left_out(browser, tmp_path, photographs):
    narrow = IntakeProcess(tmp_path, max_upload_bytes=120_000).start()
    try:
        with watched(browser, PHONE) as seen:
            page = seen.page
            go_to_start(page, narrow.url)
            page.set_input_files("#folder", photographs)
            seen.see("#warnings .warning", "This is more than the 120 kB that are taken")
            assert page.locator("#go").is_disabled()
            seen.fits()
            seen.is_accessible()
            page.get_by_role("button", name="leave out cross").click()
            page.get_by_label("Your e-mail address").fill("ada@example.org")
            page.get_by_role("button", name="Send 12 photographs").click()
            page.wait_for_url("**/v1/jobs/*#*")
            seen.see("#state", "Waiting")
    finally:
        narrow.kill()


LONG_NAMES = ("ש" * 90 + " תפוח " + "ש" * 90, "🦊🐻" * 40, "very-long-name-without-a-place-to-break-" * 5)


def test_long_names_right_to_left_names_and_emoji_fit_and_arrive_as_they_are(browser, intake, photographs, tmp_path):
    folder = folder_of(tmp_path, "names")
    for name, shape in zip(("apple", "pear", "quince"), ("circle", "cross", "square"), strict=True):
        shutil.copytree(photographs / shape, folder / name)
    with watched(browser, PHONE) as seen:
        page = seen.page
        go_to_start(page, intake.url)
        page.set_input_files("#folder", folder)
        for name, long in zip(("apple", "pear", "quince"), LONG_NAMES, strict=True):
            page.get_by_label(f"Name of the class {name}").fill(long)
        seen.see("#summary", "18 photographs in 3 classes")
        seen.fits()
        seen.is_accessible()
        page.get_by_label("Your e-mail address").fill("ada@example.org")
        page.get_by_role("button", name="Send 18 photographs").click()
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert archive_of(intake, page.url) == (sorted(LONG_NAMES), 18)


VERDICT = """async () => {
  const beside = (name) => new URL(name, document.querySelector("script[data-job]").src).href;
  const { verdictOf } = await import(beside("verdict.js"));
  const reason_values = { name: "dog", found: 5, tested: 40 };
  const verdict = { grade: "check_every_answer", reason_code: "class_missed", reason_values };
  return verdictOf({ verdict, test: { confusion_matrix: [[97, 3], [35, 5]], num_images: 140 } });
}"""
BOUNDS = """async () => {
  const beside = (name) => new URL(name, document.querySelector("script[data-job]").src).href;
  const { boundary } = await import(beside("words.js"));
  return [0, 0.0001, 0.0033, 0.8149, 0.9978, 0.99999, 1].map(boundary);
}"""


def test_a_verdict_is_told_in_the_language_of_the_page_whatever_the_report_is_written_in(browser, intake):
    with watched(browser, PHONE) as seen:
        address = intake.submit()["status_url"]
        seen.page.goto(f"{address}?lang=de")
        told = seen.page.evaluate(VERDICT)
        assert told["title"] == "Jede Antwort prüfen."
        assert told["lead"] == (
            "Von dog findet es weniger als die Hälfte: 5 von 40 Prüffotos. Von 140 Prüffotos hat das Netz 102 erkannt."
        )
        seen.page.goto(f"{address}?lang=en")
        assert seen.page.evaluate(VERDICT)["title"] == "Check every answer."
        bounds = [each.replace("\N{NO-BREAK SPACE}", " ") for each in seen.page.evaluate(BOUNDS)]
        assert bounds == ["0 %", "0.1 %", "0.3 %", "81 %", "99.8 %", "99.9 %", "100 %"]


@pytest.mark.parametrize("name", ["start.js", "job.js"])
def test_a_browser_that_cannot_read_our_scripts_is_told_to_be_too_old_and_how_else_to_send(browser, intake, name):
    address = intake.url if name == "start.js" else intake.submit()["status_url"]
    with watched(browser) as seen:
        newer = "const answer = ?? later;"
        seen.page.route(f"**/{name}", lambda route: route.fulfill(content_type="text/javascript", body=newer))
        seen.page.goto(address)
        assert "convtailor " in seen.see("#old", "too old").inner_text()
        seen.forgive("SyntaxError|Unexpected token")


def test_a_browser_that_draws_in_no_worker_shows_the_photographs_and_sends_them(browser, intake, photographs):
    with watched(browser, PHONE) as seen:
        page = seen.page
        page.add_init_script("delete globalThis.OffscreenCanvas")
        go_to_start(page, intake.url)
        page.set_input_files("#folder", photographs)
        page.locator("#classes img").nth(11).wait_for()
        page.locator("#send summary").click()
        seen.fits()
        send(page, photographs)
        page.wait_for_url("**/v1/jobs/*#*")
        seen.see("#state", "Waiting")
        assert archive_of(intake, page.url) == (["circle", "cross", "square"], 18)
