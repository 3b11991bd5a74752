"""What links in mails lead to: a fresh download, and the page on which a person confirms the address."""

from dataclasses import dataclass

from flask import Blueprint, Response, request

from services.intake.api.routes import JobRoutes
from services.intake.confirmation import confirm, job_of_link
from services.intake.submission import link_of_mail
from shared.access.signed_link import PATHS, LinkKind, SignedLinks


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
        return self.jobs.pages.confirm(request, is_confirmed=job.confirmed_at is not None)

    def confirm(self, link: str) -> Response:
        """Take the click."""
        jobs = self.jobs
        confirm(link, links=self.links, store=jobs.store, objects=jobs.objects, bus=jobs.bus, clock=jobs.clock)
        return jobs.pages.confirm(request, is_confirmed=True)
