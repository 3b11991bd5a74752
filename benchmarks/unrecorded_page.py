"""A page whose traffic nobody records.

Playwright asks Chromium to tell of all traffic of its pages. The page then writes the body of every request, here eight
megabytes, into a message of its own: ten times the work of sending it, done where the page should answer.
"""

import itertools
import json
import time
from pathlib import Path
from typing import Any

_LOOK_EVERY_S = 0.01


class UnrecordedPage:
    """A tab beside those that Playwright looks after, spoken to through the browser.

    Args:
        browser: Playwright's.
        script: Runs in the page before its own.
        width_px: Of its window.
        height_px: Of its window.

    Source: https://chromedevtools.github.io/devtools-protocol/tot/Target/
    """

    def __init__(self, browser: Any, script: str, *, width_px: int = 1280, height_px: int = 1000) -> None:
        self._speaker = browser.new_browser_cdp_session()
        self._numbers = itertools.count(1)
        self._answers: dict[int, Any] = {}
        self._speaker.on("Target.receivedMessageFromTarget", self._hear)
        self._context = self._speaker.send("Target.createBrowserContext")["browserContextId"]
        made = self._speaker.send("Target.createTarget", {"url": "about:blank", "browserContextId": self._context})
        attached = self._speaker.send("Target.attachToTarget", {"targetId": made["targetId"], "flatten": False})
        self._session = attached["sessionId"]
        window = {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": False}
        self.ask("Emulation.setDeviceMetricsOverride", **window)
        self.ask("Page.enable")
        self.ask("Page.bringToFront")  # one that is hidden is given nothing that is dropped
        self.ask("Page.addScriptToEvaluateOnNewDocument", source=script)

    def ask(self, method: str, **params: object) -> Any:
        """Give the page a command and return its answer.

        Raises:
            RuntimeError: If it is refused, as while the page gives way to the next one.
        """
        number = next(self._numbers)
        message = json.dumps({"id": number, "method": method, "params": params})
        self._speaker.send("Target.sendMessageToTarget", {"sessionId": self._session, "message": message})
        while number not in self._answers:
            time.sleep(_LOOK_EVERY_S)
            self._speaker.send("Browser.getVersion")  # what has come meanwhile is heard with its answer
        answer = self._answers.pop(number)
        if "error" in answer or "exceptionDetails" in answer["result"]:
            raise RuntimeError(answer)
        return answer["result"]

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def wait_for(self, condition: str, *, within_s: float) -> None:
        """Wait until an expression is true.

        Raises:
            TimeoutError: If it is not in time.
        """
        until = time.monotonic() + within_s
        while not self.evaluate(condition):
            if time.monotonic() > until:
                raise TimeoutError(condition)
            time.sleep(_LOOK_EVERY_S)

    def drop(self, path: Path, selector: str) -> None:
        """Drop a file or folder from outside the browser onto what a selector finds, as a hand does."""
        [x, y] = self.evaluate(
            f"(({{ x, y, width, height }}) => [x + width / 2, y + height / 2])"
            f"(document.querySelector({selector!r}).getBoundingClientRect())"
        )
        data = {"items": [], "files": [str(path)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            self.ask("Input.dispatchDragEvent", type=kind, x=x, y=y, data=data)

    def close(self) -> None:
        """Close it with all that it kept."""
        self._speaker.send("Target.disposeBrowserContext", {"browserContextId": self._context})
        self._speaker.detach()

    def _hear(self, event: Any) -> None:
        message = json.loads(event["message"])
        if event["sessionId"] == self._session and "id" in message:
            self._answers[message["id"]] = message
