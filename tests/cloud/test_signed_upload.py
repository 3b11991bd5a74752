"""What a stranger can do with the signed requests of a bucket, made with a plain HTTP client and with ours."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from services.client.api.client import Client
from services.client.api.job_view import UploadTicket
from services.intake.admission import Admitted
from services.intake.job_request import JobRequest
from services.intake.submission import UploadTerms, submit
from shared.adapters.gcp.storage.gcs_object_store import RESUMABLE_FROM_BYTES, GcsObjectStore
from shared.adapters.gcp.storage.notification import event_of_notification
from shared.errors import NotFound, UserFault
from shared.job.options import JobOptions
from shared.ports.object_store import SignedRequest
from tests.cloud.storage_fixture import BUCKET
from tests.cloud.storage_server import StorageServer
from tests.contract.object_store_contract import put
from tests.doubles.memory_job_store import MemoryJobStore
from tests.job_fixture import NOW, HandClock
from tests.waiting import PATIENCE_S

ZIP = "application/zip"
KEY = "uploads/7f3a/archive.zip"
HOUR = timedelta(hours=1)
LARGE = RESUMABLE_FROM_BYTES + 1_234_567
UNIT = 256 << 10


@pytest.fixture
def store(storage_server: StorageServer, signing_clock: HandClock) -> Iterator[GcsObjectStore]:
    with closing(GcsObjectStore(BUCKET, clock=signing_clock)) as store:
        yield store


@pytest.fixture
def client() -> Iterator[Client]:
    with Client("http://intake.test") as client:
        yield client


def signed(store: GcsObjectStore, *, max_bytes: int = 1 << 30, size_bytes: int | None = None) -> SignedRequest:
    return store.sign_upload(KEY, content_type=ZIP, max_bytes=max_bytes, valid_for=HOUR, size_bytes=size_bytes)


def send(request: SignedRequest, body: bytes = b"", headers: Mapping[str, str] | None = None) -> httpx.Response:
    sent = {**request.headers, **(headers or {}), "Content-Length": str(len(body))}
    return httpx.request(request.method, request.url, headers=sent, content=body, timeout=PATIENCE_S)


def begun(request: SignedRequest) -> str:
    answer = send(request)
    assert answer.status_code == 201
    return answer.headers["Location"]


def ticket(request: SignedRequest) -> UploadTicket:
    return UploadTicket(url=request.url, method=request.method, headers=request.headers)


@pytest.fixture(scope="module")
def large_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file just over the line, sparse but for marks that tell its parts apart."""
    path = tmp_path_factory.mktemp("large") / "photos.zip"
    with path.open("wb") as file:
        for at in range(0, LARGE, 5_000_000):
            file.seek(at)
            file.write(b"part %d" % at)
        file.truncate(LARGE)
    return path


def checksum(path: Path) -> int:
    sum_so_far = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            sum_so_far = zlib.crc32(piece, sum_so_far)
    return sum_so_far


def assert_stored(store: GcsObjectStore, path: Path) -> None:
    stored = store.stat(KEY)
    assert (stored.size_bytes, stored.content_type) == (path.stat().st_size, ZIP)
    assert zlib.crc32(store.read(KEY)) == checksum(path)


def test_every_header_that_has_to_be_sent_is_told(store: GcsObjectStore) -> None:
    request = signed(store, max_bytes=5)
    assert request.headers == {
        "Content-Type": ZIP,
        "x-goog-content-length-range": "1,5",
        "x-goog-if-generation-match": "0",
    }
    assert request.expires_at == (NOW + HOUR).replace(microsecond=0), "signatures count from a whole second"
    assert send(request, b"12345").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Content-Type": "text/html"}, 403),
        ({"x-goog-content-length-range": "1,99999999"}, 403),
        ({"x-goog-if-generation-match": "17"}, 403),
        ({"x-goog-acl": "public-read"}, 400),
        ({"Host": "elsewhere.example"}, 403),
    ],
    ids=str,
)
def test_a_header_that_was_not_signed_so_is_refused(store: GcsObjectStore, change: dict[str, str], status: int) -> None:
    assert send(signed(store), b"123", change).status_code == status
    with pytest.raises(NotFound):
        store.stat(KEY)


