"""The service behind Debian's nginx, as infra/lab/nginx.conf sets it up: a prefix, HTTPS, large archives."""

import io
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import pytest

from services.client.api.client import Client
from shared.access.api_key import drawn_key
from shared.access.signed_link import LinkGrant, LinkKind
from shared.backends import open_backends, required_links
from shared.clock import utc_now
from shared.job.job import Artefacts
from shared.layout import Artefact, report_key
from shared.ports.object_store import RESUMABLE_FROM_BYTES
from shared.settings import Settings
from tests.infra.proxy import PREFIX, free_ports, needs_nginx, proxy
from tests.intake_fixture import bearer, small_archive
from tests.intake_process import IntakeProcess
from tests.waiting import PATIENCE_S, until

pytestmark = needs_nginx
HOST = "127.0.0.1"
LARGE = 6 << 20
"""More than nginx takes unless told otherwise, and than it keeps in memory."""


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    folder = tmp_path_factory.mktemp("behind")
    ports = free_ports(2)
    public_url = f"https://{HOST}:{ports[1]}{PREFIX}"
    settings = {"public_url": public_url, "forwarded_hops": 1, "jobs_per_network_hour": 20, "max_upload_bytes": 9 << 20}
    intake = IntakeProcess(folder, **settings).start()
    try:
        with proxy(folder, host=HOST, ports=(ports[0], ports[1]), upstream=intake.url) as served:
            yield intake, served
    finally:
        intake.kill()


@pytest.fixture
def intake(behind):
    return behind[0]


@pytest.fixture
def served(behind):
    return behind[1]


@pytest.fixture
def http(served):
    with httpx.Client(verify=served.trust, timeout=PATIENCE_S) as client:
        yield client


