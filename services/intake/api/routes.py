"""The JSON API of jobs: each route reads the request, calls one use case and tells its outcome."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, jsonify, request
from werkzeug.datastructures import Headers
from werkzeug.urls import iri_to_uri

from services.intake.admission import Admission, caller_of, check_operator
from services.intake.api.body import body_fields, fields_of
from services.intake.api.description.openapi import openapi_document
from services.intake.api.description.operations import ARTEFACTS
from services.intake.api.document import (
    Health,
    ServiceCard,
    SignedLink,
    created_document,
    status_document,
)
from services.intake.api.next_look import retry_after_s
from services.intake.job_request import parse_request
from services.intake.operation.action import Action, OperatorActions
from services.intake.overview.capacity import Capacity
from services.intake.overview.look import QueueLook
from services.intake.pages.pages import Pages, spoken_by, told_to_program, wants_page
from services.intake.submission import (
    LinkTerms,
    UploadTerms,
    cancel,
    check_size,
    delete,
    link,
    look_up,
    look_up_unopened,
    submit,
)
from shared.access.api_key import ApiKey, is_key
from shared.clock import Clock
from shared.errors import UserFault
from shared.job.job import Job
from shared.json_codec import to_json, to_json_text
from shared.layout import OTHER_FORMATS, Artefact
from shared.messaging.outbox import publish_pending
from shared.ports.event_bus import EventBus
from shared.ports.heartbeat_store import HeartbeatStore, as_told
from shared.ports.job_store import JobStore, StoredJob, probe
from shared.ports.object_store import ObjectStore, SignedRequest
from shared.web.address import PublicAddress

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_MODEL_FORMATS = {
    "h5": Artefact.MODEL_H5,
    "keras": Artefact.MODEL_KERAS,
    **OTHER_FORMATS,
    "zip": Artefact.MODEL_ZIP,
}
_PROXY_SCHEMES = ("basic", "digest", "negotiate")
"""What a proxy in front of us asks people for; browsers send it along with every request."""
_ARTEFACTS = ",".join(ARTEFACTS)
_MOST_HOURS = 7 * 24
"""No back-end signs for longer than a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRoutes:
    """The routes and what they may touch.

    Args:
        store: Jobs.
        heartbeats: What those who train them tell.
        objects: Archives and artefacts.
        bus: Takes the news of a cancelled job.
        clock: Tells the time.
        terms: What may be uploaded.
        links: What download URLs are signed by.
        address: Under which people reach this service.
        pages: What people are shown in a browser, at the same addresses.
        forget: Deletes what a job left.
        admission: Decides who may submit.
        capacity: Has room for so many jobs.
        queue: Tells places in the queue.
        data_dir: Where everything lies, where that is a folder of this machine.
        forwarded_hops: How many proxies of ours tell who calls; 0: none.
    """

    store: JobStore
    heartbeats: HeartbeatStore
    objects: ObjectStore
    bus: EventBus
    clock: Clock
    terms: UploadTerms
    links: LinkTerms
    address: PublicAddress
    pages: Pages
    forget: Callable[[StoredJob, datetime], bool]
    admission: Admission
    capacity: Capacity
    queue: QueueLook
    data_dir: Path | None = None
    forwarded_hops: int = 0

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("jobs", __name__)
        routes.add_url_rule("/", view_func=self.root)
        routes.add_url_rule("/healthz", view_func=self.healthz)
        routes.add_url_rule("/openapi.json", view_func=self.openapi)
        routes.add_url_rule("/v1/jobs", view_func=self.submit, methods=["POST"])
        routes.add_url_rule("/v1/jobs/<job_id>", view_func=self.status)
        routes.add_url_rule("/v1/jobs/<job_id>", view_func=self.delete, methods=["DELETE"])
        routes.add_url_rule("/v1/jobs/<job_id>/links", view_func=self.share, methods=["POST"])
        routes.add_url_rule("/v1/jobs/<job_id>/cancel", view_func=self.cancel, methods=["POST"])
        routes.add_url_rule("/v1/jobs/<job_id>/retry", view_func=self.retry, methods=["POST"])
        routes.add_url_rule(f"/v1/jobs/<job_id>/<any({_ARTEFACTS}):artefact>", view_func=self.fetch)
        return routes

    def root(self) -> Response:
        """Say what this is; to a person, let photographs be chosen."""
        here = self.here()
        if wants_page(request):
            return self.pages.start(request, here=here)
        card = ServiceCard(
            service="convtailor",
            what="Send a zip of labelled photographs, one folder per class; get a network fitted to them by mail.",
            start=f"POST {here}/v1/jobs?email=you@example.org",
            openapi=f"{here}/openapi.json",
        )
        return jsonify(to_json(card))

    def healthz(self) -> Response:
        """Tell that the store can be read; a store that does not answer makes it 503."""
        probe(self.store)
        return jsonify(to_json(Health(status="ok")))

    def openapi(self) -> Response:
        """Describe this API."""
        return jsonify(openapi_document(self.here()))

    def submit(self) -> Response:
        """Make a job."""
        named = fields_of(request.args) if request.query_string else {}
        language = spoken_by(request) if request.environ.get("HTTP_ACCEPT_LANGUAGE") else None
        wanted = parse_request([named, body_fields()], is_priced=self.terms.is_priced, language=language)
        check_size(wanted, self.terms)
        with self.capacity.place():
            admitted = self.admission.admit(shown_token("key_invalid"), self.caller(), wanted.email, self.clock())
            made = submit(wanted, admitted, store=self.store, objects=self.objects, clock=self.clock, terms=self.terms)
        g.job_id = made.job.job_id
        if made.job.awaits_confirmation:
            publish_pending(self.store, self.bus)
        here = self.here()
        upload_url = self._led_to(here, made.upload.url)
        document = created_document(made, upload_url=upload_url, public_url=here)
        return answer(document, 201, {"Location": _in_ascii(document.status_url)})

    def status(self, job_id: str) -> Response:
        """Tell how a job fares; a person gets the page that asks for it with the key that no address carries."""
        if wants_page(request):
            return self.pages.job(request, job_id)
        return self._told(self._opener(job_id)().job)

    def cancel(self, job_id: str) -> Response:
        """Stop a job."""
        operator = self._operator()
        if operator is not None:
            return self._told(self.actions.act(Action.CANCEL, job_id, operator))
        opened = self._opener(job_id)
        return self._told(cancel(opened, store=self.store, objects=self.objects, bus=self.bus, clock=self.clock))

    @property
    def actions(self) -> OperatorActions:
        """What operators may do to jobs."""
        return OperatorActions(
            store=self.store,
            objects=self.objects,
            bus=self.bus,
            clock=self.clock,
            retention=self.links.retention,
            forget=self.forget,
        )

    def _opener(self, job_id: str) -> Callable[[], StoredJob]:
        """Return what reads a job for its person, by its token, or for an operator."""
        shown = shown_token("token_missing")
        if self._operator_of(shown) is not None:
            return partial(look_up_unopened, job_id, store=self.store)
        return partial(look_up, job_id, shown or token(), store=self.store)

    def _operator(self) -> ApiKey | None:
        """Return the key of an operator, which no address shows; ``None`` where a token is shown, or nothing.

        Raises:
            UserFault: If a key is shown, and none of an operator.
        """
        return self._operator_of(shown_token("token_missing"))

    def _operator_of(self, shown: str | None) -> ApiKey | None:
        return check_operator(self.admission.store, shown) if shown is not None and is_key(shown) else None

    def delete(self, job_id: str) -> Response:
        """Delete what a job left, and what it says of its person."""
        operator = self._operator()
        if operator is not None:
            return self._told(self.actions.act(Action.FORGET, job_id, operator))
        return self._told(delete(self._opener(job_id), store=self.store, forget=self.forget, clock=self.clock))

    def share(self, job_id: str) -> tuple[Response, int]:
        """Sign a link that anybody may follow for a time."""
        name = request.args.get("artefact", "report")
        if name not in ARTEFACTS:
            raise invalid_option("artefact", f"There is no artefact {name!r}.", f"Use one of: {_ARTEFACTS}.")
        wanted = _model_format() if name == "model" else Artefact(name)
        terms = replace(self.links, valid_for=hours_asked(self.links.valid_for, most=_MOST_HOURS))
        signed = link(job_id, token(), wanted, store=self.store, objects=self.objects, terms=terms)
        return jsonify(to_json(SignedLink(url=self._led_here(signed.url), expires_at=signed.expires_at))), 201

    def retry(self, job_id: str) -> Response:
        """Have a job tried again."""
        operator = check_operator(self.admission.store, shown_token("key_invalid"))
        return self._told(self.actions.act(Action.RETRY, job_id, operator))

    def _told(self, job: Job) -> Response:
        """Return the job as the one who trains it tells it."""
        told = as_told(job, self.heartbeats)
        document = status_document(
            told,
            public_url=self.here(),
            retention=self.links.retention,
            place=self.queue.place_of(told),
            now=self.clock(),
        )
        if document.error is not None:
            document = replace(document, error=told_to_program(request, document.error))
        wait_s = retry_after_s(told, self.heartbeats.cadence)
        return answer(document, headers={"Retry-After": str(wait_s)} if wait_s is not None else None)

    def fetch(self, job_id: str, artefact: str) -> tuple[Response, int, dict[str, str]]:
        """Redirect to what a job left."""
        wanted = _model_format() if artefact == "model" else Artefact(artefact)
        signed = link(job_id, token(), wanted, store=self.store, objects=self.objects, terms=self.links)
        return self.redirected(signed)

    def redirected(self, signed: SignedRequest) -> tuple[Response, int, dict[str, str]]:
        """Answer with a redirect; where we serve it ourselves by the path alone, right wherever we have been found."""
        answer = SignedLink(url=self._led_here(signed.url), expires_at=signed.expires_at)
        location = signed.url if self.address.path_of(signed.url) is None else urlsplit(signed.url).path
        return jsonify(to_json(answer)), 302, {"Location": location}

    def caller(self) -> str:
        """Return the address of the one who asks."""
        return caller_of(request.remote_addr, request.environ.get("HTTP_X_FORWARDED_FOR"), self.forwarded_hops)

    def here(self) -> str:
        """Return the address under which the one who asks reaches this service."""
        return self.address.of_request(request.environ)

    def _led_here(self, url: str) -> str:
        """Return a signed URL that leads to us as one that leads to where the one who asks reaches us."""
        return self._led_to(self.here(), url)

    def _led_to(self, here: str, url: str) -> str:
        path = self.address.path_of(url)
        return url if path is None else here + path


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return an answer that is asked for often."""
    body = to_json_text(document) + b"\n"
    usual = (("Content-Type", "application/json"), ("Content-Length", str(len(body))))
    return _Answer([body], status=status, headers=Headers([*usual, *(headers or {}).items()]))


def _in_ascii(url: str) -> str:
    """Return a URL fit for a header: a service may be known under a name in letters of any language."""
    return url if url.isascii() else iri_to_uri(url)


class _Answer(Response):
    """A JSON document, whole, whose headers are fit to be sent as they stand."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:  # noqa: ARG002 - what Werkzeug hands over
        """Return the headers; Werkzeug would copy them and look for what could be missing or wrong."""
        return self.headers


