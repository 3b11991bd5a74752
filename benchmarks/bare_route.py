"""The least that Flask can do behind intake's own server: one route for each method, a few bytes of JSON each."""

import json
import sys

from flask import Flask, Response, jsonify

from shared.web.address import own_url
from shared.web.server import Served, ServerRules, listen, serve


def bare_app() -> Flask:
    """Return an app that neither reads nor keeps nor logs anything."""
    app = Flask("bare", static_folder=None)

    @app.get("/bare")
    def look() -> Response:
        return jsonify(status="ok")

    @app.post("/bare")
    def make() -> tuple[Response, int]:
        return jsonify(status="ok"), 201

    return app


def main(num_threads: int) -> None:
    """Serve at a free port, which is printed, until told to stop."""
    listener = listen("127.0.0.1", 0)
    print(json.dumps({"url": own_url(listener)}), flush=True)
    rules = ServerRules(num_threads=num_threads, stop_grace_s=5)
    serve(listener, lambda: Served(app=bare_app(), start=lambda: None, stop=lambda: None), rules)


if __name__ == "__main__":
    main(int(sys.argv[1]))
