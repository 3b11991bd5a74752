"""Google's OIDC tokens, which Pub/Sub and Cloud Scheduler send with every request.

Google's library checks signature, expiry and audience. It takes every account that Google knows, unverified addresses
and, where none is asked for, any audience; the rest is checked here.
"""

import json
from functools import partial
from typing import Any

import requests
from cachecontrol import CacheControl
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request
from google.oauth2 import id_token

from shared.errors import Transient
from shared.messaging.push import CallerRefused, TokenRefused

CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"
_ISSUERS = frozenset({"accounts.google.com", "https://accounts.google.com"})
_CLOCK_SKEW_S = 10
_TIMEOUT_S = 10.0


class OidcVerifier:
    """Takes the tokens of one service account; see :class:`shared.messaging.push.TokenVerifier`.

    Certificates are kept for as long as Google's ``Cache-Control`` says, some hours.

    Args:
        audience: What tokens have to be made for.
        account: E-mail of the service account.
        certs_url: Where Google's certificates are.
        timeout_s: Longest wait for them.

    Raises:
        ValueError: If audience or account is empty, which would let everybody in.
    """

    def __init__(
        self, audience: str, account: str, *, certs_url: str = CERTS_URL, timeout_s: float = _TIMEOUT_S
    ) -> None:
        if not audience or not account:
            raise ValueError(f"received audience {audience!r} and account {account!r}, expected both")
        self._audience, self._account, self._certs_url = audience, account, certs_url
        self._request = partial(Request(CacheControl(requests.Session())), timeout=timeout_s)

    def verify(self, token: str) -> None:
        """Return if the token is the account's; see :class:`shared.messaging.push.TokenVerifier`."""
        claims = self._claims(token)
        if claims.get("iss") not in _ISSUERS:
            raise TokenRefused("it was issued by somebody else than Google")
        if claims.get("email_verified") is not True:
            raise CallerRefused("its e-mail address is not verified")
        if claims.get("email") != self._account:
            raise CallerRefused(f"it is the token of {claims.get('email')!r}, expected {self._account!r}")

    def _claims(self, token: str) -> dict[str, Any]:
        """Return what a token says whose signature, expiry and audience are right."""
        try:
            claims: dict[str, Any] = id_token.verify_token(
                token,
                self._request,
                audience=self._audience,
                certs_url=self._certs_url,
                clock_skew_in_seconds=_CLOCK_SKEW_S,
            )
        except (TransportError, json.JSONDecodeError) as error:
            raise Transient(f"the certificates at {self._certs_url} cannot be had: {error}") from error
        except (GoogleAuthError, ValueError, TypeError, RecursionError) as error:
            # The library's own text may quote the token, so neither it nor the chain goes into a log.
            raise TokenRefused(f"its signature, expiry or audience is wrong ({type(error).__name__})") from None
        return claims