def shown_token(refusal: str) -> str | None:
    """Return the bearer token of the Authorization header; ``None`` where there is none, or a proxy's own words.

    Args:
        refusal: Code for a header that cannot be read: whoever sends one means to show something.

    Raises:
        UserFault: With that code.
    """
    if not request.environ.get("HTTP_AUTHORIZATION"):
        return None
    authorization = request.authorization
    if authorization is not None and authorization.type == "bearer" and authorization.token:
        return authorization.token
    if authorization is not None and authorization.type in _PROXY_SCHEMES:
        return None
    raise UserFault(
        refusal,
        "The Authorization header shows no token.",
        fix="Send 'Authorization: Bearer TOKEN', with the word Bearer, one space and the token; or leave it out.",
    )


def token() -> str:
    """Return the token of the request, from its Authorization header or its query."""
    shown = shown_token("token_missing")
    if shown is not None:
        return shown
    if request.args.get("token"):
        return request.args["token"]
    raise UserFault(
        "token_missing",
        "The request carries no token.",
        fix="Send 'Authorization: Bearer TOKEN' or ?token=TOKEN with the token that POST /v1/jobs answered.",
    )


def hours_asked(usual: timedelta, *, most: int) -> timedelta:
    """Return the time that the field ``hours`` of the query asks for.

    Args:
        usual: Counts where the field is missing.
        most: Hours that may be asked for.

    Raises:
        UserFault: ``invalid_option``.
    """
    text = request.args.get("hours", "")
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= most):
        raise invalid_option("hours", f"Received {text[:40]!r} hours.", f"Ask for a whole number from 1 to {most}.")
    return timedelta(hours=int(text))


def invalid_option(field: str, message: str, fix: str) -> UserFault:
    """Return what is said of a field of the query that cannot be used."""
    return UserFault("invalid_option", message, fix=fix, details={"field": field})


def _model_format() -> Artefact:
    wanted = request.args.get("format", "h5")
    if wanted not in _MODEL_FORMATS:
        raise UserFault(
            "invalid_format",
            f"There is no model in the format {wanted!r}.",
            fix=f"Use one of: {', '.join(_MODEL_FORMATS)}.",
            details={"field": "format"},
        )
    return _MODEL_FORMATS[wanted]