def submit(http, served, **fields) -> dict:
    answer = http.post(f"{served.url}/v1/jobs", json={"email": "ada@example.org", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_every_address_that_is_handed_out_leads_through_the_proxy(http, served):
    made = submit(http, served, size_bytes=5)
    told = http.get(made["status_url"], headers=bearer(made)).json()
    addresses = [made["status_url"], made["upload"]["url"], *filter(None, told["links"].values())]
    assert len(addresses) > 2
    assert [each for each in addresses if not each.startswith(f"{served.url}/v1/")] == []


def test_every_link_of_every_page_stays_below_the_prefix_and_leads_somewhere(http, served):
    made = submit(http, served)
    shown = {"Accept": "text/html"}
    for path, status in (("/", 200), (f"/v1/jobs/{made['job_id']}", 200), ("/docs", 200), ("/no/such/page", 404)):
        page = http.get(f"{served.url}{path}", headers=shown)
        assert page.status_code == status
        links = set(re.findall(r'(?:href|src|data-words|action)="(/[^"#]*)', page.text))
        assert links
        for link in links:
            assert link.startswith(f"{PREFIX}/"), (path, link)
            assert http.get(served.url.removesuffix(PREFIX) + link, headers=shown).status_code == 200, link


def test_scripts_ask_where_they_were_found(http, served):
    page = http.get(f"{served.url}/", headers={"Accept": "text/html"}).text
    folder = re.search(rf'"({PREFIX}/static/\w+/)start.js"', page)[1]
    for name in ("start.js", "job_api.js", "dom.js"):
        script = http.get(served.url.removesuffix(PREFIX) + folder + name).text
        assert not re.search(r"""["'`]/(v1|docs|static)\b""", script), name


def test_the_language_is_kept_for_this_service_and_no_other_of_the_same_host(http, served):
    answer = http.get(f"{served.url}/?lang=de", headers={"Accept": "text/html"})
    assert f"Path={PREFIX}/" in answer.headers["Set-Cookie"]
    assert 'lang="de"' in http.get(f"{served.url}/docs", headers={"Accept": "text/html"}).text


def test_an_operator_signs_in_and_the_key_goes_nowhere_else(http, served, intake):
    text, key = drawn_key("of the lab", utc_now(), is_operator=True)
    open_backends(Settings(data_dir=intake.data_dir)).access_store.put_key(key)
    shown = {"Accept": "text/html"}
    led = http.post(f"{served.url}/operator/sign-in", data={"key": text}, headers=shown)
    assert (led.status_code, led.headers["Location"]) == (303, f"{PREFIX}/operator")
    assert {f"Path={PREFIX}/operator", "Secure", "HttpOnly"} <= set(led.headers["Set-Cookie"].split("; "))
    page = http.get(f"{served.url}/operator", headers=shown)
    assert page.status_code == 200
    assert set(re.findall(r'action="([^"]*)/operator', page.text)) == {PREFIX}


def test_without_https_or_the_last_slash_people_are_led_on(http, served):
    to_https = http.get(f"{served.plain_url}/docs?lang=fr")
    assert (to_https.status_code, to_https.headers["Location"]) == (301, f"{served.url}/docs?lang=fr")
    slash = http.get(served.url)
    assert (slash.status_code, slash.headers["Location"]) == (301, f"{PREFIX}/")


def test_a_large_archive_goes_through_and_reaches_the_service_while_it_comes(http, served, intake):
    made = submit(http, served)

    def parts():
        yield bytes(LARGE // 2)
        until(lambda: sum(path.stat().st_size for path in intake.data_dir.rglob("*") if path.is_file()) > LARGE // 4)
        yield bytes(LARGE // 2)

    headers = {**made["upload"]["headers"], "Content-Length": str(LARGE)}
    answer = http.put(made["upload"]["url"], content=parts(), headers=headers)
    assert (answer.status_code, answer.json()["size_bytes"]) == (200, LARGE)
    assert [path for path in (served.folder / "client_body").rglob("*") if path.is_file()] == []


def test_what_is_too_large_is_refused_by_the_service_and_in_its_words(http, served):
    made = submit(http, served)
    for _ in range(5):  # an answer that comes while the archive is still sent must not get lost, now and then
        answer = http.put(made["upload"]["url"], content=bytes(24 << 20), headers=made["upload"]["headers"])
        assert answer.status_code == 413, answer.text
        assert answer.json()["error"]["code"] == "upload_too_large"


def test_an_archive_in_pieces_goes_on_where_it_broke_off(http, served):
    archive = small_archive(image_bytes=60_000)
    made = submit(http, served, size_bytes=RESUMABLE_FROM_BYTES + 1)
    upload = made["upload"]
    assert upload["method"] == "POST"
    begun = http.post(upload["url"], headers=upload["headers"])
    session = str(httpx.URL(upload["url"]).join(begun.headers["Location"]))
    assert session.startswith(f"{served.url}/v1/")
    half = 1 << 18
    total = len(archive)
    first = http.put(session, content=archive[:half], headers={"Content-Range": f"bytes 0-{half - 1}/{total}"})
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{half - 1}")
    asked = http.put(session, headers={"Content-Range": f"bytes */{total}"})
    assert (asked.status_code, asked.headers["Range"]) == (308, f"bytes=0-{half - 1}")
    rest = http.put(session, content=archive[half:], headers={"Content-Range": f"bytes {half}-{total - 1}/{total}"})
    assert (rest.status_code, rest.json()["size_bytes"]) == (200, total)
    until(lambda: http.get(made["status_url"], headers=bearer(made)).json()["state"] == "queued")


def test_a_report_is_found_by_its_redirect_and_by_the_link_of_a_mail_whole_and_in_part(http, served, intake):
    made = submit(http, served)
    backends = open_backends(Settings(data_dir=intake.data_dir, public_url=served.url))
    key = report_key(made["job_id"])
    backends.object_store.put(key, io.BytesIO(b"0123456789"), content_type="text/html")
    stored = backends.job_store.get(made["job_id"])
    backends.job_store.replace(stored, replace(stored.job, artefacts=Artefacts(report=key)))
    expires_at = utc_now() + timedelta(days=3)
    grant = LinkGrant(kind=LinkKind.FETCH, job_id=made["job_id"], expires_at=expires_at, artefact=Artefact.REPORT)
    of_mail = required_links(backends).url(grant)
    for url, shown in ((f"{made['status_url']}/report", bearer(made)), (of_mail, {})):
        led = http.get(url, headers=shown)
        assert led.status_code == 302
        assert led.headers["Location"].startswith(f"{PREFIX}/v1/")
        assert led.json()["url"].startswith(f"{served.url}/v1/")
        assert http.get(str(httpx.URL(url).join(led.headers["Location"]))).content == b"0123456789"
        part = http.get(led.json()["url"], headers={"Range": "bytes=2-4"})
        assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")


def test_the_client_fetches_through_the_proxy(http, served, intake, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(served.certificate))
    made = submit(http, served)
    backends = open_backends(Settings(data_dir=intake.data_dir))
    key = report_key(made["job_id"])
    backends.object_store.put(key, io.BytesIO(b"a report"), content_type="text/html")
    stored = backends.job_store.get(made["job_id"])
    backends.job_store.replace(stored, replace(stored.job, artefacts=Artefacts(report=key)))
    with Client(served.url) as client:
        link = client.status(made["job_id"], made["token"]).links["report"]
        client.download(link, made["token"], tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == b"a report"


def test_gauges_are_shown_to_nobody_outside(http, served, intake):
    answers = {path: http.get(served.url + path) for path in ("/metrics", "//metrics", "/%6detrics", "/x/../metrics")}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 404)
    assert not [path for path, answer in answers.items() if "convtailor_jobs" in answer.text]
    assert intake.http.get(f"{intake.url}/metrics").status_code in (401, 403), "there it is, for those with a key"


def test_callers_are_told_apart_by_where_they_are_whatever_they_claim(served):
    elsewhere = httpx.HTTPTransport(local_address="127.77.0.1", verify=served.trust)
    with httpx.Client(transport=elsewhere, timeout=PATIENCE_S) as stranger:
        statuses = [
            stranger.post(
                f"{served.url}/v1/jobs",
                json={"email": "eve@example.org"},
                headers={"X-Forwarded-For": f"198.51.{number}.7"},
            ).status_code
            for number in range(21)
        ]
    assert statuses == [201] * 20 + [429]


def test_the_client_sends_and_follows_through_the_proxy(served, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(served.certificate))
    archive = tmp_path / "photos.zip"
    archive.write_bytes(small_archive(image_bytes=700_000))
    with Client(served.url) as client:
        made = client.submit("ada@example.org", {}, size_bytes=archive.stat().st_size)
        client.upload(made.upload, archive)
        view = until(lambda: (seen := client.status(made.job_id, made.token)).state != "awaiting_upload" and seen)
    assert view.state == "queued"
    assert urlsplit(made.status_url).path.startswith(f"{PREFIX}/")
