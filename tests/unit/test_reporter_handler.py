import io
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import NoReturn

import pytest

from services.reporter.handler import handle_end
from services.reporter.report.figures import ACCURACY_BARS, Picture
from services.reporter.tools import Tools
from shared.access.signed_link import LinkKind
from shared.errors import Conflict, Fault, NotFound, Transient, UserFault
from shared.job.events import Event, Topic, announcement
from shared.job.job import Job, JobState
from shared.job.retention import Retention
from shared.layout import archive_key
from shared.messaging.consumer import consume_once
from shared.ports.job_store import StoredJob
from tests.job_fixture import archive_of, make_job
from tests.reporter_fixture import JOB_ID, KEYS, LINKS, PUBLIC_URL, Office, finished_job, open_office
from tests.result_fixture import make_result

REFUSED = UserFault("mail_refused", "550 no such user", fix="Give another address.")


@pytest.fixture
def office() -> Office:
    return open_office()


def event_of(office: Office) -> Event:
    return announcement(replace(finished_job(), mailed_at=None), office.clock())[0]


def consume_all(office: Office) -> int:
    """Let the subscriber work until nothing is due; return how many deliveries it took."""
    count = 0
    while consume_once(office.bus, Topic.RESULTS, lambda event: handle_end(event, office.tools)):
        count += 1
    return count


def test_a_finished_job_is_mailed_once_however_often_it_is_announced(office: Office) -> None:
    office.add(finished_job(), make_result(job_id=JOB_ID))
    for _ in range(2):
        office.bus.publish(event_of(office))
    assert consume_all(office) == 3
    job = office.job()
    assert [message["X-Job-Id"] for message in office.tray.messages] == [JOB_ID]
    assert (job.state, job.mailed_at, job.artefacts.report) == (
        JobState.DONE,
        office.clock(),
        f"jobs/{JOB_ID}/report.html",
    )
    assert "Usable with review." in office.read_page()
    assert office.bus.dead_letters(Topic.RESULTS) == []


@pytest.mark.parametrize("state", [JobState.REJECTED, JobState.FAILED, JobState.CANCELLED])
def test_other_ends_are_mailed_and_keep_their_state(office: Office, state: JobState) -> None:
    fault = Fault(code="archive_one_class", message="One class.", fix="Add another.")
    office.add(make_job(JOB_ID, state, archive=archive_of(JOB_ID), fault=fault))
    assert consume_all(office) == 1
    job = office.job()
    assert (job.state, job.owes_mail, len(office.tray.messages)) == (state, False, 1)
    assert job.fault == fault


def test_a_cancel_before_the_upload_is_not_mailed(office: Office) -> None:
    office.store.create(make_job(JOB_ID, JobState.CANCELLED))
    handle_end(event_of(office), office.tools)
    assert office.tray.messages == []


def test_a_mailer_that_is_down_delays_the_mail_and_the_end(office: Office) -> None:
    office.add(finished_job(), make_result())
    office.tray.errors = [Transient("busy"), Transient("busy")]
    assert consume_all(office) == 1
    assert office.job().state is JobState.REPORTING
    office.clock.advance(1)
    assert consume_all(office) == 1
    office.clock.advance(2)
    assert consume_all(office) == 1
    assert office.job().state is JobState.DONE
    assert len(office.tray.messages) == 1


def test_a_refused_address_ends_the_job_and_leaves_the_reason(office: Office) -> None:
    office.add(finished_job(), make_result())
    office.tray.errors = [REFUSED]
    assert consume_all(office) == 1
    job = office.job()
    assert (job.state, job.mailed_at, job.owes_mail) == (JobState.DONE, None, False)
    assert job.mail_fault == REFUSED.fault
    assert office.read_page()


def test_after_a_day_without_a_mail_server_the_job_ends_without_mail(office: Office) -> None:
    office.add(finished_job(), make_result())
    office.clock.advance(25 * 3600)
    office.tray.errors = [Transient("no route to host")]
    assert consume_all(office) == 1
    job = office.job()
    assert job.state is JobState.DONE
    assert job.mail_fault is not None
    assert job.mail_fault.code == "mail_undelivered"


def test_a_crash_before_the_record_sends_again_under_the_same_id(office: Office) -> None:
    """The process dies between sending and recording; a colleague takes over when the lease has ended."""

    class Dying:
        def send(self, message: object) -> None:
            office.tray.send(message)  # type: ignore[arg-type]
            raise KeyboardInterrupt

    office.add(finished_job(), make_result())
    with pytest.raises(KeyboardInterrupt):
        handle_end(event_of(office), replace(office.tools, mailer=Dying()))
    with pytest.raises(Conflict):
        handle_end(event_of(office), office.colleague())
    office.clock.advance(61)
    handle_end(event_of(office), office.colleague())
    assert len({message["Message-ID"] for message in office.tray.messages}) == 1
    assert len(office.tray.messages) == 2
    assert office.job().state is JobState.DONE


