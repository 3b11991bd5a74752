"""The reporter's use case: tell the person how a job ended, once.

The order of steps makes a crash at any point harmless: claim, delete the photographs that nobody trains on any more,
write the page, send, and only then record, in one compare-and-set, that it was mailed. A crash between the last two
sends the mail again, under the same Message-ID.

=========================  ==================================================================================
mailer says ``Transient``  the event comes again after the bus's back-off, until :attr:`Terms.patience` is over
mailer says ``UserFault``  no mail can ever reach this address: kept as ``job.mail_fault``, and the job ends as it
                           would have; model and report can still be fetched
no or unreadable result    the job fails with ``result_unreadable``, and the person is told so
reporters die at the job   the next ones leave out the pictures, then the result, then the mail, until the job ends
=========================  ==================================================================================
"""

import io
import json
import logging
from dataclasses import replace
from datetime import datetime, timedelta
from email.message import EmailMessage

from pydantic import ValidationError
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from services.reporter.attempt import begin, effort_of, hand_back, not_written
from services.reporter.mailers.message import is_too_large, to_message
from services.reporter.report.downloads import Downloads, Kept, local_downloads, signed_downloads
from services.reporter.report.figures import Figures
from services.reporter.report.letter import write_letter, write_page
from services.reporter.report.plots.plan import undrawn
from services.reporter.tools import Tools
from shared.errors import Conflict, ConvtailorError, Fault, NotFound, Transient, UserFault
from shared.job.claim import held
from shared.job.events import Event
from shared.job.job import Job, JobState, advance
from shared.job.progress import Spending
from shared.job.result import Result
from shared.json_codec import from_json
from shared.language.speech import speaking
from shared.layout import handover_key, report_key
from shared.ports.object_store import ObjectStore

_log = logging.getLogger(__name__)
_RECORD_ATTEMPTS = 5
_WITHIN = timedelta(hours=1)
"""So soon intake deletes photographs that could not be deleted here."""


def handle_end(event: Event, tools: Tools) -> None:
    """Mail the report of the event's job, unless that is done.

    Raises:
        NotFound: If there is no such job.
        Conflict: If another reporter is at work on it; whoever asks again later finds it done or abandoned.
        Transient: If the store, the objects or the mailer do not answer now.
    """
    terms = tools.terms
    job = begin(tools.store, event.job_id, owner=terms.owner, lease=terms.lease, now=tools.clock())
    if job is None:
        return
    try:
        with speaking(job.options.language):
            _report(job, tools)
    except (Conflict, Transient):
        hand_back(tools.store, job, now=tools.clock())
        raise


def _report(job: Job, tools: Tools) -> None:
    """Tell the person, and record it; see :mod:`services.reporter.attempt` for what is left out."""
    effort = effort_of(job)
    result, fault = _read_result(job, tools.objects) if effort.reads else (None, _loss(job))
    told = job if fault is None else replace(job, state=_state_without_report(job), fault=fault)
    if effort.mails:
        kept = _kept(job, tools)
        figures = _figures(result, tools, draws=effort.draws)
        _write_report(told, result, figures, _downloads(told, kept, tools, with_report=False), tools)
        mail_fault = _mail(told, result, figures, _downloads(told, kept, tools, with_report=True), tools)
    else:
        mail_fault = _undelivered(f"{job.report_tries - 1} attempts to write it were lost")
    _record(told, mail_fault, tools, has_report=effort.mails)
    outcome = "mailed" if mail_fault is None else f"no mail: {mail_fault.code}"
    _log.info("reported an end", extra={"state": told.state, "outcome": outcome, **_spent(job)})


def _spent(job: Job) -> dict[str, float]:
    """Return what a job took, for the log, of which the operator's charts are made; the cost where a price is known."""
    price = job.progress.price_per_hour if job.progress is not None else None
    spent = Spending.of(round(job.trained_s), price)
    return {"trained_s": spent.seconds} | ({} if spent.cost is None else {"cost": round(spent.cost, 4)})


def _loss(job: Job) -> Fault | None:
    """Return what is to be told of a network whose result is not read any more; ``None`` where there is none."""
    has_network = job.artefacts.result is not None
    return job.fault or (not_written(job.report_tries - 1) if has_network else None)


def _state_without_report(job: Job) -> JobState:
    return JobState.FAILED if job.state is JobState.REPORTING else job.state


def _figures(result: Result | None, tools: Tools, *, draws: bool) -> Figures:
    if result is None:
        return {}
    return tools.draw(result) if draws else undrawn(result)


def _read_result(job: Job, objects: ObjectStore) -> tuple[Result | None, Fault | None]:
    """Return the result if there is one, or a fault where there should be one that can be read."""
    key = job.artefacts.result
    try:
        if key is not None:
            return from_json(Result, json.loads(objects.read(key))), None
        reason = "it was not written"
    except (NotFound, ValueError, ValidationError) as error:
        _log.exception("a result cannot be read", extra={"object_key": key})
        reason = f"{type(error).__name__}"
    if job.state is not JobState.REPORTING:
        return None, None
    return None, Fault(
        code="result_unreadable",
        message=f"Training finished, but its result cannot be read ({reason}).",
        fix="Send the same zip once more; if it ends like this again, tell the operator the number of this job.",
    )


