"""The metadata server that containers see: tokens of the trainer's account, and nothing of the machine's own.

It answers what Google's libraries ask on Compute Engine, and whether the machine is being taken away. The machine's
account may impersonate the trainer's; the trainer's may not do what the machine's may, such as resize the group.
Standard library only: it runs on the machine, outside every container.

Source: https://cloud.google.com/compute/docs/metadata/predefined-metadata-keys,
https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
"""

import json
import os
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FLAVOUR = "Metadata-Flavor"
ROOT = "/computeMetadata/v1/"
SPARE_S = 300
"""A token that ends sooner is fetched anew: libraries ask minutes ahead, and would get the same one again."""
ANSWER_S = 20
FORWARDED = ("instance/preempted", "project/project-id", "project/numeric-project-id", "universe/universe-domain")
"""What the real server is asked for and containers may know."""


class Identity:
    """Tokens of one account, fetched with the machine's own.

    Args:
        account: E-mail of the account whose tokens are handed out.
        scopes: What they are good for at most.
        metadata_url: The real metadata server.
        iam_url: Google's IAM credentials API.
    """

    def __init__(self, account: str, scopes: list[str], *, metadata_url: str, iam_url: str) -> None:
        self.account = account
        self.scopes = scopes
        self._metadata_url = metadata_url
        self._iam_url = iam_url
        self._lock = threading.Lock()
        self._token = ""
        self._expires_at_s = 0.0

    def token(self) -> dict[str, object]:
        """Return a token as the metadata server would.

        Raises:
            OSError: If Google does not answer or refuses.
        """
        with self._lock:
            if self._expires_at_s - time.time() < SPARE_S:
                self._fetch()
            left_s = int(self._expires_at_s - time.time())
            return {"access_token": self._token, "expires_in": left_s, "token_type": "Bearer"}

    def ask(self, path: str, query: str = "") -> tuple[bytes, Message]:
        """Ask the real metadata server.

        Raises:
            OSError: If it does not answer or refuses.
        """
        url = f"{self._metadata_url}{ROOT}{path}" + (f"?{query}" if query else "")
        return _sent(urllib.request.Request(url, headers={FLAVOUR: "Google"}))  # noqa: S310 - the operator's own address

    def _fetch(self) -> None:
        own, _ = self.ask("instance/service-accounts/default/token")
        body = json.dumps({"scope": self.scopes, "lifetime": "3600s"}).encode()
        request = urllib.request.Request(  # noqa: S310 - likewise
            f"{self._iam_url}/v1/projects/-/serviceAccounts/{self.account}:generateAccessToken",
            data=body,
            headers={"Authorization": f"Bearer {json.loads(own)['access_token']}", "Content-Type": "application/json"},
        )
        answer = json.loads(_sent(request)[0])
        self._token = answer["accessToken"]
        self._expires_at_s = datetime.fromisoformat(answer["expireTime"]).timestamp()


def _sent(request: urllib.request.Request) -> tuple[bytes, Message]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=ANSWER_S) as response:
        return response.read(65536), response.headers


class Handler(BaseHTTPRequestHandler):
    """One request of a container."""

    protocol_version = "HTTP/1.1"
    timeout = 60
    server: "IdentityServer"

    def do_GET(self) -> None:
        """Answer what is known; everything else is 404."""
        path, _, query = self.path.partition("?")
        if path == "/":  # whoever looks for a metadata server looks for the header of the answer
            self._answer(200, b"computeMetadata/\n", "application/text")
        elif self.headers.get(FLAVOUR) != "Google" or "X-Forwarded-For" in self.headers:
            self._answer(403, b"the header Metadata-Flavor: Google is missing\n", "text/plain")
        else:
            self._tell(urllib.parse.unquote(path).removeprefix(ROOT), query)

    def _tell(self, path: str, query: str) -> None:
        accounts = [f"instance/service-accounts/{name}/" for name in ("default", self.server.identity.account)]
        account = next((each for each in accounts if path.startswith(each)), None)
        try:
            if path in FORWARDED:
                body, headers = self.server.identity.ask(path, query)
                self._answer(200, body, "application/text", etag=headers.get("ETag"))
            elif account is not None:
                self._tell_account(path.removeprefix(account), query)
            else:
                self._refuse()
        except OSError as error:
            sys.stderr.write(f"convtailor-identity: {path}: {error}\n")
            self._answer(503, b"Google did not answer\n", "text/plain")

    def _tell_account(self, wanted: str, query: str) -> None:
        identity = self.server.identity
        if wanted == "token":
            self._answer_json(identity.token())
        elif wanted == "email":
            self._answer(200, identity.account.encode(), "application/text")
        elif wanted == "scopes":
            self._answer(200, "\n".join(identity.scopes).encode(), "application/text")
        elif not wanted and "recursive=true" in query.lower():
            self._answer_json({"aliases": ["default"], "email": identity.account, "scopes": identity.scopes})
        else:
            self._refuse()

    def _refuse(self) -> None:
        self._answer(404, b"not for containers\n", "text/plain")

    def _answer_json(self, document: Mapping[str, object]) -> None:
        self._answer(200, json.dumps(document).encode(), "application/json")

    def _answer(self, status: int, body: bytes, content_type: str, *, etag: str | None = None) -> None:
        self.send_response(status)
        self.send_header(FLAVOUR, "Google")
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if etag is not None:
            self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing of the thousands of requests that go well."""


class IdentityServer(ThreadingHTTPServer):
    """Listens; ``serve_forever`` has it answer."""

    def __init__(self, address: str, port: int, identity: Identity) -> None:
        super().__init__((address, port), Handler)
        self.identity = identity


def main(environ: Mapping[str, str]) -> None:
    """Serve until killed."""
    identity = Identity(
        environ["ACCOUNT"],
        environ["SCOPES"].split(),
        metadata_url=environ.get("METADATA_URL", "http://metadata.google.internal"),
        iam_url=environ.get("IAM_URL", "https://iamcredentials.googleapis.com"),
    )
    port = int(environ.get("PORT", "8089"))
    IdentityServer(environ.get("ADDRESS", "10.250.0.1"), port, identity).serve_forever()


if __name__ == "__main__":
    main(os.environ)
