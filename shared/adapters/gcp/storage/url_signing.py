"""V4 signed URLs of a bucket: by the key of the credentials where they have one, else by IAM's signBlob.

On Cloud Run and Compute Engine there is no key file; the service account needs the role
``roles/iam.serviceAccountTokenCreator`` on the account that signs, usually itself.
Source: https://cloud.google.com/storage/docs/access-control/signed-urls
"""

import functools
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import google.auth
from google.auth.credentials import Signing
from google.auth.iam import Signer
from google.auth.transport.requests import Request
from google.oauth2 import service_account

from shared.errors import Transient

MAX_VALID_FOR = timedelta(days=7)
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_S = 10.0
_UNKNOWN_ACCOUNT = "default"
"""What the metadata server's credentials call their account until their first refresh."""


class UrlSigning:
    """Signs requests for objects; looks for credentials when the first one is asked for.

    Args:
        signer: E-mail of the service account that signs; ``None`` for that of the credentials.
        credentials: ``None`` for Google's application default credentials.
        request: How IAM is reached; ``None`` for HTTPS.
    """

    def __init__(self, *, signer: str | None = None, credentials: Any = None, request: Any = None) -> None:
        self._signer = signer
        self._given = credentials
        self._request = request
        self._signing: Any = None
        self._lock = threading.Lock()

    def sign(
        self,
        blob: Any,
        *,
        method: str,
        valid_for: timedelta,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> str:
        """Return a URL that allows one method on an object until it expires.

        Args:
            blob: The object, of google-cloud-storage.
            method: HTTP method.
            valid_for: 1 second to 7 days.
            headers: Headers that the request must carry exactly so.
            query: Further query parameters that are signed too.

        Raises:
            Transient: If the credentials cannot sign.
            ValueError: If the time is out of range.
        """
        if not timedelta(seconds=1) <= valid_for <= MAX_VALID_FOR:
            raise ValueError(f"received valid_for={valid_for}, expected 1 second to 7 days: V4 signatures end then")
        url: str = blob.generate_signed_url(
            version="v4",
            method=method,
            expiration=valid_for,
            headers=dict(headers or {}),  # the library adds to what it is given
            query_parameters=dict(query or {}),
            credentials=self._credentials(),
        )
        return url

    def _credentials(self) -> Any:
        with self._lock:
            if self._signing is None:
                self._signing = self._find()
            return self._signing

    def _find(self) -> Any:
        """Return credentials that can sign: those at hand, or ones that let IAM do it."""
        credentials = self._given or google.auth.default(scopes=[_SCOPE])[0]
        if isinstance(credentials, Signing) and self._signer in (None, credentials.signer_email):
            return credentials
        request = functools.partial(self._request or Request(), timeout=_TIMEOUT_S)
        email = self._signer or _account_of(credentials, request)
        # The access token is fetched, and renewed where it has expired, with every signature.
        return service_account.Credentials(Signer(request, credentials, email), email, token_uri="")


def _account_of(credentials: Any, request: Any) -> str:
    """Return the service account of credentials that have no key."""
    email = getattr(credentials, "service_account_email", None)
    if email == _UNKNOWN_ACCOUNT:
        credentials.refresh(request)
        email = credentials.service_account_email
    if not email:
        raise Transient(
            f"credentials of type {type(credentials).__name__} cannot sign URLs, expected those of a service account; "
            "set CONVTAILOR_GCP_SIGNER to the e-mail of one that this account may impersonate"
        )
    return str(email)
