"""Every error on every route has the one shape, and none of them tells what it should not."""

import itertools
import logging
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.api.error_code import OWN_ERRORS
from services.intake.app import create_app
from services.intake.job_request import parse_request
from shared.errors import Conflict, Transient, UserFault
from shared.web.address import PublicAddress
from tests.intake_fixture import PUBLIC_URL, IntakeFixture, bearer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW")
BODIES = {
    "nothing": {},
    "bad JSON": {"data": b"{", "content_type": "application/json"},
    "text": {"data": b"x", "content_type": "text/plain"},
    "large": {"data": b"x" * 100_000, "content_type": "application/json"},
    "bad length": {"headers": {"Content-Length": "many"}},
    "bad range": {"headers": {"Range": "bytes=9-3"}},
    "bad token": {"headers": {"Authorization": "Bearer \x7f\xe9"}},
}


def is_error_document(document: object) -> bool:
    if not isinstance(document, dict) or document.keys() != {"error"}:
        return False
    error = document["error"]
    texts = [error.get("code"), error.get("message"), error.get("fix")]
    return (
        error.keys() == {"code", "message", "fix", "details"}
        and all(isinstance(text, str) and text for text in texts)
        and isinstance(error["details"], dict)
    )


def paths_of(service: IntakeFixture) -> list[str]:
    made = service.submit()
    signed = made["upload"]["url"].removeprefix(PUBLIC_URL)
    job = f"/v1/jobs/{made['job_id']}"
    known = ["/", "/healthz", "/openapi.json", "/v1/jobs", job, f"{job}/cancel", f"{job}/model", signed]
    unknown = [
        "/nowhere",
        "/v1//jobs",
        "/v1/jobs/",
        f"{job}/weights",
        f"{signed}x",
        "/v1/objects/%00",
        "/v1/jobs/%ff?token=%ff",
    ]
    return known + unknown


@pytest.mark.parametrize("body", BODIES)
def test_every_route_answers_every_nonsense_in_the_one_shape(body):
    service = IntakeFixture()
    num_errors = 0
    for path, method in itertools.product(paths_of(service), METHODS):
        answer = service.http.open(path, method=method, **BODIES[body])
        assert answer.status_code < 500, (method, path)
        assert answer.content_type == "application/json", (method, path)
        if answer.status_code >= 400:
            num_errors += 1
            assert method == "HEAD" or is_error_document(answer.json), (method, path, answer.text)
    assert num_errors > 80


@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    content_type=st.sampled_from(
        ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain", ""]
    ),
)
def test_no_body_breaks_the_making_of_a_job(body, content_type):
    answer = FUZZED.http.post("/v1/jobs", data=body, content_type=content_type)
    assert 400 <= answer.status_code < 500
    assert is_error_document(answer.json)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(["email", "options", "epochs", "candidates", "budget_minutes", "seed", "tune_search", "x"])


@given(document=st.dictionaries(FIELDS, JSON_VALUES | st.just("ada@example.org"), max_size=6))
def test_no_field_breaks_the_making_of_a_job(document):
    answer = FUZZED.http.post("/v1/jobs", json=document)
    assert answer.status_code == 201 or is_error_document(answer.json)
    assert answer.status_code < 500


FUZZED = IntakeFixture()


