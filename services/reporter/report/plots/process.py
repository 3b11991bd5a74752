"""``python -m services.reporter.report.plots.process``: draws plots for the reporter, in memory of its own.

Its standard input brings orders, one line each: ``{"result": …, "names": […], "language": …}``. It answers each name in
order with a line, ``{"png": base64, "dark": base64}`` or ``{"error": reason}``. A plot that takes more memory than one
may, or breaks the libraries that draw, costs this process at most.
"""

import base64
import json
import logging
import threading

from services.reporter.report.plots.drawer import MAX_BYTES
from shared.job.result import Result
from shared.json_codec import from_json
from shared.language.speech import speaking
from shared.logs import start_logging
from shared.process.memory_limit import limit_memory
from shared.process.starter import Starter

logger = logging.getLogger(__name__)
_KINDS = ("png", "dark")


def main() -> None:
    """Draw what is ordered, until the reporter is gone."""
    starter = Starter()
    start_logging("INFO", "drawing")
    limit_memory(MAX_BYTES)
    warm_up = threading.Thread(target=_warm_up, name="warm-up", daemon=True)
    warm_up.start()
    while True:
        order = json.loads(starter.hear())
        warm_up.join()
        result = from_json(Result, order["result"])
        with speaking(order["language"]):
            for name in order["names"]:
                starter.say(json.dumps(_answer(result, name)).encode() + b"\n")


def _answer(result: Result, name: str) -> dict[str, str]:
    try:
        from services.reporter.report.plots.drawing import drawn  # noqa: PLC0415 - half a second

        return {kind: base64.b64encode(png).decode() for kind, png in zip(_KINDS, drawn(result, name), strict=True)}
    except Exception as error:  # the outermost loop of this process: the other plots are drawn all the same
        logger.exception("a plot failed", extra={"plot": name})
        return {"error": f"{type(error).__name__}: {error}"[:500]}


def _warm_up() -> None:
    """Import what drawing needs while there is nothing to do.

    Not at a lower priority: the first report waits for it, and beside a training that takes every core it would wait
    for longer than its plots may take.
    """
    try:
        from services.reporter.report.plots import drawing, fonts  # noqa: F401, PLC0415

        fonts.families()
    except (ImportError, OSError, MemoryError):
        logger.exception("the plots cannot be drawn; install convtailor[reporter]")


if __name__ == "__main__":
    main()
