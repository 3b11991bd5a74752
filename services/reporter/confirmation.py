"""Asks the person of a job whether the address is theirs: one mail without a word that somebody else has chosen."""

import logging
from dataclasses import replace
from email.message import EmailMessage

from services.reporter.mailers.message import to_plain_message
from services.reporter.report.wording import moment
from services.reporter.tools import Tools
from shared.access.signed_link import LinkGrant, LinkKind
from shared.errors import Conflict, UserFault
from shared.job.events import Event
from shared.job.job import Job
from shared.language.speech import _, speaking

_log = logging.getLogger(__name__)


def ask_to_confirm(event: Event, tools: Tools) -> None:
    """Mail the request for a click, unless that is done or needed no more.

    Raises:
        NotFound: If there is no such job.
        Transient: If the store or the mailer do not answer now.
    """
    stored = tools.store.get(event.job_id)
    job, now = stored.job, tools.clock()
    if not job.awaits_confirmation or job.confirmation_mailed_at is not None or job.is_ended:
        return
    if job.confirm_by is None or now >= job.confirm_by:
        return
    try:
        tools.mailer.send(_request(job, tools))
    except UserFault as error:
        _log.warning("no request for a click can be sent: %s", error)
        return
    try:
        tools.store.replace(stored, replace(job, confirmation_mailed_at=now))
    except Conflict:
        # Whoever wrote it did not mail: the next reminder sends it once more, under the same Message-ID.
        _log.info("a job changed while its person was asked for a click")


def _request(job: Job, tools: Tools) -> EmailMessage:
    assert job.confirm_by is not None  # noqa: S101 - asked by the caller
    url = tools.links.url(LinkGrant(kind=LinkKind.CONFIRM, job_id=job.job_id, expires_at=job.confirm_by))
    with speaking(job.options.language):
        subject, text = _("Did you ask for a network?"), _wording(moment(job.confirm_by), url)
    return to_plain_message(text, job, subject=subject, name="confirm", sender=tools.terms.sender, now=tools.clock())


def _wording(until: str, url: str) -> str:
    paragraphs = (
        _(
            "Somebody, you we hope, asked for a network to be fitted to photographs, and gave this address for the "
            "report."
        ),
        _("If it was you, confirm it here before {until}:", until=until),
        url,
        _("If it was not, do nothing: the job is dropped then, its photographs are deleted, and no other mail comes."),
    )
    return "\n\n".join(paragraphs) + "\n"