class FailingStore:
    """A store whose product fails."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name):
        raise self.error


def app_over(store):
    service = IntakeFixture()
    routes = replace(service.job_routes, store=store)
    return create_app(routes, service.page_routes, service.link_routes).test_client()


def test_surprise_is_logged_with_its_traceback_and_tells_only_its_number(caplog):
    answer = app_over(FailingStore(RuntimeError("password hunter2"))).get("/v1/jobs/1?token=hush")
    assert answer.status_code == 500
    assert is_error_document(answer.json)
    incident = answer.json["error"]["details"]["incident"]
    assert "hunter2" not in answer.text
    [record] = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert incident in record.getMessage()
    assert "hunter2" in str(record.exc_info[1])


def test_store_that_does_not_answer_is_a_503_worth_another_try():
    answer = app_over(FailingStore(Transient("no answer from 10.0.0.7"))).get("/healthz")
    assert (answer.status_code, answer.json["error"]["code"]) == (503, "try_again")
    assert answer.headers["Retry-After"]
    assert "10.0.0.7" not in answer.text


def test_job_that_changes_again_and_again_is_a_conflict():
    service = IntakeFixture()
    made = service.submit()

    class Racing:
        """Somebody else always writes first."""

        def get(self, job_id):
            return service.store.get(job_id)

        def replace(self, stored, job, events=()):
            raise Conflict("written since")

    answer = app_over(Racing()).post(f"/v1/jobs/{made['job_id']}/cancel", headers=bearer(made))
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "conflict")


def test_the_log_line_of_a_request_names_its_job_also_where_the_address_does_not(caplog):
    caplog.set_level(logging.INFO)
    service = IntakeFixture()
    made = service.submit()
    service.status(made)
    lines = [each for each in caplog.records if each.name == "shared.web.access"]
    assert [(each.route, each.job_id) for each in lines] == [
        ("/v1/jobs", made["job_id"]),
        ("/v1/jobs/<job_id>", made["job_id"]),
    ]


def test_no_log_line_carries_a_token_a_signature_or_an_address(caplog):
    caplog.set_level(logging.DEBUG)
    service = IntakeFixture()
    made = service.submit()
    signed = made["upload"]["url"].removeprefix(PUBLIC_URL)
    service.http.get(f"/v1/jobs/{made['job_id']}?token={made['token']}")
    service.http.post(f"/v1/jobs/{made['job_id']}/cancel?token={made['token']}")
    service.http.get(f"/v1/jobs/{made['job_id']}/model?token={made['token']}")
    service.http.get(f"/nowhere?token={made['token']}")
    service.http.put(signed, data=b"x")
    service.http.put(signed + "x", data=b"x")
    logged = " ".join(str(record.__dict__) for record in caplog.records)
    assert caplog.records
    assert made["job_id"] in logged
    for secret in (made["token"], signed.rpartition("/")[2], "ada@example.org"):
        assert secret not in logged


def test_table_of_statuses_has_no_row_that_answers_with_success():
    assert all(400 <= status < 500 for status in OWN_ERRORS.status_of_code.values())


def test_a_request_for_another_host_is_told_the_right_one():
    service = IntakeFixture()
    address = PublicAddress(url="https://photos.example.org", served=frozenset({"photos.example.org"}))
    app = create_app(replace(service.job_routes, address=address), service.page_routes, service.link_routes)
    refused = app.test_client().get("/", headers={"Host": "trap.example"})
    assert (refused.status_code, refused.json["error"]["code"]) == (421, "wrong_host")
    assert "https://photos.example.org" in refused.json["error"]["fix"]
    assert app.test_client().get("/healthz", headers={"Host": "127.0.0.1:8080"}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        '{"email": "a@example.org", "email": "b@example.org"}',
        '{"email": "a@example.org", "options": {"epochs": 3, "epochs": 4}}',
    ],
)
def test_json_with_a_field_twice_is_told_so_and_not_guessed_at(body):
    service = IntakeFixture()
    answer = service.http.post("/v1/jobs", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "field_repeated")
    same = '{"email": "a@example.org", "email": "a@example.org"}'
    assert service.http.post("/v1/jobs", data=same, content_type="application/json").status_code == 201


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("ada@example.org\nBcc: eve@example.org", "it holds line breaks or control characters."),
        ("=?utf-8?q?ada?=@example.org", "it holds an encoded word, which is for names beside an address."),
        ("a" * 255 + "@example.org", "it has more than 254 characters."),
        ("ada.example.org", "An email address must have an @-sign."),
    ],
)
def test_what_is_wrong_with_an_address_is_told(address, why):
    with pytest.raises(UserFault) as caught:
        parse_request([{"email": address}])
    fault = caught.value.fault
    assert (fault.code, fault.details["field"]) == ("invalid_email", "email")
    assert fault.message == f"This is no e-mail address that a report can be sent to: {why}"
    assert fault.fix == "Send one plain address such as ada@example.org."


@pytest.mark.parametrize("length", [254, 255])
def test_an_address_may_have_as_many_characters_as_mail_servers_take(length):
    domain = ".".join(["b" * 60] * 3) + ".org"
    address = f"{'a' * (length - len(domain) - 1)}@{domain}"
    assert len(address) == length
    if length == 254:
        assert parse_request([{"email": address}]).email == address
    else:
        with pytest.raises(UserFault, match="more than 254"):
            parse_request([{"email": address}])


def test_a_field_with_two_values_names_it_and_the_language_of_the_person_is_a_default_only():
    with pytest.raises(UserFault, match="two values") as caught:
        parse_request([{"email": "a@example.org", "seed": 1}, {"seed": 2}])
    assert (caught.value.fault.details["field"], caught.value.fault.fix) == ("seed", "Send it once.")
    mail = {"email": "a@example.org"}
    told = [mail, {**mail, "language": "fr"}]
    assert [parse_request([fields], language="de").options.language for fields in told] == ["de", "fr"]
    assert parse_request([mail]).options.language == "en"


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ([{}], "email_missing", "email"),
        ([{"email": ""}], "email_missing", "email"),
        ([{"email": ["a@example.org", "b@example.org"]}], "field_repeated", "email"),
        ([{"email": 5}], "invalid_email", "email"),
        ([{"email": "a@example.org", "options": "epochs=3"}], "invalid_option", "options"),
    ],
)
def test_a_program_is_told_which_field_it_has_to_send_otherwise(fields, code, field):
    with pytest.raises(UserFault) as caught:
        parse_request(fields)
    assert (caught.value.fault.code, caught.value.fault.details["field"]) == (code, field)


def test_spaces_around_an_address_are_left_out_and_nothing_else_of_it():
    assert parse_request([{"email": "  Xavier.X@example.org "}]).email == "Xavier.X@example.org"


def test_a_form_whose_field_for_the_size_was_left_empty_tells_no_size():
    assert parse_request([{"email": "a@example.org", "size_bytes": ""}]).size_bytes is None


def test_the_size_of_an_archive_has_eighteen_digits_at_most():
    largest = 10**18 - 1
    assert parse_request([{"email": "a@example.org", "size_bytes": str(largest)}]).size_bytes == largest
    with pytest.raises(UserFault, match="size_bytes"):
        parse_request([{"email": "a@example.org", "size_bytes": largest + 1}])
