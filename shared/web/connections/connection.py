"""A connection between its requests: what gunicorn knows of it, and what our loop adds."""

from typing import TYPE_CHECKING, Any

from gunicorn.workers.gthread import TConn

from shared.web.connections.arrival import Arrival
from shared.web.connections.paced_socket import PacedSocket

if TYPE_CHECKING:
    from collections.abc import Callable


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """One connection.

    Args:
        sock: Its socket.
        arrival: The request that is awaited.
        others: What gunicorn knows of it: settings, address of the peer, address of the listener.

    Attributes:
        is_kept: Whether another request may come once the answer has been sent.
        num_drained_bytes: How much came after the last answer.
        deadline_s: When the loop will have waited long enough for the peer, on the monotonic clock.
        when_late: What happens then.
    """

    def __init__(self, sock: PacedSocket, arrival: Arrival, *, others: tuple[Any, Any, Any]) -> None:
        cfg, client, server = others
        super().__init__(cfg, sock, client, server)
        self.sock: PacedSocket = sock
        self.arrival = arrival
        self.is_kept = False
        self.num_drained_bytes = 0
        self.deadline_s = 0.0
        self.when_late: Callable[[], None] = lambda: None
