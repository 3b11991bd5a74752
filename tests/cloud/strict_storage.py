"""gcp-storage-emulator's storage with what it leaves out: conditions, ranges of size, sessions, generations, news."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import google_crc32c
from gcp_storage_emulator.exceptions import NotFound
from gcp_storage_emulator.handlers import objects
from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.storage import Storage

UNIT_BYTES = 256 << 10
"""Every piece of a resumable upload but the last is a multiple of this long."""

Listener = Callable[[Mapping[str, Any]], None]


class Refusal(Exception):
    """A request that Cloud Storage answers with an error."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status = status
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a write has to hold to."""

    generation: int | None = None
    min_bytes: int = 0
    max_bytes: int | None = None

    def check(self, current: Mapping[str, Any] | None, num_bytes: int | None = None) -> None:
        if self.generation is not None and self.generation != int(current["generation"] if current else 0):
            raise Refusal(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")
        if num_bytes is not None and num_bytes < self.min_bytes:
            raise Refusal(400, "EntityTooSmall", f"{num_bytes} bytes, expected at least {self.min_bytes}")
        if num_bytes is not None and self.max_bytes is not None and num_bytes > self.max_bytes:
            raise Refusal(400, "EntityTooLarge", f"{num_bytes} bytes, expected at most {self.max_bytes}")


@dataclass(kw_only=True)
class Session:
    """A resumable upload under way, or finished."""

    resource: dict[str, Any]
    rules: Rules
    data: bytearray = field(default_factory=bytearray)
    is_finished: bool = False


class StrictStorage(Storage):
    """Objects in memory, for one request at a time."""

    def __init__(self, *, bucket: str, listener: Listener | None = None) -> None:
        super().__init__(use_memory_fs=True)
        self.listener = listener
        self.rules = Rules()
        self.sessions: dict[str, Session] = {}
        create_bucket(bucket, self)
        self.buckets[bucket]["softDeletePolicy"] = {"retentionDurationSeconds": "0"}

    def current(self, bucket: str, name: str) -> dict[str, Any] | None:
        """Return the resource of the object of a name."""
        try:
            return dict(self.get_file_obj(bucket, name))
        except NotFound:
            return None

    def create_file(
        self, bucket_name: str, file_name: str, content: bytes, file_obj: dict[str, Any], file_id: str | None = None
    ) -> None:
        """Write an object if the rules of its request or its session allow it, and tell of it."""
        rules = self.sessions[file_id].rules if file_id else self.rules
        before = self.current(bucket_name, file_name)
        rules.check(before, len(content))
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        generation = max(time.time_ns() // 1000, int(before["generation"]) + 1 if before else 0)
        file_obj |= {"generation": str(generation), "timeCreated": now, "updated": now, "size": str(len(content))}
        super().create_file(bucket_name, file_name, content, file_obj)
        if self.listener is not None:
            self.listener(dict(file_obj))

    def create_resumable_upload(self, bucket_name: str, file_name: str, file_obj: dict[str, Any]) -> str:
        """Begin a session."""
        if bucket_name not in self.buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        self.rules.check(self.current(bucket_name, file_name))
        session_id = secrets.token_urlsafe(24)
        self.sessions[session_id] = Session(resource=file_obj, rules=self.rules)
        return session_id

    def add_piece(self, session_id: str, piece: bytes, *, start: int | None, total: int | None, crc32c: str) -> Session:
        """Add to a session, or ask about it where ``start`` is ``None``; it is finished once it has ``total`` bytes."""
        session = self.sessions.get(session_id)
        if session is None:
            raise Refusal(404, "NoSuchUpload")
        if session.is_finished:
            return session
        if start is not None:
            if start > len(session.data):
                raise Refusal(503, "ServiceUnavailable", f"received byte {start}, expected byte {len(session.data)}")
            is_last = total is not None and start + len(piece) == total
            if not is_last and len(piece) % UNIT_BYTES:
                raise Refusal(400, "InvalidArgument", f"a piece of {len(piece)} bytes")
            session.data[start:] = piece
        if total is not None and len(session.data) == total:
            self._finish(session_id, session, crc32c)
        return session

    def keep_whole_units(self, session_id: str, piece: bytes, *, start: int) -> None:
        """Keep of a piece that broke off what Cloud Storage would have made durable."""
        session = self.sessions[session_id]
        session.data[start:] = piece[: len(piece) // UNIT_BYTES * UNIT_BYTES]

    def _finish(self, session_id: str, session: Session, crc32c: str) -> None:
        content = bytes(session.data)
        digest = base64.b64encode(google_crc32c.Checksum(content).digest()).decode()
        if crc32c not in ("", digest):
            raise Refusal(400, "BadDigest", f"received {crc32c}, expected {digest}")
        resource = objects._checksums(content, session.resource)
        try:
            self.create_file(resource["bucket"], resource["name"], content, resource, session_id)
        except Refusal:
            del self.sessions[session_id]
            raise
        session.is_finished = True
        session.data.clear()

    def _object_path(self, bucket_name: str, file_name: str) -> str:
        """Return a path of its own for every name: the emulator's takes ``a/b`` and ``a//b`` for one."""
        return f"{bucket_name}/{hashlib.sha256(file_name.encode()).hexdigest()}"

    def _write_config_to_file(self) -> None:
        """Save nothing: all is in memory, and lost with it."""
