"""What a person sees in a browser: the same addresses as a program's, under a strict policy, errors with a face."""

import re
from pathlib import Path

import pytest

from services.intake.pages.language import words_of
from services.intake.pages.pages import Terms
from shared.language.catalogue import LANGUAGES
from tests.intake_fixture import IntakeFixture, bearer, small_archive

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = Path(__file__).resolve().parents[2] / "services" / "intake" / "pages"
PROGRAMS = ("*/*", "application/json", "application/json, text/html;q=0.5", "")


@pytest.fixture(scope="module")
def service() -> IntakeFixture:
    return IntakeFixture()


@pytest.mark.parametrize("accept", PROGRAMS)
def test_a_program_is_answered_json_where_a_browser_gets_a_page(service, accept):
    assert service.http.get("/", headers={"Accept": accept}).json["service"] == "convtailor"
    page = service.http.get("/", headers=BROWSER)
    assert page.mimetype == "text/html"
    assert "Accept" in page.headers["Vary"]


@pytest.mark.parametrize("path", ["/", "/docs", "/v1/jobs/1", "/nothing"])
def test_a_page_runs_only_scripts_that_carry_the_nonce_of_its_own_answer(service, path):
    policies = []
    for _ in range(2):
        page = service.http.get(path, headers=BROWSER)
        policy = page.headers["Content-Security-Policy"]
        [nonce] = set(re.findall(r"'nonce-([^']+)'", policy))
        assert set(re.findall(r'<(?:script|link rel="stylesheet")[^>]*nonce="([^"]+)"', page.text)) == {nonce}
        assert len(re.findall(r"<script", page.text)) == len(re.findall(r"<script[^>]*nonce=", page.text))
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert not re.search(r'\s(?:on\w+|style)="', page.text)
        policies.append(policy)
    assert policies[0] != policies[1]


def test_a_page_loads_nothing_from_anybody_else(service):
    for path in ("/", "/docs", "/v1/jobs/1"):
        page = service.http.get(path, headers=BROWSER).text
        loaded = re.findall(r'<(?:script|link|img)[^>]*(?:src|href)="([^"]+)"', page)
        assert loaded
        assert all(each.startswith("/") for each in loaded)
        for each in loaded:
            assert service.http.get(each).status_code == 200, each


def test_an_error_shows_a_person_the_code_and_the_fix_that_programs_are_told(service):
    for path in ("/nothing", "/v1/jobs/1/model", "/v1/objects/forged"):
        told = service.http.get(path)
        page = service.http.get(path, headers=BROWSER)
        assert page.status_code == told.status_code
        assert page.mimetype == "text/html"
        assert told.json["error"]["code"] in page.text
        assert told.json["error"]["fix"].partition("'")[0] in page.text


def test_the_page_of_a_job_does_not_tell_whether_there_is_one(service):
    made = service.submit()
    known = service.http.get(f"/v1/jobs/{made['job_id']}", headers=BROWSER)
    unknown = service.http.get(f"/v1/jobs/{'0' * 32}", headers=BROWSER)
    assert (known.status_code, unknown.status_code) == (200, 200)
    assert made["token"] not in known.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_speaks_the_language_of_the_browser_and_remembers_another_choice(service, language):
    http = service.app.test_client()
    assert (
        f'<html lang="{language}"'
        in http.get("/", headers={**BROWSER, "Accept-Language": f"{language}, en;q=0.5"}).text
    )
    http.get(f"/?lang={language}", headers=BROWSER)
    assert f'<html lang="{language}"' in http.get("/docs", headers={**BROWSER, "Accept-Language": "en"}).text


def test_files_of_pages_are_kept_by_browsers_until_a_release_changes_them(service):
    [style] = re.findall(r'href="(/static/[^"]+/page\.css)"', service.http.get("/", headers=BROWSER).text)
    assert "immutable" in service.http.get(style).headers["Cache-Control"]
    old = re.sub(r"/static/\w+/", "/static/older/", style)
    assert service.http.get(old).headers["Cache-Control"] == "no-store"
    for path in ("../routes.py", "%2e%2e/routes.py", "vendor"):
        assert service.http.get(f"/static/x/{path}").status_code == 404


def test_a_person_may_have_photographs_kept_where_that_is_allowed(service):
    page = service.http.get("/", headers=BROWSER).text
    assert 'name="keep_photos_days" value="30"' in page
    assert "unless you have them kept" in page
    offers = [
        Terms(max_bytes=1, artefact_days=30, archive_days=archive_days, most_archive_days=most).may_keep
        for archive_days, most in ((0, 30), (0, 0), (30, 30), (7, 30))
    ]
    assert offers == [True, False, False, True], "a tick that changes nothing would be a lie"


def test_search_engines_are_kept_from_jobs_and_find_the_sign(service):
    assert "Disallow: /" in service.http.get("/robots.txt").text
    assert service.http.get("/favicon.ico").mimetype == "image/svg+xml"


def test_a_person_deletes_what_a_job_left_and_a_second_time_changes_nothing(service):
    made = service.submit()
    service.upload(made, small_archive())
    path = f"/v1/jobs/{made['job_id']}"
    refused = service.http.delete(path, headers=bearer(made))
    assert (refused.status_code, refused.json["error"]["code"]) == (409, "job_not_ended")
    assert service.http.delete(path, headers={"Authorization": "Bearer wrong"}).status_code == 404
    service.http.post(f"{path}/cancel", headers=bearer(made))
    for _ in range(2):
        gone = service.http.delete(path, headers=bearer(made))
        assert gone.status_code == 200, gone.text
        assert gone.json["files_deleted_at"] is not None
    assert not list(service.objects.list("uploads/"))


def test_no_script_leads_away_from_the_path_below_which_the_service_may_lie():
    texts = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("static/*.js")}
    assert "ROOT" in texts["job.js"]
    assert [name for name, text in texts.items() if re.search(r'(href: |assign\(|fetch\()["`\']/', text)] == []


def messages_in_use() -> set[str]:
    """Return every message of templates and scripts, the first form of those that count."""
    texts = [
        path.read_text(encoding="utf-8") for path in [*PAGES.glob("templates/*.jinja"), *PAGES.glob("static/*.js")]
    ]
    return {found for text in texts for found in re.findall(r'(?:\b_|\bngettext)\(["\'](.+?)["\'][,)]', text)}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
def test_every_message_is_told_in_every_language_with_the_same_places_to_fill(language):
    known = words_of(language)
    for message in messages_in_use():
        told = known.get(message)
        assert told, f"{message!r} is missing in {language}; run: python -m tools.catalogues"
        for form in told if isinstance(told, list) else [told]:
            assert set(re.findall(r"{\w+}", form)) <= set(re.findall(r"{\w+}", message)) | {"{count}"}, message
