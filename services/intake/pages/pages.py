"""Makes pages from templates: each in the language of the one who asks, under a policy with a nonce of its own."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from flask import Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.intake.pages.language import chosen_language
from services.intake.pages.policy import PERMISSIONS, content_policy
from services.intake.pages.static_files import static_version
from shared.archive.name_table import name_table
from shared.errors import Fault
from shared.language.catalogue import LANGUAGES, catalogue_of
from shared.language.fault import told_in
from shared.text.printable import printable

LANGUAGE_COOKIE = "language"
_FOLDER = Path(__file__).parent / "templates"
_FACES = {404: "not_found", 410: "gone", 413: "too_large"}
_JSON, _HTML = "application/json", "text/html"


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks that shows pages, and not a program: ``*/*`` alone is a program's."""
    if _HTML not in request.environ.get("HTTP_ACCEPT", "").lower():
        return False
    accepted = request.accept_mimetypes
    return _HTML in accepted.values() and accepted[_HTML] >= accepted[_JSON]


def told_to_program(request: Request, fault: Fault) -> Fault:
    """Return a fault in the language that a program asks for by ``Accept-Language``; English where it asks for none."""
    return told_in(spoken_by(request), fault)


def spoken_by(request: Request) -> str:
    """Return the language that a program asks for by ``Accept-Language``; English where it asks for none."""
    return chosen_language(None, request.accept_languages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What pages say of the service.

    Args:
        max_bytes: Largest archive.
        artefact_days: Days that networks and reports are kept after the end of a job.
        archive_days: The same of photographs; 0: they go when the job ends.
        most_archive_days: The same of photographs whose person asks for it.
        elsewhere: Origins of the object store, where another product serves it.
        requires_key: Whether jobs are taken with an API key only.
    """

    max_bytes: int
    artefact_days: float
    archive_days: float
    most_archive_days: float = 0.0
    elsewhere: Sequence[str] = ()
    requires_key: bool = False

    @property
    def may_keep(self) -> bool:
        """Whether a person may have photographs kept for longer than they are by default."""
        return self.most_archive_days >= max(1.0, self.archive_days + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pages:
    """Every page that there is.

    Args:
        terms: What they say of the service.
        root: Path at which the service begins, without a slash at its end: empty, or where a proxy serves it below one.
    """

    terms: Terms
    root: str = ""

    def start(self, request: Request, *, here: str) -> Response:
        """Return the page on which photographs are chosen and sent."""
        return self._page(request, "start", here=here)

    def job(self, request: Request, job_id: str) -> Response:
        """Return the page of a job; whether there is one, its script asks with the token that the server never sees."""
        return self._page(request, "job", runs_networks=True, job_id=job_id)

    def guide(
        self, request: Request, operations: Sequence[object], schemas: Sequence[object], *, here: str
    ) -> Response:
        """Return the description of the API for people."""
        return self._page(request, "guide", operations=operations, schemas=schemas, here=here)

    def confirm(self, request: Request, *, is_confirmed: bool) -> Response:
        """Return the page on which a person confirms the address, or hears that it is confirmed."""
        return self._page(request, "confirm", is_confirmed=is_confirmed)

    def operator(self, request: Request, name: str, told: Mapping[str, Any]) -> Response:
        """Return a page for operators.

        Args:
            request: As it came.
            name: Of its template.
            told: What it shows.
        """
        return self._page(request, name, **dict(told))

    def error(self, request: Request, fault: Fault, status: int) -> Response:
        """Return what is wrong and how to mend it; code and fix are those that programs are told."""
        response = self._page(request, "error", fault=fault, status=status, face=_FACES.get(status, "other"))
        response.status_code = status
        return response

    def _page(self, request: Request, name: str, *, runs_networks: bool = False, **told: Any) -> Response:
        asked = request.args.get("lang")
        language = chosen_language(asked or request.cookies.get(LANGUAGE_COOKIE), request.accept_languages)
        nonce = secrets.token_urlsafe(16)
        body = (
            _environment(language)
            .get_template(f"{name}.html.jinja")
            .render(
                told
                | _of_every_page(language, self.root)
                | {"nonce": nonce, "terms": self.terms, "limits": name_table().limits, "path": request.path}
            )
        )
        response = Response(body, content_type="text/html; charset=utf-8")
        policy = content_policy(nonce, elsewhere=self.terms.elsewhere, runs_networks=runs_networks)
        response.headers["Content-Security-Policy"] = policy
        response.headers["Permissions-Policy"] = PERMISSIONS
        response.vary.update(("Accept", "Accept-Language", "Cookie"))
        if asked is not None and asked in LANGUAGES:
            response.set_cookie(
                LANGUAGE_COOKIE, asked, max_age=365 * 86400, samesite="Lax", httponly=True, path=f"{self.root}/"
            )
        return response


def _of_every_page(language: str, root: str) -> dict[str, Any]:
    static = f"{root}/static/{static_version()}"
    return {"language": language, "languages": LANGUAGES, "root": root, "static": static}


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.install_gettext_translations(catalogue_of(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["told"] = lambda fault: told_in(language, fault)
    environment.filters["gigabytes"] = lambda num_bytes: f"{num_bytes / 2**30:.3g}"
    return environment
