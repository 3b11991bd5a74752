"""How much of the server one peer, and all of them together, can take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a server, of which a peer that means well notices nothing.

    Args:
        request_s: Seconds in which a request without its upload has to arrive, and a small answer has to be read.
        idle_s: Seconds that a connection is kept for another request.
        stall_s: Seconds that the peer of an upload or download may fall behind; see :mod:`shared.web.connections.pace`.
        min_bytes_per_s: Speed that such a peer has to keep up; a phone on a bad link has twenty times as much.
        num_transfers: Uploads and downloads at the same time.
        queue_s: Seconds that a further one waits for its turn; then it is told to come again.
        max_connections: Connections at the same time. One more takes the place of the one that has kept the server
            waiting longest, so that who opens many shortens the patience with himself.
        transfer_path: Beginning of the paths of uploads and downloads; empty where there are none.
    """

    request_s: float = 20.0
    idle_s: float = 5.0
    stall_s: float = 60.0
    min_bytes_per_s: float = 1000.0
    num_transfers: int = 32
    queue_s: float = 60.0
    max_connections: int = 512
    transfer_path: str = ""
