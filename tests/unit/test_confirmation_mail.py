"""The request for a click holds no word that somebody else has chosen, and is sent once."""

from datetime import timedelta

import pytest

from services.reporter.confirmation import ask_to_confirm
from shared.access.signed_link import LinkKind
from shared.errors import Conflict, Transient, UserFault
from shared.job.events import confirmation_awaited
from shared.job.job import JobState
from tests.job_fixture import make_job
from tests.reporter_fixture import JOB_ID, LINKS, PUBLIC_URL, open_office


def waiting(**changes):
    office = open_office()
    job = make_job(JOB_ID, JobState.AWAITING_UPLOAD, confirm_by=office.clock() + timedelta(days=1), **changes)
    office.store.create(job)
    return office, confirmation_awaited(JOB_ID, office.clock())


def test_the_mail_asks_once_and_its_link_is_good_until_the_click_must_have_come():
    office, event = waiting()
    for _ in range(3):
        ask_to_confirm(event, office.tools)
    [message] = office.tray.messages
    assert (message["To"], message["Subject"]) == (office.job().email, "Did you ask for a network?")
    text = message.get_content()
    [url] = [word for word in text.split() if word.startswith(PUBLIC_URL)]
    last = office.job().confirm_by - timedelta(seconds=1)
    assert LINKS.verify(url.rpartition("/")[2], LinkKind.CONFIRM, last).job_id == JOB_ID
    assert office.job().confirmation_mailed_at == office.clock()


def test_nothing_is_mailed_once_it_is_confirmed_ended_or_too_late():
    for changes in ({"confirmed_at": open_office().clock()}, {}):
        office, event = waiting(**changes)
        if not changes:
            office.clock.advance(86400)
        ask_to_confirm(event, office.tools)
        assert office.tray.messages == []


def test_a_carrier_that_is_away_is_asked_again_and_one_that_refuses_is_not():
    office, event = waiting()
    office.tray.errors = [Transient("away"), UserFault("mail_refused", "no", fix="")]
    with pytest.raises(Transient):
        ask_to_confirm(event, office.tools)
    ask_to_confirm(event, office.tools)
    assert office.job().confirmation_mailed_at is None


def test_a_job_that_changes_meanwhile_is_asked_about_again_under_the_same_message_id():
    office, event = waiting()

    class Racing:
        def __getattr__(self, name):
            return getattr(office.store, name)

        def replace(self, *args):
            raise Conflict("changed")

    from dataclasses import replace  # noqa: PLC0415 - beside its only use

    ask_to_confirm(event, replace(office.tools, store=Racing()))
    ask_to_confirm(event, office.tools)
    first, second = office.tray.messages
    assert first["Message-ID"] == second["Message-ID"]
