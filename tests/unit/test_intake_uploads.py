"""Signed URLs as a person's client meets them, and what an uploaded archive leads to."""

import io
from datetime import timedelta
from functools import partial

import pytest

from services.intake.events.archive_event import handle_archive
from shared.errors import NotFound
from shared.job.events import Topic, archive_uploaded
from shared.job.job import JobState
from shared.layout import archive_key
from tests.intake_fixture import MAX_BYTES, PUBLIC_URL, IntakeFixture, bearer, small_archive


@pytest.fixture
def service() -> IntakeFixture:
    return IntakeFixture()


def path_of(made: dict) -> str:
    return made["upload"]["url"].removeprefix(PUBLIC_URL)


def put(service, made, body=b"x", content_type="application/zip", **kwargs):
    return service.http.put(path_of(made), data=body, content_type=content_type, **kwargs)


def stream(body: io.IOBase, length: int | None) -> dict:
    """Let the web server hand over a body as it comes in, of a length that is known or, chunked, is not."""
    if length is None:
        return {"environ_overrides": {"wsgi.input": body, "wsgi.input_terminated": True}}
    return {"environ_overrides": {"wsgi.input": body, "CONTENT_LENGTH": str(length)}}


def code_of(answer) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


class UnreadBody(io.RawIOBase):
    """A body that nobody may touch."""

    def readable(self):
        return True

    def readinto(self, _buffer):
        raise AssertionError("the body was read")


class BrokenBody(io.RawIOBase):
    """A connection that breaks after some bytes."""

    def __init__(self):
        self.pieces = [b"PK", b"\3\4"]

    def readable(self):
        return True

    def readinto(self, buffer):
        if not self.pieces:
            raise ConnectionResetError("peer is gone")
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def test_uploaded_archive_queues_the_job(service):
    made, body = service.submit(), small_archive(num_classes=3, num_images=6, image_bytes=5000)
    assert len(body) > 64 * 2**10  # the cap on other bodies
    answer = service.upload(made, body)
    assert (answer.status_code, answer.json["size_bytes"]) == (200, len(body))
    assert service.handle_uploads() == 1
    status = service.status(made)
    assert status["state"] == "queued"
    assert status["archive"] == {"size_bytes": len(body), "num_images": 18, "num_classes": 3}
    assert service.events(Topic.JOBS) == ["job_queued"]


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"these are my photos", "archive_not_zip"), (small_archive(num_classes=1), "archive_one_class")],
)
def test_bad_archive_rejects_the_job_with_its_fault(service, body, code):
    made = service.submit()
    assert service.upload(made, body).status_code == 200
    service.handle_uploads()
    status = service.status(made)
    assert (status["state"], status["error"]["code"]) == ("rejected", code)
    assert status["error"]["fix"]
    assert service.events(Topic.RESULTS) == ["job_rejected"]
    assert service.events(Topic.JOBS) == []


def test_upload_told_twice_and_an_upload_of_another_generation_change_nothing(service):
    made = service.submit()
    stored = service.upload(made, small_archive()).json
    service.handle_uploads()
    queued = service.store.get(made["job_id"])
    key = queued.job.upload.object_key
    service.keep(key, small_archive(num_classes=9))
    for generation in (stored["generation"], service.objects.stat(key).generation):
        service.bus.publish(archive_uploaded(made["job_id"], service.clock(), object_key=key, generation=generation))
    assert service.handle_uploads() == 2
    assert service.store.get(made["job_id"]) == queued
    assert service.events(Topic.JOBS) == ["job_queued"]


def test_photographs_that_come_once_those_of_the_job_were_deleted_are_deleted_at_once(service):
    made = service.submit()
    service.upload(made, small_archive())
    service.handle_uploads()
    path = (JobState.TRAINING, JobState.REPORTING, JobState.DONE)
    done = service.move(made, *path, mailed_at=service.clock())
    service.objects.delete(done.upload.object_key)
    service.keep(done.upload.object_key, small_archive(num_classes=3))  # a URL that Cloud Storage signed is still valid
    again = archive_uploaded(made["job_id"], service.clock(), object_key=done.upload.object_key, generation="2")
    service.bus.publish(again)
    service.handle_uploads()
    assert list(service.objects.list("uploads/")) == []
    assert service.store.get(made["job_id"]).job == done


