"""Heartbeats as Firestore documents below the job they belong to; each is written blindly, in one call."""

from functools import cached_property

from google.cloud import firestore

from shared.adapters.gcp.firestore.job_document import HEARTBEATS, JOBS, heartbeat_fields, is_document_id
from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.job.heartbeat import Cadence, Heartbeat, decode_heartbeat


class FirestoreHeartbeatStore:
    """The :class:`shared.ports.heartbeat_store.HeartbeatStore` of Google Cloud.

    Args:
        project: Google Cloud project.
        database: Firestore database, in native mode.
        interval_s: Seconds between two heartbeats and between two looks at a job, each of which is billed.
        limit: How long a call may take.
    """

    def __init__(
        self,
        project: str,
        *,
        database: str = "(default)",
        interval_s: float = 5.0,
        limit: CallLimit | None = None,
    ) -> None:
        self._project = project
        self._database = database
        self._cadence = Cadence(least_s=interval_s, progress_s=interval_s, look_s=interval_s)
        self._limit = limit or CallLimit()

    @property
    def cadence(self) -> Cadence:
        """See the port."""
        return self._cadence

    def put(self, heartbeat: Heartbeat) -> None:
        """See the port."""
        with translated(f"Firestore writes a heartbeat of job {heartbeat.job_id}"):
            reference = self._collection(heartbeat.job_id).document(str(heartbeat.fence))
            reference.set(heartbeat_fields(heartbeat), **self._limit.options())

    def get(self, job_id: str, fence: int) -> Heartbeat | None:
        """See the port."""
        if not is_document_id(job_id):
            return None
        with translated(f"Firestore reads a heartbeat of job {job_id}"):
            snapshot = self._collection(job_id).document(str(fence)).get(**self._limit.options())
        return decode_heartbeat(snapshot.get("text")) if snapshot.exists else None

    def delete(self, job_id: str) -> None:
        """See the port."""
        if not is_document_id(job_id):
            return
        with translated(f"Firestore deletes the heartbeats of job {job_id}"):
            for snapshot in self._collection(job_id).select([]).stream(**self._limit.options()):
                snapshot.reference.delete(**self._limit.options())

    def close(self) -> None:
        """Let go of the connection; the store must not be used afterwards."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> firestore.Client:
        return firestore.Client(project=self._project, database=self._database)

    def _collection(self, job_id: str) -> firestore.CollectionReference:
        return self._client.collection(JOBS).document(job_id).collection(HEARTBEATS)