def test_a_reporter_that_lost_its_claim_while_sending_records_nothing(office: Office) -> None:
    class Slow:
        def send(self, message: object) -> None:
            del message
            office.clock.advance(61)
            handle_end(event_of(office), office.colleague())

    office.add(finished_job(), make_result())
    handle_end(event_of(office), replace(office.tools, mailer=Slow()))  # finds it done
    claim = office.job().report_claim
    assert claim is not None
    assert (claim.owner, claim.fence) == ("colleague", 2)
    assert len(office.tray.messages) == 1


def test_a_refusal_told_after_the_claim_was_lost_does_not_take_the_mail_from_the_one_who_can_still_send_it(
    office: Office,
) -> None:
    """A reporter sleeps while it sends; a colleague takes over, finds the mail server busy and is to try again."""

    class Busy:
        def send(self, message: object) -> None:
            raise Transient("busy")

    class SlowlyRefusing:
        def send(self, message: object) -> None:
            office.clock.advance(61)
            with pytest.raises(Transient):
                handle_end(event_of(office), office.colleague(Busy()))
            raise REFUSED

    office.add(finished_job(), make_result())
    with pytest.raises(Conflict, match="me no longer holds the claim with fence 1"):
        handle_end(event_of(office), replace(office.tools, mailer=SlowlyRefusing()))
    job = office.job()
    assert (job.state, job.mail_fault, job.owes_mail) == (JobState.REPORTING, None, True)
    handle_end(event_of(office), office.colleague())
    assert len(office.tray.messages) == 1
    assert (office.job().state, office.job().mail_fault) == (JobState.DONE, None)


def test_a_change_of_the_job_meanwhile_is_kept(office: Office) -> None:
    class Meddling:
        def send(self, message: object) -> None:
            office.tray.send(message)  # type: ignore[arg-type]
            stored = office.store.get(JOB_ID)
            office.store.replace(stored, replace(stored.job, cancel_requested_at=office.clock()))

    office.add(finished_job(), make_result())
    handle_end(event_of(office), replace(office.tools, mailer=Meddling()))
    job = office.job()
    assert (job.state, job.cancel_requested_at) == (JobState.DONE, office.clock())
    assert len(office.tray.messages) == 1


@pytest.mark.parametrize("document", [None, b"{", b'{"job_id": 1}'])
def test_a_result_that_cannot_be_read_fails_the_job_and_says_so(office: Office, document: bytes | None) -> None:
    office.add(finished_job())
    if document is not None:
        assert KEYS.result is not None
        office.objects.put(KEYS.result, io.BytesIO(document), content_type="application/json")
    assert consume_all(office) == 1
    job = office.job()
    assert job.state is JobState.FAILED
    assert job.fault is not None
    assert job.fault.code == "result_unreadable"
    assert office.tray.messages[0]["Subject"] == "Your model is there, its report is not"


def test_a_cancelled_job_with_a_model_gets_the_model(office: Office) -> None:
    office.add(replace(finished_job(), state=JobState.CANCELLED), make_result())
    assert consume_all(office) == 1
    assert office.tray.messages[0]["Subject"].startswith("Stopped, with a model")
    assert office.job().state is JobState.CANCELLED


def test_a_store_that_does_not_answer_sends_nothing_twice(office: Office) -> None:
    office.add(finished_job(), make_result())
    store = office.store

    class Flaky:
        """Fails the write that would record the mail, once."""

        failures = 1

        def __getattr__(self, name: str) -> object:
            return getattr(store, name)

        def replace(self, stored: StoredJob, job: Job, events: tuple[Event, ...] = ()) -> StoredJob:
            if job.mailed_at is not None and self.failures:
                self.failures -= 1
                raise Transient("store is away")
            return store.replace(stored, job, events)

    tools = replace(office.tools, store=Flaky())  # type: ignore[arg-type]
    handle_end(event_of(office), tools)
    assert len(office.tray.messages) == 1
    assert office.job().state is JobState.DONE


class Died(BaseException):
    """The process is gone, as for want of memory."""


def attempts_until_the_end(office: Office, tools: Tools) -> int:
    """Start one reporter after another, each when the lease of the one before has ended; return how many it took."""
    for number in range(1, 20):
        with suppress(Died, RuntimeError):
            handle_end(event_of(office), tools)
        if not office.job().is_open:
            return number
        office.clock.advance(61)
    raise AssertionError("the job stays as it is for ever")


