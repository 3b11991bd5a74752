"""Heartbeats in a dictionary, with the promises of the port but durability."""

import threading

from shared.job.heartbeat import Cadence, Heartbeat

AT_ONCE = Cadence(least_s=0.0, progress_s=1.0, look_s=0.5)


class MemoryHeartbeatStore:
    """The :class:`shared.ports.heartbeat_store.HeartbeatStore` of one process.

    Args:
        cadence: How often it is to be written and the job looked at.
    """

    def __init__(self, cadence: Cadence = AT_ONCE) -> None:
        self.cadence = cadence
        self._lock = threading.Lock()
        self._heartbeats: dict[tuple[str, int], Heartbeat] = {}

    def put(self, heartbeat: Heartbeat) -> None:
        """See the port."""
        with self._lock:
            self._heartbeats[heartbeat.job_id, heartbeat.fence] = heartbeat

    def get(self, job_id: str, fence: int) -> Heartbeat | None:
        """See the port."""
        with self._lock:
            return self._heartbeats.get((job_id, fence))

    def delete(self, job_id: str) -> None:
        """See the port."""
        with self._lock:
            self._heartbeats = {key: each for key, each in self._heartbeats.items() if key[0] != job_id}