def test_an_archive_that_is_to_be_kept_stays_when_it_is_told_of_again(service):
    made = service.submit()
    stored = service.upload(made, small_archive()).json
    service.handle_uploads()
    path = (JobState.TRAINING, JobState.REPORTING, JobState.DONE)
    key = service.move(made, *path, mailed_at=service.clock()).upload.object_key
    again = archive_uploaded(made["job_id"], service.clock(), object_key=key, generation=stored["generation"])
    service.bus.publish(again)
    assert service.handle_uploads() == 1
    assert [each.key for each in service.objects.list("uploads/")] == [key]


def test_news_of_an_archive_that_is_not_there_waits_for_the_sweeper(service):
    made = service.submit()
    key = service.store.get(made["job_id"]).job.upload.object_key
    service.bus.publish(archive_uploaded(made["job_id"], service.clock(), object_key=key, generation="1"))
    assert service.handle_uploads() == 1
    assert service.status(made)["state"] == "awaiting_upload"
    assert service.bus.dead_letters(Topic.UPLOADS) == []


@pytest.mark.parametrize("path", [[JobState.CANCELLED], [JobState.REJECTED], [JobState.EXPIRED]])
def test_a_job_that_has_ended_takes_no_photographs_and_reads_none(service, path):
    made = service.submit()
    service.move(made, *path)
    answer = put(service, made, **stream(UnreadBody(), length=10))
    assert code_of(answer) == (409, "job_already_ended")


def test_a_job_that_is_forgotten_takes_no_photographs(service):
    made = service.submit()
    service.store.delete(made["job_id"])
    assert code_of(put(service, made)) == (409, "job_already_ended")


def test_what_came_and_was_not_looked_at_goes_with_the_cancel(service):
    made = service.submit()
    put(service, made, small_archive())
    service.http.post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made))
    with pytest.raises(NotFound):
        service.objects.stat(archive_key(made["job_id"]))


def test_cancel_that_wins_the_race_against_the_check_stands(service):
    made = service.submit()
    service.upload(made, small_archive())

    class Hesitating:
        """Lets the person cancel between the look at the archive and writing the job."""

        def replace(self, stored, job, events=()):
            service.http.post(f"/v1/jobs/{job.job_id}/cancel", headers=bearer(made))
            return service.store.replace(stored, job, events)

        def __getattr__(self, name):
            return getattr(service.store, name)

    handler = partial(handle_archive, store=Hesitating(), objects=service.objects, bus=service.bus, clock=service.clock)
    service.handle_uploads(handler)
    service.clock.now += timedelta(minutes=1)
    assert service.handle_uploads(handler) == 1  # the check that lost comes again
    assert service.status(made)["state"] == "cancelled"
    assert service.events(Topic.JOBS) == []
    assert list(service.objects.list("uploads/")) == []  # photographs that nobody will read are not kept


def test_second_upload_is_refused_and_changes_nothing(service):
    made = service.submit()
    service.upload(made, small_archive())
    assert code_of(put(service, made, **stream(UnreadBody(), 5))) == (409, "already_uploaded")
    service.handle_uploads()
    assert service.status(made)["state"] == "queued"


def test_upload_over_the_cap_is_refused_before_it_is_read(service):
    answer = put(service, service.submit(), **stream(UnreadBody(), MAX_BYTES + 1))
    assert code_of(answer) == (413, "upload_too_large")
    assert answer.json["error"]["details"] == {"max_bytes": MAX_BYTES}


