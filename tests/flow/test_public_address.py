"""A server that others reach: every address that it hands out leads to it, from where they are.

A second loopback address stands for another machine's way here.
"""

import email
import email.policy
import json
import os
import signal
import zipfile

import httpx
import pytest

from services.client.api.client import Client
from shared.ports.object_store import RESUMABLE_FROM_BYTES
from tests.intake_fixture import bearer, small_archive
from tests.intake_process import IntakeProcess
from tests.onebox_fixture import Program, run_program
from tests.waiting import PATIENCE_S, until

ELSEWHERE = "127.0.0.2"
NOWHERE = "http://photos.invalid:8080"


@pytest.fixture(scope="module")
def intake(tmp_path_factory):
    process = IntakeProcess(tmp_path_factory.mktemp("open"), host="0.0.0.0").start()
    yield process
    process.kill()


def seen_from_elsewhere(url: str) -> str:
    return f"http://{ELSEWHERE}:{url.rpartition(':')[2]}"


def test_what_is_handed_out_leads_to_where_the_one_who_asks_has_found_the_server(intake):
    url = seen_from_elsewhere(intake.url)
    made = httpx.post(f"{url}/v1/jobs", json={"email": "ada@example.org"}, timeout=PATIENCE_S).json()
    assert made["status_url"].startswith(f"{url}/")
    assert made["upload"]["url"].startswith(f"{url}/")
    assert intake.upload(made, small_archive()).status_code == 200
    status = intake.await_state(made)
    assert status["links"]["cancel"].startswith(f"{url}/")
    assert intake.http.post(status["links"]["cancel"], headers=bearer(made)).status_code == 200


def test_a_forged_host_leads_nobody_away(intake):
    url = seen_from_elsewhere(intake.url)
    forged = {"Host": "trap.example"}
    made = httpx.post(f"{url}/v1/jobs", json={"email": "ada@example.org"}, headers=forged, timeout=PATIENCE_S).json()
    assert made["upload"]["url"].startswith(f"{url}/")
    assert "trap.example" not in httpx.get(url, headers=forged, timeout=PATIENCE_S).text


def test_a_client_uploads_to_where_it_has_found_the_server_whatever_the_server_calls_itself(tmp_path):
    intake = IntakeProcess(tmp_path, public_url=NOWHERE).start()
    try:
        archive = tmp_path / "photos.zip"
        archive.write_bytes(small_archive())
        with Client(intake.url) as client:
            created = client.submit("ada@example.org", {})
            assert created.status_url.startswith(f"{NOWHERE}/")
            client.upload(created.upload, archive)
            until(lambda: client.status(created.job_id, created.token).state == "queued")
    finally:
        intake.kill()


def served_to_all(folder, *options):
    """Serve until a mail is written; return what the server says of its address, its banner, and the mail's text."""
    with zipfile.ZipFile(folder / "photos.zip", "w") as archive:
        archive.writestr("only/1.png", b"x")  # is rejected, and a mail says so
    server = Program(["serve", "--host", "0.0.0.0", "--port", "0", "--data", "d", *options], cwd=folder)
    ready = folder / "d" / "ready.json"
    try:
        until(ready.exists)
        known = json.loads(ready.read_text())
        with Client(seen_from_elsewhere(known["url"])) as client:  # the command would not send what is to be rejected
            client.upload(client.submit("ada@example.org", {}).upload, folder / "photos.zip")
        [mail] = until(lambda: list((folder / "d" / "outbox").glob("*.eml")))
    finally:
        server.send(signal.SIGINT)
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    return known, server.finish().out, message.get_body(("plain",)).get_content()


def test_mails_and_the_banner_name_the_address_that_the_operator_has_named(tmp_path):
    _, banner, mail = served_to_all(tmp_path, "--public-url", NOWHERE)
    assert f"Open {NOWHERE} in a browser" in banner
    assert f"--server {NOWHERE}" in banner
    assert NOWHERE in mail


def test_where_nothing_is_named_mails_lead_to_where_the_server_found_that_others_reach_it(tmp_path):
    known, banner, mail = served_to_all(tmp_path)
    assert known["public_url"] in banner
    assert f"{known['public_url']}/" in mail


def test_an_address_that_is_none_is_refused_before_anything_starts(tmp_path):
    told = run_program("serve", "--public-url", "photos", "--data", "d", cwd=tmp_path)
    assert told.code == 2
    assert "--public-url" in told.err
    assert not (tmp_path / "d").exists()


def test_a_large_archive_goes_up_in_pieces_to_where_the_client_has_found_the_server(intake, tmp_path):
    archive = tmp_path / "photos.zip"
    with zipfile.ZipFile(archive, "w") as photos:
        for name in ("cats/0.jpg", "dogs/0.jpg"):
            photos.writestr(name, os.urandom(RESUMABLE_FROM_BYTES))
    told: list[int] = []
    with Client(seen_from_elsewhere(intake.url)) as client:
        made = client.submit("ada@example.org", {}, size_bytes=archive.stat().st_size)
        assert made.upload.is_resumable
        client.upload(made.upload, archive, on_bytes=lambda done, _: told.append(done))
        until(lambda: client.status(made.job_id, made.token).state != "awaiting_upload")
    assert len(set(told)) > 2
    assert told[-1] == archive.stat().st_size
