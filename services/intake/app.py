"""The Flask app of intake: its routes in the app that every service has."""

from flask import Flask, Response, request

from services.intake.api.error_code import OWN_ERRORS
from services.intake.api.link_routes import LinkRoutes
from services.intake.api.operator_pages import OperatorPages
from services.intake.api.operator_routes import OperatorRoutes
from services.intake.api.planning_routes import PlanningRoutes
from services.intake.api.routes import JobRoutes
from services.intake.events.push import PushRoutes
from services.intake.overview.estimate import EstimateLook
from services.intake.pages.pages import told_to_program, wants_page
from services.intake.pages.routes import PageRoutes
from services.intake.uploads import ObjectRoutes
from shared.errors import Fault, UserFault
from shared.web.app import make_app
from shared.web.error_reply import error_response


def create_app(
    jobs: JobRoutes,
    pages: PageRoutes,
    links: LinkRoutes,
    objects: ObjectRoutes | None = None,
    pushes: PushRoutes | None = None,
) -> Flask:
    """Make the app.

    Args:
        jobs: The API of jobs, with all it may touch.
        pages: What people see in a browser.
        links: What links in mails lead to.
        objects: Signed URLs, where no product of the object store's own serves them.
        pushes: Events and the sweeper's calls, where a product brings them over HTTP.
    """

    def face(fault: Fault, status: int) -> Response | None:
        if wants_page(request):
            return pages.pages.error(request, fault, status)
        return error_response(told_to_program(request, fault), status)

    def check_host() -> None:
        if not jobs.address.is_served(request.environ.get("HTTP_HOST", "")):
            raise UserFault(
                "wrong_host",
                "The request is for another host than this service is.",
                fix=f"Ask {jobs.address.url}, which CONVTAILOR_PUBLIC_URL names.",
                details={"use": jobs.address.url},
            )

    app = make_app("convtailor-intake", OWN_ERRORS, face)
    app.before_request(check_host)
    planning = PlanningRoutes(jobs=jobs, estimates=EstimateLook(jobs.store, jobs.clock))
    for routes in (jobs, OperatorRoutes(jobs=jobs), OperatorPages(jobs=jobs), planning, pages, links, objects, pushes):
        if routes is not None:
            app.register_blueprint(routes.blueprint())
    return app
