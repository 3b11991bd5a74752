"""What links in mails lead to: a fresh download, and the page on which a person confirms the address."""

from dataclasses import dataclass

from flask import Blueprint, Response, make_response

from services.intake.api.routes import JobRoutes
from services.intake.confirmation import confirm, job_of_link
from services.intake.submission import link_of_mail
from shared.access.signed_link import PATHS, LinkKind, SignedLinks

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'"
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:1.1em/1.5 system-ui,sans-serif;max-width:36em;margin:4em auto;padding:0 1em}}
button{{font:inherit;padding:.6em 1.4em}}</style></head>
<body><h1>{title}</h1><p>{text}</p>{form}</body></html>
"""
_FORM = '<form method="post"><button type="submit">Yes, I asked for it</button></form>'


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRoutes:
    """The routes and what they may touch.

    Args:
        jobs: What the routes of jobs may touch.
        links: Checks the links.
    """

    jobs: JobRoutes
    links: SignedLinks

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("links", __name__)
        routes.add_url_rule(f"{PATHS[LinkKind.FETCH]}<link>", view_func=self.fetch)
        routes.add_url_rule(f"{PATHS[LinkKind.CONFIRM]}<link>", view_func=self.ask)
        routes.add_url_rule(f"{PATHS[LinkKind.CONFIRM]}<link>", view_func=self.confirm, methods=["POST"])
        return routes

    def fetch(self, link: str) -> tuple[Response, int, dict[str, str]]:
        """Redirect to what the link opens, by a signed URL that was made just now."""
        jobs = self.jobs
        signed = link_of_mail(link, links=self.links, store=jobs.store, objects=jobs.objects, terms=jobs.links)
        return jobs.redirected(signed)

    def ask(self, link: str) -> Response:
        """Show the button; programs that look through mails open links, and press none."""
        job = job_of_link(link, links=self.links, store=self.jobs.store, clock=self.jobs.clock)
        if job.confirmed_at is not None:
            return _page("Thank you", "The address is confirmed; the report comes by mail.")
        text = "Somebody gave your address for the report of a network that is to be fitted to their photographs."
        return _page("Did you ask for a network?", f"{text} Was it you?", _FORM)

    def confirm(self, link: str) -> Response:
        """Take the click."""
        jobs = self.jobs
        confirm(link, links=self.links, store=jobs.store, objects=jobs.objects, bus=jobs.bus, clock=jobs.clock)
        return _page("Thank you", "The address is confirmed; the report comes by mail.")


def _page(title: str, text: str, form: str = "") -> Response:
    response = make_response(_PAGE.format(title=title, text=text, form=form))
    response.headers["Content-Security-Policy"] = _POLICY
    return response
