"""An upload in pieces: it goes on behind what has arrived, whatever broke in between, and becomes one object."""

import io
from datetime import timedelta
from functools import partial

import pytest

from services.intake.api.error_code import OWN_ERRORS
from services.intake.settings import IntakeSettings
from services.intake.uploads import ObjectRoutes
from shared.backends import open_backends
from shared.errors import Transient
from shared.layout import archive_key
from shared.ports.object_store import RESUMABLE_FROM_BYTES
from shared.web.app import make_app
from tests.job_fixture import HandClock

SIZE = 3_000_000
DATA = bytes(range(256)) * (SIZE // 256)
KEY = archive_key("ab" * 16)


class Uploads:
    """Signed URLs over a folder, as intake serves them."""

    def __init__(self, folder):
        self.backends = open_backends(
            IntakeSettings(data_dir=folder, public_url="http://intake.test"), clock=HandClock()
        )
        self.heard = []
        routes = ObjectRoutes(
            signer=self.backends.url_signer,
            objects=self.backends.object_store,
            clock=HandClock(),
            check=lambda _: None,
            on_stored=self.heard.append,
            partials=self.backends.partial_uploads,
        )
        app = make_app("test", OWN_ERRORS)
        app.register_blueprint(routes.blueprint())
        self.http = app.test_client()

    def begin(self):
        signed = self.backends.object_store.sign_upload(
            KEY,
            content_type="application/zip",
            max_bytes=len(DATA),
            valid_for=timedelta(hours=1),
            size_bytes=RESUMABLE_FROM_BYTES + 1,
        )
        assert signed.method == "POST"
        self.url = signed.url.removeprefix("http://intake.test")
        answer = self.http.post(self.url, headers=signed.headers)
        assert answer.status_code == 201, answer.text
        return partial(self.put, answer.headers["Location"])

    def put(self, session, content_range, data=b""):
        return self.http.put(session, data=data, headers={"Content-Range": content_range})


@pytest.fixture
def uploads(tmp_path):
    return Uploads(tmp_path)


def test_pieces_become_the_archive_once_the_last_has_come(uploads):
    put = uploads.begin()
    half = len(DATA) // 2
    first = put(f"bytes 0-{half - 1}/*", DATA[:half])
    assert (first.status_code, first.headers["Range"]) == (308, f"bytes=0-{half - 1}")
    assert uploads.heard == []
    last = put(f"bytes {half}-{len(DATA) - 1}/{len(DATA)}", DATA[half:])
    assert (last.status_code, last.json["size_bytes"]) == (200, len(DATA))
    assert uploads.backends.object_store.read(KEY) == DATA
    assert [each.key for each in uploads.heard] == [KEY]


def test_a_piece_that_was_sent_before_is_not_kept_twice_and_a_gap_is_asked_for(uploads):
    put = uploads.begin()
    put("bytes 0-999/*", DATA[:1000])
    assert put("bytes 500-1499/*", DATA[500:1500]).headers["Range"] == "bytes=0-1499"
    assert put("bytes 9000-9999/*", DATA[9000:10000]).headers["Range"] == "bytes=0-1499"
    assert put("bytes */*").headers["Range"] == "bytes=0-1499"
    put(f"bytes 1500-{len(DATA) - 1}/{len(DATA)}", DATA[1500:])
    assert uploads.backends.object_store.read(KEY) == DATA


def test_one_who_asks_before_anything_has_come_is_told_to_begin(uploads):
    answer = uploads.begin()("bytes */*")
    assert (answer.status_code, "Range" in answer.headers) == (308, False)


def test_the_answer_to_the_last_piece_may_be_lost_and_asked_for_again(uploads):
    put = uploads.begin()
    span = f"bytes 0-{len(DATA) - 1}/{len(DATA)}"
    assert put(span, DATA).status_code == 200
    assert put(span, DATA).status_code == 200
    assert put(f"bytes */{len(DATA)}").status_code == 200
    assert put("bytes */*").status_code == 200
    assert len(uploads.heard) == 1


def test_an_upload_goes_on_after_the_service_was_started_again(uploads, tmp_path):
    put = uploads.begin()
    put("bytes 0-999/*", DATA[:1000])
    again = Uploads(tmp_path)
    session = put.args[0]
    assert again.put(session, "bytes */*").headers["Range"] == "bytes=0-999"
    assert again.put(session, f"bytes 1000-{len(DATA) - 1}/{len(DATA)}", DATA[1000:]).status_code == 200


def test_what_arrived_of_a_piece_that_broke_off_stays(uploads):
    class Breaking(io.BytesIO):
        def read(self, size=-1):
            data = super().read(min(size, 700))
            if not data:
                raise ConnectionResetError
            return data

    partials = uploads.backends.partial_uploads
    session = partials.begin()
    with pytest.raises(Transient):
        partials.add(session, 0, Breaking(DATA[:2000]))
    assert partials.num_held(session) == 2000


@pytest.mark.parametrize(
    ("span", "code"),
    [
        ("", "invalid_content_range"),
        ("bytes 5-4/*", "invalid_content_range"),
        ("bytes 0-9/5", "invalid_content_range"),
        ("items 0-9/*", "invalid_content_range"),
        (f"bytes {len(DATA)}-{len(DATA) + 9}/*", "upload_too_large"),
        (f"bytes 0-9/{len(DATA) + 1}", "upload_too_large"),
    ],
)
def test_a_piece_that_cannot_be_taken_is_refused_with_a_way_on(uploads, span, code):
    answer = uploads.begin()(span, DATA[:10])
    assert answer.json["error"]["code"] == code
    assert answer.json["error"]["fix"]


def test_a_second_archive_is_refused_before_a_byte_is_sent(uploads):
    put = uploads.begin()
    put(f"bytes 0-{len(DATA) - 1}/{len(DATA)}", DATA)
    headers = {"Content-Type": "application/zip", "x-goog-resumable": "start"}
    assert uploads.http.post(uploads.url, headers=headers).json["error"]["code"] == "already_uploaded"


def test_a_session_opens_nothing_but_its_own_upload(uploads):
    session = uploads.begin().args[0]
    assert uploads.http.get(session).json["error"]["code"] == "url_invalid"
    assert uploads.http.post(session).json["error"]["code"] == "url_invalid"
    assert uploads.http.put(uploads.url, data=b"x").json["error"]["code"] == "url_invalid"