def dying(*_: object, **__: object) -> NoReturn:
    raise Died


def test_pictures_that_kill_every_reporter_cost_the_pictures_and_not_the_mail(office: Office) -> None:
    office.add(finished_job(), make_result(job_id=JOB_ID))
    assert attempts_until_the_end(office, replace(office.tools, draw=dying)) == 3
    (message,) = office.tray.messages
    assert "Your model: usable with review" in message["Subject"]
    assert "A picture is missing here" in office.read_page()
    assert office.job().state is JobState.DONE


@pytest.mark.parametrize("error", [Died(), RuntimeError("nobody foresaw this")])
def test_a_result_that_kills_every_reporter_costs_the_report_and_not_the_network(
    office: Office, error: BaseException
) -> None:
    class Deadly:
        def __getattr__(self, name: str) -> object:
            return getattr(office.objects, name)

        def read(self, *_: object) -> bytes:
            raise error

    office.add(finished_job(), make_result(job_id=JOB_ID))
    assert attempts_until_the_end(office, replace(office.tools, objects=Deadly())) == 5
    (message,) = office.tray.messages
    assert message["Subject"] == "Your model is there, its report is not"
    body = message.get_body(("plain",)).get_content()
    assert "Download the model (.h5)" in body
    assert "did not finish" not in body
    job = office.job()
    assert (job.state, job.fault.code, job.artefacts.model_h5) == (
        JobState.FAILED,
        "report_not_written",
        KEYS.model_h5,
    )


@pytest.mark.parametrize("state", [JobState.REPORTING, JobState.REJECTED, JobState.CANCELLED])
def test_a_job_that_kills_every_reporter_whatever_it_leaves_out_ends_and_says_why(
    office: Office, state: JobState
) -> None:
    class Deadly:
        send = dying

    office.add(replace(finished_job(), state=state), make_result(job_id=JOB_ID))
    assert attempts_until_the_end(office, replace(office.tools, mailer=Deadly())) == 7
    job = office.job()
    assert job.state is (JobState.FAILED if state is JobState.REPORTING else state)
    assert job.mail_fault is not None
    assert job.mail_fault.code == "mail_undelivered"
    assert job.artefacts.model_h5 == KEYS.model_h5, "the network can still be fetched"
    assert not job.owes_mail


def test_a_mail_server_that_is_away_for_hours_costs_neither_pictures_nor_report(office: Office) -> None:
    office.add(finished_job(), make_result(job_id=JOB_ID))
    for _ in range(20):
        office.tray.errors = [Transient("no route to host")]
        with pytest.raises(Transient):
            handle_end(event_of(office), office.tools)
        office.clock.advance(600)
    drawn: list[object] = []
    tools = replace(office.colleague(), draw=lambda result: drawn.append(result) or {})
    handle_end(event_of(office), tools)
    assert (office.job().state, len(office.tray.messages), len(drawn)) == (JobState.DONE, 1, 1)


def test_a_reporter_that_waits_for_a_mail_server_leaves_the_job_to_whoever_comes_next(office: Office) -> None:
    office.add(finished_job(), make_result(job_id=JOB_ID))
    office.tray.errors = [Transient("no route to host")]
    with pytest.raises(Transient):
        handle_end(event_of(office), office.tools)
    handle_end(event_of(office), office.colleague())
    assert office.job().state is JobState.DONE


def test_unknown_jobs_are_left_to_the_subscriber(office: Office) -> None:
    with pytest.raises(NotFound):
        handle_end(event_of(office), office.tools)


def test_links_of_the_mail_work_until_the_day_it_names(office: Office) -> None:
    office.add(finished_job(), make_result())
    consume_all(office)
    body = office.tray.messages[0].get_body(("plain",))
    assert body is not None
    text = " ".join(body.get_content().split())
    assert "8 March 2026, 12:00 UTC" in text
    links = re.findall(r"https://\S+", body.get_content())
    assert len(links) == 6
    for link in links:
        token = link.removeprefix(f"{PUBLIC_URL}/v1/links/")
        last = office.clock() + timedelta(days=7, seconds=-1)
        assert LINKS.verify(token, LinkKind.FETCH, last).job_id == JOB_ID
        with pytest.raises(UserFault):
            LINKS.verify(token, LinkKind.FETCH, last + timedelta(seconds=2))


def put_archive(office: Office) -> None:
    office.objects.put(archive_key(JOB_ID), io.BytesIO(b"photographs"), content_type="application/zip")


def archives(office: Office) -> list[str]:
    return [stored.key for stored in office.objects.list("uploads/")]


