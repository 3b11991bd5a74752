"""A small service behind the server that all services share, as a process: ``python -m tests.web_server LIMITS``."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, request

from shared.logs import start_logging
from shared.web.address import own_url
from shared.web.app import make_app
from shared.web.error_reply import OwnErrors
from shared.web.limits import Limits
from shared.web.server import Served, ServerRules, listen, serve

NUM_THREADS = 2
LONG_TEXT = "long " * 20_000


def small_app() -> Flask:
    """Return an app that says what it got."""
    app = make_app("small", OwnErrors(fix="There is little here."))

    @app.get("/number/<int:number>")
    def tell(number: int) -> dict[str, Any]:
        return {"number": number, "text": LONG_TEXT}

    @app.post("/echo")
    def echo() -> dict[str, Any]:
        return {"body": request.get_data(as_text=True)}

    return app


@contextmanager
def running(folder: Path, **limits: Any) -> Iterator[str]:
    """Run it while the block lasts; yields its URL. What it logs lies in ``server.log`` in the folder."""
    with (folder / "server.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.web_server", json.dumps(limits)]
        root = Path(__file__).resolve().parents[1]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True, cwd=root
        )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


if __name__ == "__main__":
    start_logging("INFO", "small")
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"{own_url(listener)}\n")
    sys.stdout.flush()
    rules = ServerRules(num_threads=NUM_THREADS, stop_grace_s=5, limits=Limits(**json.loads(sys.argv[1])))
    serve(listener, lambda: Served(app=small_app()), rules)
