"""The operator's page: nothing without a key, no other site can press its buttons, and it works without a script."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from services.intake.app import create_app
from shared.access.api_key import drawn_key, revoked
from shared.errors import Fault
from shared.job.job import JobState
from shared.job.retention import Retention
from shared.web.address import PublicAddress
from tests.intake_fixture import IntakeFixture, small_archive

CRASHED = Fault(code="training_crashed", message="The <b>process</b> crashed.", fix="f")


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture(retention=Retention(archives=timedelta(days=3)))


@pytest.fixture
def key(service) -> str:
    text, key = drawn_key("lab", service.clock(), is_operator=True)
    service.access.put_key(key)
    return text


@pytest.fixture
def failed(service) -> str:
    made = service.app.test_client().post("/v1/jobs", json={"email": "ada@example.org"}).json
    service.upload(made, small_archive())
    service.handle_uploads()
    service.move(made, JobState.TRAINING, JobState.FAILED, fault=CRASHED, mailed_at=service.clock())
    return made["job_id"]


def signed_in(service: IntakeFixture, key: str):
    answer = service.http.post("/operator/sign-in", data={"key": f" {key}\n"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/operator")
    return answer


def pressed(service: IntakeFixture, page: str, job_id: str, action: str):
    """Press a button of a page, as a browser does."""
    path = f"/operator/jobs/{job_id}/{action}"
    [token] = set(re.findall(rf'action="{path}"><input type="hidden" name="form" value="(\w+)"', page))
    return service.http.post(path, data={"form": token})


def test_nobody_sees_anything_without_an_operators_key(service, failed):
    assert failed not in service.http.get("/operator").text
    text, key = drawn_key("a person", service.clock())
    service.access.put_key(key)
    for shown in ("", "nonsense", text):
        refused = service.http.post("/operator/sign-in", data={"key": shown})
        assert refused.status_code == 401
        assert 'role="alert"' in refused.text
        service.http.set_cookie("operator", shown, path="/operator")
        assert failed not in service.http.get("/operator").text
        assert service.http.get("/operator/disk").status_code in (401, 403)
        assert service.http.post(f"/operator/jobs/{failed}/forget").status_code in (401, 403)
    assert service.store.get(failed).job.forgotten_at is None


def test_the_key_goes_nowhere_but_to_these_pages_and_no_script_reads_it(service, key):
    cookie = signed_in(service, key).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/operator"} <= set(cookie.split("; "))
    assert key not in service.http.get("/operator").text
    out = service.http.post("/operator/sign-out")
    assert "Max-Age=0" in out.headers["Set-Cookie"]


def test_a_key_that_is_revoked_closes_the_page_at_the_next_click(service, key, failed):
    signed_in(service, key)
    page = service.http.get("/operator").text
    service.access.put_key(revoked(service.access.all_keys()[0], service.clock()))
    assert pressed(service, page, failed, "retry").status_code == 401
    asked = service.http.get("/operator")
    assert (asked.status_code, failed in asked.text) == (401, False)


def test_an_operator_sees_why_a_job_failed_and_has_it_tried_again(service, key, failed):
    signed_in(service, key)
    page = service.http.get("/operator").text
    assert "training_crashed</strong>The &lt;b&gt;process&lt;/b&gt; crashed." in page
    answer = pressed(service, page, failed, "retry")
    assert answer.status_code == 303
    told = service.http.get(answer.headers["Location"]).text
    assert "The job is tried again." in told
    assert service.store.get(failed).job.state is JobState.QUEUED
    assert pressed(service, told, failed, "cancel").status_code == 303
    assert service.store.get(failed).job.state is JobState.CANCELLED


def test_another_site_presses_no_button(service, key, failed):
    signed_in(service, key)
    for form in ({}, {"form": ""}, {"form": "0" * 64}, {"form": "ä"}):
        answer = service.http.post(f"/operator/jobs/{failed}/forget", data=form)
        assert (answer.status_code, answer.json["error"]["code"]) == (403, "form_invalid")
    assert service.store.get(failed).job.forgotten_at is None


def test_what_cannot_be_done_is_told_as_a_page(service, key, failed):
    signed_in(service, key)
    page = service.http.get("/operator").text
    pressed(service, page, failed, "retry")
    [token] = set(re.findall(r'name="form" value="(\w+)"', page))
    accept = {"Accept": "text/html"}
    again = service.http.post(f"/operator/jobs/{failed}/retry", data={"form": token}, headers=accept)
    assert (again.status_code, again.mimetype, "job_not_ended" in again.text) == (409, "text/html", True)
    assert service.http.post("/operator/jobs/x/explode", data={"form": token}).status_code == 404


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_the_pages_need_no_script_and_speak_the_language_of_the_browser(service, key, failed, language):
    service.keep(f"jobs/{failed}/1/model.h5", b"m" * 1000)
    accept = {"Accept-Language": language}
    pages = [service.http.get("/operator", headers=accept).text]
    signed_in(service, key)
    pages += [service.http.get(path, headers=accept).text for path in ("/operator", "/operator/disk")]
    for page in pages:
        assert "<script" not in page
        assert f'<html lang="{language}"' in page
        assert 'rel="stylesheet"' in page
    titles = {"en": "What failed", "de": "Was misslungen ist", "fr": "Ce qui a échoué"}
    assert titles[language] in pages[1]
    assert failed in pages[2]


def test_a_filter_shows_the_jobs_that_were_asked_for(service, key, failed):
    signed_in(service, key)
    assert failed in service.http.get("/operator?state=failed&hours=2&sort=size").text
    assert failed not in service.http.get("/operator?state=queued").text
    assert service.http.get("/operator?hours=0").status_code == 400


def test_behind_a_prefix_forms_and_cookie_follow(service, key):
    address = PublicAddress(url="https://lab.example.org/convtailor")
    app = create_app(replace(service.job_routes, address=address), service.page_routes, service.link_routes)
    answer = app.test_client().post("/operator/sign-in", data={"key": key})
    assert answer.headers["Location"] == "/convtailor/operator"
    assert {"Secure", "Path=/convtailor/operator"} <= set(answer.headers["Set-Cookie"].split("; "))