def plain(office: Office) -> str:
    body = office.tray.messages[0].get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize("state", [JobState.REPORTING, JobState.REJECTED, JobState.FAILED, JobState.CANCELLED])
def test_photographs_are_deleted_before_the_mail_says_so(office: Office, state: JobState) -> None:
    class Looking:
        def send(self, message: object) -> None:
            assert archives(office) == []
            office.tray.send(message)  # type: ignore[arg-type]

    put_archive(office)
    office.add(replace(finished_job(), state=state), make_result(job_id=JOB_ID))
    handle_end(event_of(office), replace(office.tools, mailer=Looking()))
    told = "Your photographs were deleted before this was sent. The network and this report are kept until 31 March"
    assert told in plain(office)
    assert told in " ".join(office.read_page().split()).replace("\xa0", " ")


def test_of_a_job_without_a_network_only_the_report_is_kept(office: Office) -> None:
    put_archive(office)
    office.add(make_job(JOB_ID, JobState.REJECTED, fault=REFUSED.fault))
    consume_all(office)
    assert archives(office) == []
    assert "This report is kept until 31 March 2026, 12:00 UTC, then deleted with your address" in plain(office)


def test_photographs_that_the_operator_keeps_stay_and_the_mail_says_until_when(office: Office) -> None:
    retention = Retention(artefacts=timedelta(days=20), archives=timedelta(days=10))
    office.tools = replace(office.tools, terms=replace(office.tools.terms, retention=retention))
    put_archive(office)
    office.add(finished_job(), make_result(job_id=JOB_ID))
    consume_all(office)
    assert archives(office) == [archive_key(JOB_ID)]
    assert "Your photographs are kept until 11 March 2026, 12:00 UTC." in plain(office)
    assert "kept until 21 March 2026" in plain(office)


def test_photographs_that_cannot_be_deleted_now_cost_nobody_the_mail(office: Office) -> None:
    class Stubborn:
        def __getattr__(self, name: str) -> object:
            return getattr(office.objects, name)

        def delete(self, key: str) -> None:
            raise Transient("the bucket is away")

    put_archive(office)
    office.add(finished_job(), make_result(job_id=JOB_ID))
    handle_end(event_of(office), replace(office.tools, objects=Stubborn()))
    assert office.job().state is JobState.DONE
    assert "Your photographs are kept until 1 March 2026, 13:00 UTC." in plain(office)


def test_links_of_a_mail_do_not_outlive_what_they_lead_to(office: Office) -> None:
    """The job ended a day ago, the mail server was away since, and networks are kept for two days."""
    retention = Retention(artefacts=timedelta(days=2))
    office.tools = replace(office.tools, terms=replace(office.tools.terms, retention=retention))
    office.add(replace(finished_job(), state=JobState.CANCELLED), make_result(job_id=JOB_ID))
    office.clock.advance(86400)
    handle_end(event_of(office), office.tools)
    assert "The links work until 3 March 2026, 12:00 UTC" in plain(office)
    assert "kept until 3 March 2026, 12:00 UTC" in plain(office)


def test_a_mail_that_goes_out_when_nothing_is_kept_any_more_has_no_links(office: Office) -> None:
    office.add(replace(finished_job(), state=JobState.CANCELLED), make_result(job_id=JOB_ID))
    office.clock.advance(31 * 86400)
    handle_end(event_of(office), office.tools)
    assert "https://convtailor.example/v1" not in plain(office)
    assert "kept until 31 March 2026" in plain(office)


def test_importing_the_reporter_brings_neither_tensorflow_nor_matplotlib() -> None:
    code = "import services.reporter.bootstrap, services.reporter.__main__, sys; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    roots = {name.partition(".")[0] for name in done.stdout.split()}
    assert not roots & {"tensorflow", "keras", "matplotlib", "numpy", "flask"}


@pytest.mark.parametrize(("size_bytes", "num_pictures"), [(1_000, 1), (25_000_000, 0)])
def test_pictures_that_make_a_mail_too_large_are_left_to_the_report_it_links_to(
    office: Office, size_bytes: int, num_pictures: int
) -> None:
    picture = Picture(name=ACCURACY_BARS, alt="Bars", subtype="png", data=b"p" * size_bytes)
    office.tools = replace(office.tools, draw=lambda _result: {ACCURACY_BARS: picture})
    office.add(finished_job(), make_result(job_id=JOB_ID))
    consume_all(office)
    (message,) = office.tray.messages
    assert sum(part.get_content_maintype() == "image" for part in message.walk()) == num_pictures
    html = message.get_body(("html",)).get_content()
    assert html.count("cid:") == num_pictures
    assert "Open the full report" in html
    assert picture.data_uri in office.read_page()
    assert len(message.as_bytes()) < 20_000_000
