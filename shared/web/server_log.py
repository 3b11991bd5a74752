"""What gunicorn itself logs, as JSON lines of the service and without the secrets that addresses carry."""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

_SECRET = re.compile(r"(/v1/objects/|[?&]token=)[^\s&'\"]+")


class JsonLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """Sends gunicorn's own lines through the service's logging, without the secrets that addresses carry."""

    def setup(self, cfg: Any) -> None:
        """Use the root logger's handlers instead of gunicorn's."""
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log.propagate = True
        self.error_log.setLevel(max(logging.INFO, logging.getLogger().level))  # its debug lines dump all settings
        if _hide_secrets not in self.error_log.filters:
            self.error_log.addFilter(_hide_secrets)


def _hide_secrets(record: logging.LogRecord) -> bool:
    """Take tokens and signatures out of a line; never drops one."""
    record.msg, record.args = _SECRET.sub(r"\1…", record.getMessage()), ()
    return True
