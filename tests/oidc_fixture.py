"""A stand-in for Google's account service: it has keys, serves their certificates and makes tokens."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.http_fixture import Asked, HttpServer, Reply, served

AUDIENCE = "https://intake.example/push"
ACCOUNT = "pusher@project.iam.gserviceaccount.com"
KEY_ID = "key-1"


class Issuer:
    """Makes tokens.

    Args:
        key: Signs; a new one by default.
    """

    def __init__(self, key: rsa.RSAPrivateKey | None = None) -> None:
        self.key = key or rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def certificate(self) -> str:
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer.test")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    def token(self, *, algorithm: str = "RS256", key_id: str = KEY_ID, **changes: Any) -> str:
        """Return a token as Pub/Sub sends it, with changed claims; ``None`` leaves one out."""
        now = int(time.time())
        claims = {
            "aud": AUDIENCE,
            "azp": "1234567890",
            "email": ACCOUNT,
            "email_verified": True,
            "exp": now + 3600,
            "iat": now,
            "iss": "https://accounts.google.com",
            "sub": "1234567890",
            **changes,
        }
        header = {"alg": algorithm, "kid": key_id, "typ": "JWT"}
        given = {name: value for name, value in claims.items() if value is not None}
        signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(given).encode())}"
        if algorithm == "none":
            return f"{signed}."
        return f"{signed}.{_part(self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@contextmanager
def served_certificates(issuer: Issuer) -> Iterator[HttpServer]:
    """Serve an issuer's certificates as Google does, with leave to keep them."""
    document = json.dumps({KEY_ID: issuer.certificate()}).encode()

    def reply(_asked: Asked) -> Reply:
        headers = {"Content-Type": "application/json", "Cache-Control": "public, max-age=20000, must-revalidate"}
        return Reply(body=document, headers=headers)

    with served(reply) as server:
        yield server


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