@pytest.mark.parametrize("name", ["Content-Type", "x-goog-content-length-range", "x-goog-if-generation-match"])
def test_no_signed_header_may_be_left_out(store: GcsObjectStore, name: str) -> None:
    request = signed(store)
    fewer = {key: value for key, value in request.headers.items() if key != name}
    assert send(replace(request, headers=fewer), b"123").status_code == 400


def test_each_refusal_has_the_status_of_cloud_storage(store: GcsObjectStore, signing_clock: HandClock) -> None:
    request = signed(store, max_bytes=5)
    unsigned = replace(request, url=request.url.partition("?")[0])
    tampered = replace(request, url=request.url.replace("7f3a", "7f3b"))
    longer = replace(request, url=request.url.replace("Expires=3600", "Expires=7200"))
    assert [send(each, b"12345").status_code for each in (unsigned, tampered, longer)] == [403, 403, 403]
    assert send(request, b"123456").status_code == 400
    assert send(request, b"12345").status_code == 200
    assert send(request, b"54321").status_code == 412
    signing_clock.advance(3600)
    assert send(request, b"12345").status_code == 400
    assert store.read(KEY) == b"12345"


@pytest.mark.parametrize(("size_bytes", "method"), [(None, "PUT"), (RESUMABLE_FROM_BYTES, "PUT"), (LARGE, "POST")])
def test_only_a_size_of_more_than_100_mb_makes_an_upload_resumable(
    store: GcsObjectStore, size_bytes: int | None, method: str
) -> None:
    request = signed(store, size_bytes=size_bytes)
    assert request.method == method
    assert ("x-goog-resumable" in request.headers) == (method == "POST")


@pytest.mark.parametrize(("size_bytes", "method"), [(None, "PUT"), (LARGE, "POST")])
def test_a_job_whose_archive_is_told_to_be_large_is_uploaded_in_pieces(
    store: GcsObjectStore, signing_clock: HandClock, size_bytes: int | None, method: str
) -> None:
    wanted = JobRequest(email="ada@example.org", options=JobOptions(), size_bytes=size_bytes)
    terms = UploadTerms(max_bytes=1 << 30, valid_for=HOUR)
    made = submit(wanted, Admitted(), store=MemoryJobStore(), objects=store, clock=signing_clock, terms=terms)
    assert made.upload.method == method
    assert ticket(made.upload).is_resumable == (method == "POST")


def test_our_client_sends_a_large_archive_over_a_line_that_breaks(
    store: GcsObjectStore, storage_server: StorageServer, client: Client, large_archive: Path
) -> None:
    heard: list[int] = []
    storage_server.faults.cut_after = [5_000_000, 300_000, 100]
    request = ticket(signed(store, size_bytes=LARGE))
    client.upload(request, large_archive, on_bytes=lambda done, _: heard.append(done))
    assert_stored(store, large_archive)
    assert heard == sorted(heard)
    assert heard[-1] == LARGE
    started = [status for method, _, status in storage_server.log if method == "POST"]
    assert started == [201], "it goes on, it does not begin anew"


def test_our_client_survives_lost_answers_and_passing_errors(
    store: GcsObjectStore, storage_server: StorageServer, client: Client, large_archive: Path
) -> None:
    storage_server.faults.statuses = [503, 429]

    def hear(done: int, _: int) -> None:
        if done == heard_at:
            storage_server.faults.lost_answers = 2

    heard_at = 8 << 20
    client.upload(ticket(signed(store, size_bytes=LARGE)), large_archive, on_bytes=hear)
    assert_stored(store, large_archive)


def test_a_lost_answer_to_the_last_piece_is_no_error(
    store: GcsObjectStore, storage_server: StorageServer, client: Client, large_archive: Path
) -> None:
    def hear(done: int, total: int) -> None:
        if total - done < 8 << 20:
            storage_server.faults.lost_answers = 1

    client.upload(ticket(signed(store, size_bytes=LARGE)), large_archive, on_bytes=hear)
    assert_stored(store, large_archive)


