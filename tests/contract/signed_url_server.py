"""Serves signed requests as intake does, without HTTP."""

import io
from datetime import datetime

from shared.adapters.embedded.signed_url import UrlSigner, chunks, receive
from shared.errors import NotFound, UserFault
from shared.ports.object_store import ObjectStore, SignedRequest
from tests.contract.object_store_contract import Answer


def serve(signer: UrlSigner, store: ObjectStore, request: SignedRequest, body: bytes, *, now: datetime) -> Answer:
    token = request.url.rpartition("/v1/objects/")[2]
    try:
        grant = signer.verify(token, request.method, now)
        if request.method == "PUT":
            receive(store, grant, io.BytesIO(body), content_type=request.headers["Content-Type"], content_length=None)
            return Answer(ok=True)
        return Answer(ok=True, body=b"".join(chunks(store, store.stat(grant.key))), filename=grant.filename)
    except (UserFault, NotFound):
        return Answer(ok=False)
