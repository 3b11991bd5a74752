"""The routes of what belongs to pages alone: files, words of scripts, the guide to the API, what robots may read."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from services.intake.pages.guide import operations_of, schemas_of
from services.intake.pages.language import words_of
from services.intake.pages.pages import Pages
from services.intake.pages.static_files import StaticFile, static_file, static_version
from shared.language.catalogue import LANGUAGES
from shared.web.address import PublicAddress

_FOREVER = "public, max-age=31536000, immutable"
_A_DAY = "public, max-age=86400"
_ROBOTS = "User-agent: *\nAllow: /$\nAllow: /docs\nDisallow: /\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRoutes:
    """The routes and what they may touch.

    Args:
        pages: Makes them.
        describe: Returns the description of the API.
        address: Under which people reach this service.
    """

    pages: Pages
    describe: Callable[[], Mapping[str, Any]]
    address: PublicAddress

    def blueprint(self) -> Blueprint:
        """Return the routes for an app."""
        routes = Blueprint("pages", __name__)
        routes.add_url_rule("/docs", view_func=self.guide)
        routes.add_url_rule("/favicon.ico", view_func=self.favicon)
        routes.add_url_rule("/robots.txt", view_func=self.robots)
        routes.add_url_rule("/static/<version>/<path:name>", view_func=self.static)
        return routes

    def guide(self) -> Response:
        """Describe the API to a person."""
        document = self.describe()
        return self.pages.guide(
            request, operations_of(document), schemas_of(document), here=self.address.of_request(request.environ)
        )

    def favicon(self) -> Response:
        """Send the sign that browsers show beside the title."""
        return _sent(static_file("favicon.svg"), _A_DAY)

    def robots(self) -> Response:
        """Tell search engines to leave jobs alone."""
        response = Response(_ROBOTS, content_type="text/plain; charset=utf-8")
        response.headers["Cache-Control"] = _A_DAY
        return response

    def static(self, version: str, name: str) -> Response:
        """Send a file; an address of another release is answered with what there is, and not kept."""
        lasting = _FOREVER if version == static_version() else "no-store"
        language = name.removeprefix("words.").removesuffix(".js")
        if name == f"words.{language}.js" and language in LANGUAGES:
            words = json.dumps(words_of(language), ensure_ascii=False)
            told = StaticFile(content_type="text/javascript", data=f"export default {words};".encode(), is_packed=False)
            return _sent(told, lasting)
        return _sent(static_file(name), lasting)


def _sent(file: StaticFile | None, cache_control: str) -> Response:
    if file is None:
        raise NotFound
    response = Response(file.data, content_type=file.content_type)
    if file.content_type.startswith("text/"):
        response.headers["Content-Type"] = f"{file.content_type}; charset=utf-8"
    if file.is_packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = cache_control
    return response