def _kept(job: Job, tools: Tools) -> Kept:
    """Delete the photographs, if they are not to be kept, and return how long what is kept is kept.

    Nobody trains on them any more, whatever becomes of the mail. Where they cannot be deleted now, intake does it.
    """
    retention, now = tools.terms.retention, tools.clock()
    files_until, photographs_until = retention.artefacts_until(job, now), retention.archive_until(job)
    if photographs_until is not None and photographs_until <= now:
        try:
            tools.objects.delete(job.upload.object_key)
            if job.retraining is not None:
                tools.objects.delete(handover_key(job.job_id))
            photographs_until = None
        except ConvtailorError:
            _log.warning("the photographs cannot be deleted now; intake does so within the hour", exc_info=True)
            photographs_until = now + _WITHIN
    return Kept(files_until=files_until, photographs_until=photographs_until)


def _write_report(job: Job, result: Result | None, figures: Figures, downloads: Downloads, tools: Tools) -> None:
    """Put the page that the mail links to into the object store; a repeat writes it anew."""
    page = write_page(job, result, figures=figures, downloads=downloads)
    tools.objects.put(report_key(job.job_id), io.BytesIO(page.encode()), content_type="text/html; charset=utf-8")


def _mail(job: Job, result: Result | None, figures: Figures, downloads: Downloads, tools: Tools) -> Fault | None:
    """Send the mail, or return why none can ever be sent."""
    try:
        tools.mailer.send(_compose(job, result, figures, downloads, tools))
    except UserFault as error:
        _log.warning("no mail can be sent: %s", error)
        return error.fault
    except Transient as error:
        if tools.clock() - job.updated_at < tools.terms.patience:
            raise
        _log.exception("gave up sending a mail")
        return _undelivered(f"it was not taken for {tools.terms.patience}: {error}")
    return None


def _undelivered(reason: str) -> Fault:
    return Fault(
        code="mail_undelivered",
        message=f"The mail was not sent: {reason}.",
        fix="Fetch what the job left from its status page.",
    )


def _compose(job: Job, result: Result | None, figures: Figures, downloads: Downloads, tools: Tools) -> EmailMessage:
    """Return the message; where its pictures make it too large, without them: the report that it links to has all."""
    letter = write_letter(job, result, figures=figures, downloads=downloads)
    message = to_message(letter, job, sender=tools.terms.sender, now=tools.clock())
    if not is_too_large(message):
        return message
    _log.warning("left the pictures out of a mail that would have been too large")
    letter = write_letter(job, result, figures={}, downloads=downloads)
    return to_message(letter, job, sender=tools.terms.sender, now=tools.clock())


def _record(told: Job, mail_fault: Fault | None, tools: Tools, *, has_report: bool) -> None:
    """Write that the person was told, and the end, in one step, over whatever else changed in the job meanwhile.

    Insists on a store that does not answer: giving up here means a second mail.

    Raises:
        Conflict: If the claim was lost; its new holder reports.
        Transient: If the store stays away.
    """
    tries = Retrying(
        retry=retry_if_exception_type((Conflict, Transient)),
        stop=stop_after_attempt(_RECORD_ATTEMPTS),
        wait=wait_exponential(multiplier=0.05, max=2),
        reraise=True,
    )
    for attempt in tries:
        with attempt:
            _record_once(told, mail_fault, tools, has_report=has_report)


def _record_once(told: Job, mail_fault: Fault | None, tools: Tools, *, has_report: bool) -> None:
    stored, now = tools.store.get(told.job_id), tools.clock()
    job = stored.job
    if not job.owes_mail:
        return
    claim = told.report_claim
    if claim is not None:
        held(job.report_claim, owner=claim.owner, fence=claim.fence)
    mailed = replace(
        job,
        artefacts=replace(job.artefacts, report=report_key(job.job_id)) if has_report else job.artefacts,
        mailed_at=now if mail_fault is None else None,
        mail_fault=mail_fault,
    )
    tools.store.replace(stored, _ended(mailed, told, now))


def _ended(job: Job, told: Job, now: datetime) -> Job:
    """Return the job in its end state."""
    if job.state is not JobState.REPORTING:
        return job
    if told.state is JobState.FAILED:
        return advance(job, JobState.FAILED, now, fault=told.fault)
    return advance(job, JobState.DONE, now)


def _downloads(job: Job, kept: Kept, tools: Tools, *, with_report: bool) -> Downloads:
    """Return what may be fetched; links do not outlive what they lead to."""
    terms = tools.terms
    if terms.delivery_dir is not None:
        return local_downloads(job, terms.delivery_dir, with_report=with_report)
    left = kept.files_until - tools.clock()
    if left <= timedelta(0):
        return Downloads(public_url=terms.public_url, kept=kept)
    expires_at = tools.clock() + min(terms.link_validity, left)
    signed = signed_downloads(
        job, tools.links, expires_at=expires_at, public_url=terms.public_url, with_report=with_report
    )
    return replace(signed, kept=kept)
