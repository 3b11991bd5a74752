import io
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from shared.adapters.embedded.signed_url import UrlSigner, chunks, receive
from shared.errors import NotFound, UserFault
from shared.ports.object_store import SignedRequest
from tests.bus_fixture import Ground
from tests.job_fixture import NOW

ZIP = "application/zip"
HOUR = timedelta(hours=1)


@pytest.fixture
def ground() -> Ground:
    return Ground()


def token_of(request: SignedRequest) -> str:
    return request.url.removeprefix("https://example.org/v1/objects/")


def signed(ground: Ground, *, max_bytes: int = 10) -> str:
    return token_of(ground.objects.sign_upload("up/ä.zip", content_type=ZIP, max_bytes=max_bytes, valid_for=HOUR))


def code_of(call: object) -> str:
    with pytest.raises(UserFault) as caught:
        call()
    assert caught.value.fault.fix
    return caught.value.fault.code


def test_a_token_carries_the_whole_grant(ground: Ground) -> None:
    grant = ground.signer.verify(signed(ground), "PUT", NOW)
    assert (grant.key, grant.content_type, grant.max_bytes) == ("up/ä.zip", ZIP, 10)
    assert grant.expires_at == NOW + HOUR
    download = ground.objects.sign_download("m.h5", filename="größe.h5", valid_for=HOUR)
    grant = ground.signer.verify(token_of(download), "GET", NOW)
    assert (grant.key, grant.filename) == ("m.h5", "größe.h5")


def test_a_url_is_plain_and_under_the_public_address() -> None:
    signer = UrlSigner(b"s", public_url="https://example.org/tailor/")
    request = signer.sign_upload("uploads/🐕/a b.zip", content_type=ZIP, max_bytes=1, valid_for=HOUR)
    parts = urlsplit(request.url)
    assert (parts.netloc, parts.query) == ("example.org", "")
    head, _, token = parts.path.rpartition("/")
    assert head == "/tailor/v1/objects"
    assert token.isascii()
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_a_url_ends_at_its_time(ground: Ground) -> None:
    token = signed(ground)
    assert ground.signer.verify(token, "PUT", NOW + HOUR - timedelta(microseconds=1))
    assert code_of(lambda: ground.signer.verify(token, "PUT", NOW + HOUR)) == "url_expired"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "put"])
def test_a_url_serves_its_method_only(ground: Ground, method: str) -> None:
    assert code_of(lambda: ground.signer.verify(signed(ground), method, NOW)) == "url_invalid"


def test_a_download_may_be_asked_about(ground: Ground) -> None:
    request = ground.objects.sign_download("m.h5", filename="m.h5", valid_for=HOUR)
    assert ground.signer.verify(token_of(request), "HEAD", NOW).key == "m.h5"


@pytest.mark.parametrize(
    "change", [lambda t: "", lambda t: t[1:], lambda t: t.upper(), lambda t: t + "A", lambda t: "é"]
)
def test_a_changed_token_is_invalid(ground: Ground, change: object) -> None:
    token = change(signed(ground))
    assert code_of(lambda: ground.signer.verify(token, "PUT", NOW)) == "url_invalid"


def test_another_secret_signs_another_url(ground: Ground) -> None:
    other = UrlSigner(b"other", public_url="https://example.org")
    assert code_of(lambda: other.verify(signed(ground), "PUT", NOW)) == "url_invalid"


@pytest.mark.parametrize(
    ("body", "content_type", "content_length", "code"),
    [
        (b"12345678901", ZIP, 11, "upload_too_large"),
        (b"12345678901", ZIP, None, "upload_too_large"),
        (b"12345678901", ZIP, 10, "upload_too_large"),
        (b"", ZIP, 0, "upload_empty"),
        (b"", ZIP, None, "upload_empty"),
        (b"123", ZIP, 9, "upload_incomplete"),
        (b"", ZIP, 9, "upload_incomplete"),
        (b"123", "text/plain", 3, "upload_wrong_type"),
        (b"123", "", 3, "upload_wrong_type"),
    ],
)
def test_a_refused_upload_has_its_reason_and_leaves_nothing(
    ground: Ground, body: bytes, content_type: str, content_length: int | None, code: str
) -> None:
    grant = ground.signer.verify(signed(ground), "PUT", NOW)

    def upload() -> None:
        receive(ground.objects, grant, io.BytesIO(body), content_type=content_type, content_length=content_length)

    assert code_of(upload) == code
    with pytest.raises(NotFound):
        ground.objects.stat("up/ä.zip")


class Unreadable(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        pytest.fail("a byte was read")


@pytest.mark.parametrize("content_length", [11, 10**12])
def test_an_upload_that_says_it_is_too_large_is_refused_before_a_byte_is_read(
    ground: Ground, content_length: int
) -> None:
    grant = ground.signer.verify(signed(ground), "PUT", NOW)
    upload = {"content_type": ZIP, "content_length": content_length}
    assert code_of(lambda: receive(ground.objects, grant, Unreadable(), **upload)) == "upload_too_large"


def test_a_second_upload_is_refused_before_a_byte_is_read(ground: Ground) -> None:
    grant = ground.signer.verify(signed(ground), "PUT", NOW)
    upload = {"content_type": ZIP, "content_length": 5}
    assert receive(ground.objects, grant, io.BytesIO(b"12345"), **upload).size_bytes == 5
    assert code_of(lambda: receive(ground.objects, grant, Unreadable(), **upload)) == "already_uploaded"
    assert ground.objects.read("up/ä.zip") == b"12345"


def test_of_two_uploads_at_once_the_first_to_finish_wins(ground: Ground) -> None:
    grant = ground.signer.verify(signed(ground), "PUT", NOW)

    class Overtaken(io.BytesIO):
        def read(self, size: int = -1) -> bytes:
            if not self.tell():
                receive(ground.objects, grant, io.BytesIO(b"fast"), content_type=ZIP, content_length=4)
            return super().read(size)

    upload = {"content_type": ZIP, "content_length": 4}
    assert code_of(lambda: receive(ground.objects, grant, Overtaken(b"slow"), **upload)) == "already_uploaded"
    assert ground.objects.read("up/ä.zip") == b"fast"


@pytest.mark.parametrize(
    ("start", "end"), [(0, None), (0, 10**9), (1 << 20, None), (5, 6), (7, 7), (1_048_575, 1_048_577)]
)
def test_chunks_are_the_bytes_of_one_generation(ground: Ground, start: int, end: int | None) -> None:
    data = bytes(range(256)) * 10_000
    stored = ground.objects.put("big", io.BytesIO(data), content_type=ZIP)
    pieces = list(chunks(ground.objects, stored, start, end))
    assert b"".join(pieces) == data[start:end]
    assert all(len(piece) <= 1 << 20 for piece in pieces)
    ground.objects.put("big", io.BytesIO(data), content_type=ZIP)
    if start != end:
        with pytest.raises(NotFound):
            list(chunks(ground.objects, stored, start, end))
