"""What operators see in a browser: jobs, failures and disk, and a button for each action; no script is needed.

The key lies in a cookie that goes nowhere but to these pages and with no other site's request; each form carries a
digest of it besides, so that a page of somebody else's, who cannot know the key, makes no browser send one.
"""

import hmac
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, redirect, request

from services.intake.admission import check_operator
from services.intake.api.operator_document import JobLine
from services.intake.api.operator_routes import listed, wanted
from services.intake.api.routes import JobRoutes
from services.intake.operation.action import Action
from services.intake.overview.disk import look_at_disk
from services.intake.overview.metrics import count_jobs
from shared.access.api_key import ApiKey, hash_of
from shared.errors import Fault, UserFault
from shared.job.job import JobState

COOKIE = "operator"
FORM_FIELD = "form"
_PATH = "/operator"
_SIGNED_IN_S = 12 * 3600
_ACTIONS = ",".join(Action)
_SEE_OTHER = 303
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorPages:
    """The routes and what they may touch.

    Args:
        jobs: What the routes of jobs may touch.
    """

    jobs: JobRoutes

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("operator_pages", __name__)
        routes.add_url_rule(_PATH, view_func=self.overview)
        routes.add_url_rule(f"{_PATH}/disk", view_func=self.disk)
        routes.add_url_rule(f"{_PATH}/sign-in", view_func=self.sign_in, methods=["POST"])
        routes.add_url_rule(f"{_PATH}/sign-out", view_func=self.sign_out, methods=["POST"])
        act = f"{_PATH}/jobs/<job_id>/<any({_ACTIONS}):action>"
        routes.add_url_rule(act, view_func=self.act, methods=["POST"])
        return routes

    def overview(self) -> Response:
        """Show jobs and failures, or ask for the key."""
        if self._shown() is None:
            return self._asking(None)
        try:
            self._key()
        except UserFault as refusal:
            return self._asking(refusal.fault)
        jobs = self.jobs
        asked = wanted()
        lines = listed(jobs, asked)
        return self._page(
            "operator",
            counts=count_jobs(jobs.store, jobs.heartbeats, now=jobs.clock()),
            lines=lines,
            failures=[each for each in lines.jobs if _is_failure(each)],
            states=list(JobState),
            asked=asked,
            done=self._done(),
            done_to=request.args.get("job", "")[:64],
        )

    def disk(self) -> Response:
        """Show what takes how much room."""
        self._key()
        return self._page("operator_disk", use=look_at_disk(self.jobs.objects, self.jobs.data_dir))

    def sign_in(self) -> Response:
        """Take the key, and keep it in the browser."""
        shown = request.form.get("key", "").strip()
        try:
            check_operator(self.jobs.admission.store, shown or None)
        except UserFault as refusal:
            return self._asking(refusal.fault)
        answer = self._led_to(_PATH)
        answer.set_cookie(
            COOKIE,
            shown,
            max_age=_SIGNED_IN_S,
            path=self.jobs.address.root + _PATH,
            secure=self.jobs.here().startswith("https:"),
            httponly=True,
            samesite="Strict",
        )
        return answer

    def sign_out(self) -> Response:
        """Have the browser forget the key."""
        answer = self._led_to(_PATH)
        self._forget_key(answer)
        return answer

    def act(self, job_id: str, action: str) -> Response:
        """Do to a job what the pressed button says."""
        key = self._key()
        expected = form_token(self._shown() or "")
        if not hmac.compare_digest(request.form.get(FORM_FIELD, "").encode(), expected.encode()):
            raise UserFault(
                "form_invalid",
                "The form does not come from a page that this service showed you.",
                fix="Open /operator again and press the button there.",
            )
        self.jobs.actions.act(Action(action), job_id, key)
        return self._led_to(f"{_PATH}?done={action}&job={quote(job_id, safe='')}")

    def _shown(self) -> str | None:
        return request.cookies.get(COOKIE) or None

    def _key(self) -> ApiKey:
        """Return the operator's key.

        Raises:
            UserFault: If there is none, or it opens nothing any more.
        """
        return check_operator(self.jobs.admission.store, self._shown())

    def _asking(self, refusal: Fault | None) -> Response:
        answer = self._page("operator_sign_in", refusal=refusal)
        if refusal is not None:
            answer.status_code = _UNAUTHORIZED
            self._forget_key(answer)
        return answer

    def _forget_key(self, answer: Response) -> None:
        answer.delete_cookie(COOKIE, path=self.jobs.address.root + _PATH, httponly=True, samesite="Strict")

    def _done(self) -> str | None:
        done = request.args.get("done")
        return done if done in set(Action) else None

    def _page(self, name: str, **told: object) -> Response:
        token = form_token(self._shown() or "")
        return self.jobs.pages.operator(request, name, told | {"token": token})

    def _led_to(self, path: str) -> Response:
        answer = redirect(self.jobs.address.root + path, _SEE_OTHER, Response)
        assert isinstance(answer, Response)  # noqa: S101 - the class that was asked for
        return answer


def form_token(shown: str) -> str:
    """Return what the forms of somebody who signed in carry."""
    return hash_of(f"forms of an operator\n{shown}")


def _is_failure(line: JobLine) -> bool:
    return line.state is JobState.FAILED or line.mail_error is not None
