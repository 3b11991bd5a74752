"""A service account with a key of its own, made for tests."""

import json
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


@dataclass(frozen=True, kw_only=True)
class ServiceAccount:
    """An e-mail address and its private key."""

    email: str
    key: rsa.RSAPrivateKey

    @classmethod
    def make(cls, email: str) -> "ServiceAccount":
        return cls(email=email, key=rsa.generate_private_key(public_exponent=65537, key_size=2048))

    @classmethod
    def read(cls, path: Path) -> "ServiceAccount":
        """Read a key file as Google hands them out."""
        told = json.loads(path.read_text())
        key = load_pem_private_key(told["private_key"].encode(), None)
        assert isinstance(key, rsa.RSAPrivateKey)
        return cls(email=told["client_email"], key=key)

    def info(self, *, token_uri: str = "http://127.0.0.1:1/token") -> dict[str, str]:
        """Return what a key file holds."""
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        return {
            "type": "service_account",
            "project_id": "demo",
            "private_key_id": "1",
            "private_key": pem,
            "client_email": self.email,
            "client_id": "1",
            "token_uri": token_uri,
        }

    def write(self, path: Path) -> Path:
        """Write a key file for ``GOOGLE_APPLICATION_CREDENTIALS``."""
        path.write_text(json.dumps(self.info()))
        return path
