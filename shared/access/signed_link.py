"""Links of our own for mails: what they allow and until when, under a MAC whose key can be replaced. Pure.

A signed URL of Google's is good for twelve hours, since the keys behind it rotate; a link in a mail has to work for
days. So mails carry a link to intake, which checks it here and redirects to a fresh signed URL. Intake needs no look-up
to know whether a link is its own, and whoever has the link needs no token.

Source: https://cloud.google.com/storage/docs/authentication/creating-signatures
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from itsdangerous import BadData, URLSafeSerializer
from pydantic import ValidationError

from shared.errors import UserFault
from shared.json_codec import from_json, to_json
from shared.layout import Artefact

_PURPOSE = "convtailor link, version 1"
MIN_KEY_CHARACTERS = 32


class LinkKind(StrEnum):
    """What a link is for; one that was made for one thing is good for no other."""

    FETCH = "fetch"
    CONFIRM = "confirm"


PATHS = {LinkKind.FETCH: "/v1/links/", LinkKind.CONFIRM: "/v1/confirm/"}
"""Where intake serves each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkGrant:
    """What one link allows until it expires.

    Args:
        kind: What it is for.
        job_id: Of which job.
        expires_at: When it ends.
        artefact: What may be fetched; ``None`` where nothing is.
    """

    kind: LinkKind
    job_id: str
    expires_at: datetime
    artefact: Artefact | None = None


class SignedLinks:
    """Makes and checks links.

    Args:
        keys: Keys of the MAC, the oldest first: the last one signs, all of them are good for links made before it.
            Whoever knows one can forge links.
        public_url: Address under which people reach intake.

    Raises:
        ValueError: If there is no key, or one that is too short to be secret.
    """

    def __init__(self, keys: Sequence[str], *, public_url: str) -> None:
        if not keys or any(len(key) < MIN_KEY_CHARACTERS for key in keys):
            lengths = [len(key) for key in keys]
            raise ValueError(f"received keys of {lengths} characters, expected {MIN_KEY_CHARACTERS} or more each")
        self._serializer = URLSafeSerializer(
            list(keys), salt=_PURPOSE, signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        )
        self._address = public_url.rstrip("/")

    def url(self, grant: LinkGrant) -> str:
        """Return the whole address of a link."""
        return f"{self._address}{PATHS[grant.kind]}{self._serializer.dumps(to_json(grant))!s}"

    def verify(self, token: str, kind: LinkKind, now: datetime) -> LinkGrant:
        """Return what a link allows.

        Args:
            token: The last segment of its path.
            kind: What it is used for.
            now: The present moment.

        Raises:
            UserFault: ``url_invalid`` if the link was not made here, or for something else; ``url_expired`` if its time
                is over.
        """
        try:
            grant = from_json(LinkGrant, self._serializer.loads(token))
        except (BadData, ValidationError) as error:
            raise _invalid() from error
        if grant.kind is not kind:
            raise _invalid()
        if now >= grant.expires_at:
            raise UserFault(
                "url_expired",
                f"The link was valid until {grant.expires_at:%Y-%m-%d %H:%M} UTC.",
                fix="Ask the job itself with its token (convtailor fetch), or submit the archive again.",
                details={"expires_at": to_json(grant)["expires_at"]},
            )
        return grant


def _invalid() -> UserFault:
    return UserFault(
        "url_invalid",
        "The link is not one that this service made.",
        fix="Open it from the mail, whole: mail programs sometimes break long links.",
    )
