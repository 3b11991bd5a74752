"""Bodies of requests as they are read."""

from gunicorn.http.errors import ParseException
from werkzeug.exceptions import ClientDisconnected

BROKEN_BODY = (OSError, ClientDisconnected, ParseException)
"""What reading a body raises where its sender is at fault: broken off, too slow, or in chunks that are none."""