def test_our_client_tells_a_refused_upload(store: GcsObjectStore, client: Client, large_archive: Path) -> None:
    too_large = ticket(signed(store, max_bytes=10, size_bytes=LARGE))
    with pytest.raises(UserFault, match="HTTP 400"):
        client.upload(too_large, large_archive)
    put(store, KEY, b"first")
    with pytest.raises(UserFault, match="HTTP 412"):
        client.upload(ticket(signed(store, size_bytes=LARGE)), large_archive)
    assert store.read(KEY) == b"first"


def test_of_two_sessions_of_one_url_the_first_to_end_wins(store: GcsObjectStore) -> None:
    request = signed(store, size_bytes=LARGE)
    first, second = begun(request), begun(request)
    assert httpx.put(first, content=b"first", timeout=PATIENCE_S).status_code == 200
    assert httpx.put(second, content=b"second", timeout=PATIENCE_S).status_code == 412
    assert store.read(KEY) == b"first"


def test_the_start_of_a_session_is_signed_too(store: GcsObjectStore) -> None:
    request = signed(store, size_bytes=LARGE)
    assert send(request, headers={"x-goog-resumable": "begin"}).status_code == 403
    assert send(request, headers={"Content-Type": "text/html"}).status_code == 403
    assert send(replace(request, method="PUT"), b"data").status_code == 403


def test_a_session_tells_how_far_it_got(store: GcsObjectStore) -> None:
    session = begun(signed(store, size_bytes=LARGE))

    def told(content: bytes, content_range: str) -> tuple[int, str | None]:
        answer = httpx.put(session, content=content, headers={"Content-Range": content_range}, timeout=PATIENCE_S)
        return answer.status_code, answer.headers.get("Range")

    total = UNIT + 3
    assert told(b"", f"bytes */{total}") == (308, None)
    assert told(bytes(UNIT), f"bytes 0-{UNIT - 1}/{total}") == (308, f"bytes=0-{UNIT - 1}")
    assert told(b"", f"bytes */{total}") == (308, f"bytes=0-{UNIT - 1}")
    assert told(b"xyz", f"bytes {UNIT}-{UNIT + 2}/{total}") == (200, None)
    assert told(b"", f"bytes */{total}") == (200, None)
    assert store.read(KEY) == bytes(UNIT) + b"xyz"


def test_a_browser_may_upload_from_another_site(store: GcsObjectStore) -> None:
    request = signed(store)
    asked = {"Origin": "https://convtailor.example", "Access-Control-Request-Method": "PUT"}
    preflight = httpx.options(request.url, headers=asked)
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower()
    assert all(name.lower() in allowed for name in request.headers)
    assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
    answer = send(request, b"data", {"Origin": "https://convtailor.example"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_download_keeps_its_file_name_whatever_it_is_called(store: GcsObjectStore) -> None:
    put(store, "jobs/1/model.h5", b"network")
    request = store.sign_download("jobs/1/model.h5", filename='größe "1"\r\n.h5', valid_for=HOUR)
    answer = send(request)
    assert answer.content == b"network"
    plain = 'attachment; filename="gr__e _1___.h5"; '
    assert answer.headers["Content-Disposition"] == plain + "filename*=UTF-8''gr%C3%B6%C3%9Fe%20%221%22%0D%0A.h5"


def test_every_finished_upload_is_told_in_the_shape_that_our_events_are_read_from(
    store: GcsObjectStore, storage_server: StorageServer, signing_clock: HandClock
) -> None:
    def hear(attributes: dict[str, str], data: bytes) -> None:
        assert data
        event = event_of_notification(attributes, bucket=BUCKET, now=signing_clock())
        assert event is not None
        heard.append(event)

    heard = []
    storage_server.notify = hear
    assert send(signed(store), b"zip").status_code == 200
    stored = store.stat(KEY)
    store.delete(KEY)
    assert httpx.put(begun(signed(store, size_bytes=LARGE)), content=b"zip", timeout=PATIENCE_S).status_code == 200
    assert [(each.job_id, each.object_key) for each in heard] == [("7f3a", KEY)] * 2
    assert [each.generation for each in heard] == [stored.generation, store.stat(KEY).generation]