def test_chunked_upload_over_the_cap_is_refused_while_it_streams(service):
    made = service.submit()
    answer = put(service, made, **stream(io.BytesIO(b"x" * (MAX_BYTES + 1)), None))
    assert code_of(answer) == (413, "upload_too_large")
    assert list(service.objects.list("")) == []


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"content_type": "application/json"}, (415, "upload_wrong_type")),
        ({"content_type": None}, (415, "upload_wrong_type")),
        ({"body": b""}, (400, "upload_empty")),
        (stream(BrokenBody(), 1000), (400, "upload_incomplete")),
    ],
)
def test_upload_that_is_refused_or_breaks_leaves_nothing_and_may_be_tried_again(service, sent, expected):
    made = service.submit()
    assert code_of(put(service, made, **sent)) == expected
    assert list(service.objects.list("")) == []
    assert service.handle_uploads() == 0
    assert service.upload(made, small_archive()).status_code == 200


def test_expired_and_forged_urls_are_refused(service):
    made = service.submit()
    assert code_of(service.http.put(path_of(made)[:-3] + "abc", data=b"x")) == (403, "url_invalid")
    assert code_of(service.http.get(path_of(made))) == (403, "url_invalid")
    service.clock.now += timedelta(hours=1)
    assert code_of(put(service, made)) == (410, "url_expired")


BODY = bytes(range(256)) * 5000  # more than one piece of a megabyte


@pytest.fixture
def download(service):
    service.keep("jobs/1/model.h5", BODY)
    signed = service.objects.sign_download("jobs/1/model.h5", filename="modèle.h5", valid_for=timedelta(hours=1))
    return partial(service.http.open, signed.url.removeprefix(PUBLIC_URL))


def test_download_offers_the_whole_object_under_its_name(download):
    answer = download()
    assert (answer.status_code, answer.data) == (200, BODY)
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''mod%C3%A8le.h5"
    assert answer.content_length == len(BODY)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    head = download(method="HEAD")
    assert (head.status_code, head.data, head.content_length) == (200, b"", len(BODY))


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [
        ("bytes=0-9", 0, 10),
        ("bytes=1048570-1048580", 1048570, 1048581),
        ("bytes=-5", len(BODY) - 5, len(BODY)),
        ("bytes=-9999999", 0, len(BODY)),
        ("bytes=1279990-", 1279990, len(BODY)),
        ("bytes=1279990-9999999", 1279990, len(BODY)),
    ],
)
def test_download_of_a_range_gives_just_that(download, wanted, start, stop):
    answer = download(headers={"Range": wanted})
    assert (answer.status_code, answer.data) == (206, BODY[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(BODY)}"
    assert answer.content_length == stop - start


@pytest.mark.parametrize("headers", [{"Range": "bytes=0-1,5-6"}, {"Range": "bytes=0-9", "If-Range": '"other"'}])
def test_ranges_that_cannot_be_had_alone_give_the_whole_object(download, headers):
    answer = download(headers=headers)
    assert (answer.status_code, len(answer.data)) == (200, len(BODY))


def test_download_is_resumed_only_within_one_version(download):
    headers = {"Range": "bytes=5-9", "If-Range": download().headers["ETag"]}
    assert download(headers=headers).status_code == 206


def test_range_beyond_the_end_is_refused(download):
    answer = download(headers={"Range": f"bytes={len(BODY)}-"})
    assert code_of(answer) == (416, "range_not_satisfiable")
    assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"


def test_report_opens_in_the_browser_but_can_run_nothing(service):
    service.keep("jobs/1/report.html", b"<h1>Hi</h1>", content_type="text/html; charset=utf-8")
    signed = service.objects.sign_download("jobs/1/report.html", filename="report.html", valid_for=timedelta(hours=1))
    answer = service.http.get(signed.url.removeprefix(PUBLIC_URL))
    assert answer.headers["Content-Disposition"] == "inline; filename=report.html"
    assert answer.content_type == "text/html; charset=utf-8"
    policy = [each.split() for each in answer.headers["Content-Security-Policy"].split(";")]
    assert policy[:2] == [["sandbox", "allow-downloads"], ["default-src", "'none'"]]


def test_download_of_nothing_is_a_404(service):
    signed = service.objects.sign_download("jobs/none", filename="x", valid_for=timedelta(hours=1))
    assert code_of(service.http.get(signed.url.removeprefix(PUBLIC_URL))) == (404, "not_found")
