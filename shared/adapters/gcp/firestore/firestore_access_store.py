"""API keys and counts as Firestore documents; a count is one write that answers with the sum."""

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from google.cloud import firestore
from pydantic import ValidationError

from shared.access.api_key import ApiKey
from shared.access.limits import Window
from shared.adapters.gcp.firestore.job_document import API_KEYS, USED
from shared.adapters.gcp.vendor_error import CallLimit, translated
from shared.json_codec import from_json, to_json

_log = logging.getLogger(__name__)


class FirestoreAccessStore:
    """The :class:`shared.ports.access_store.AccessStore` of Google Cloud.

    Args:
        project: Google Cloud project.
        database: Firestore database, in native mode.
        limit: How long a call may take.
    """

    def __init__(self, project: str, *, database: str = "(default)", limit: CallLimit | None = None) -> None:
        self._project = project
        self._database = database
        self._limit = limit or CallLimit()

    def put_key(self, key: ApiKey) -> None:
        """See the port."""
        with translated(f"Firestore writes API key {key.key_id}"):
            document = self._client.collection(API_KEYS).document(key.key_hash)
            document.set({"created_at": key.created_at, "key": to_json(key)}, **self._limit.options())

    def key(self, key_hash: str) -> ApiKey | None:
        """See the port."""
        with translated("Firestore reads an API key"):
            snapshot = self._client.collection(API_KEYS).document(key_hash).get(**self._limit.options())
        return _read(snapshot.to_dict() or {}) if snapshot.exists else None

    def all_keys(self) -> Sequence[ApiKey]:
        """See the port."""
        with translated("Firestore lists the API keys"):
            query = self._client.collection(API_KEYS).order_by("created_at")
            found = [_read(each.to_dict() or {}) for each in query.stream(**self._limit.options())]
        return [key for key in found if key is not None]

    def add(self, window: Window, amount: int) -> int:
        """See the port."""
        with translated("Firestore counts what is used"):
            fields = {"total": firestore.Increment(amount), "expire_at": window.ends_at}
            document = self._client.collection(USED).document(window.key)
            written = document.set(fields, merge=True, **self._limit.options())
        return int(written.transform_results[0].integer_value)

    def close(self) -> None:
        """Let go of the connection; the store must not be used afterwards."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> firestore.Client:
        return firestore.Client(project=self._project, database=self._database)


def _read(fields: dict[str, Any]) -> ApiKey | None:
    try:
        return from_json(ApiKey, fields.get("key", {}))
    except ValidationError:
        _log.exception("an API key cannot be read and opens nothing")
        return None
