"""/openapi.json and the routes say the same, and what the routes answer is what it promises."""

import re
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from services.intake.api.description.operations import OPERATIONS
from shared.access.api_key import drawn_key
from shared.errors import Fault
from shared.job.job import JobState, Trial, TrialState
from shared.job.progress import Best, Progress
from tests.intake_fixture import PUBLIC_URL, IntakeFixture, bearer, small_archive

OF_PAGES = {each.path for each in OPERATIONS if each.path.startswith(("/operator", "/static"))}
OF_PAGES |= {"/docs", "/favicon.ico", "/robots.txt"}
"""They answer with pages and what belongs to them, and errors as all the others."""


@pytest.fixture(scope="module")
def service() -> IntakeFixture:
    return IntakeFixture()


@pytest.fixture(scope="module")
def document(service) -> dict:
    return service.http.get("/openapi.json").json


def test_every_route_is_described_and_nothing_else(service, document):
    routes = {
        (re.sub(r"<(?:[^<>]*:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in service.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == routes
    assert document["servers"] == [{"url": PUBLIC_URL}]


def test_every_reference_leads_to_a_schema_that_is_one(document):
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r"'#/components/schemas/(\w+)'", repr(document)))
    assert references <= schemas.keys()
    identifiers = [each["operationId"] for methods in document["paths"].values() for each in methods.values()]
    assert len(set(identifiers)) == len(identifiers)


def test_forms_are_promised_no_option_that_only_json_can_hold(service, document):
    content = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]
    takes = {}
    for media, each in content.items():
        name = each["schema"]["$ref"].rpartition("/")[2]
        takes[media] = "options" in document["components"]["schemas"][name]["properties"]
    assert takes == {
        "application/json": True,
        "application/x-www-form-urlencoded": False,
        "multipart/form-data": False,
    }
    assert service.http.post("/v1/jobs", json={"email": "a@example.org", "options": {"epochs": 3}}).status_code == 201


def test_forms_are_promised_no_null_which_none_can_hold(service, document):
    form = document["components"]["schemas"]["JobForm"]["properties"]
    assert "null" not in repr(form)
    assert "null" in repr(document["components"]["schemas"]["JobRequest"]["properties"]["max_cost"])
    refused = service.http.post("/v1/jobs", data={"email": "a@example.org", "max_cost": "null"})
    assert refused.json["error"]["code"] == "invalid_option"


def test_the_states_that_may_be_asked_for_are_named(document):
    [state] = [each for each in document["paths"]["/v1/jobs"]["get"]["parameters"] if each["name"] == "state"]
    assert set(state["schema"]["items"]["enum"]) == set(JobState)
    assert state["explode"] is False


def test_an_empty_address_in_the_query_is_none_and_promised_so(service, document):
    [email] = document["paths"]["/v1/jobs"]["post"]["parameters"]
    assert "format" not in email["schema"]
    assert service.http.post("/v1/jobs?email=", json={"email": "a@example.org"}).status_code == 201


def test_what_a_person_is_refused_on_a_page_may_be_a_page(document):
    told = document["paths"]["/operator/sign-in"]["post"]["responses"]["401"]["content"]
    assert set(told) == {"application/json", "text/html"}


def test_the_largest_size_that_is_promised_is_understood(service, document):
    size = document["components"]["schemas"]["JobForm"]["properties"]["size_bytes"]
    for told, code in ((size["maximum"], "upload_too_large"), (size["maximum"] + 1, "invalid_option")):
        answer = service.http.post("/v1/jobs", json={"email": "a@example.org", "size_bytes": told})
        assert answer.json["error"]["code"] == code


def validator(document: dict, path: str, method: str, status: int) -> Draft202012Validator:
    responses = document["paths"][path][method]["responses"]
    answer = responses[str(status)]  # a status that is not listed is a fault of the description
    media = answer["content"]["application/json"]
    return Draft202012Validator({**media["schema"], "components": document["components"]})


def answers_to_operators(service: IntakeFixture, made: dict, operator: dict):
    """Yield what an operator is answered about a job that failed, and leave it with nothing to come."""
    path, template = f"/v1/jobs/{made['job_id']}/retry", "/v1/jobs/{job_id}/retry"
    yield "/v1/disk", service.http.get("/v1/disk", headers=operator)
    yield "/v1/disk", service.http.get("/v1/disk", headers=bearer(made))
    yield template, service.http.post(path, headers=operator)
    service.move(made, mail_fault=Fault(code="c", message="m", fix="f"), mailed_at=None)
    yield template, service.http.post(path, headers=operator)
    service.move(made, mailed_at=service.clock())


def answers(service: IntakeFixture):
    """Yield real answers of every operation, good and bad."""
    http = service.http
    for path in ("/", "/healthz", "/openapi.json"):
        yield path, http.get(path)
    yield "/v1/jobs", http.post("/v1/jobs", json={})
    yield "/v1/estimate", http.get("/v1/estimate?num_images=5")
    yield "/v1/estimate", http.get("/v1/estimate?num_images=x")
    text, key = drawn_key("operator", service.clock(), is_operator=True)
    service.access.put_key(key)
    yield "/v1/jobs", http.get("/v1/jobs")
    yield "/metrics", http.get("/metrics")
    yield "/v1/jobs", http.get("/v1/jobs?hours=2", headers={"Authorization": f"Bearer {text}"})
    yield "/v1/jobs", http.post("/v1/jobs", data=b"x", content_type="text/plain")
    yield "/v1/jobs", http.post("/v1/jobs", data=b"x" * 100_000, content_type="application/json")
    submitted = http.post("/v1/jobs", json={"email": "ada@example.org"})
    yield "/v1/jobs", submitted
    made, job, job_path = submitted.json, f"/v1/jobs/{submitted.json['job_id']}", "/v1/jobs/{job_id}"
    signed = made["upload"]["url"].removeprefix(PUBLIC_URL)
    objects_path = "/v1/objects/{signature}"
    yield objects_path, http.put(signed, data=b"x", content_type="text/plain")
    yield objects_path, service.upload(made, small_archive())
    yield objects_path, service.upload(made, small_archive())
    yield objects_path, http.get(signed)
    yield job_path, http.get(job)
    yield job_path, http.get(f"{job}?token=x")
    yield job_path, http.get(job, headers=bearer(made))
    service.handle_uploads()
    artefact_path = f"{job_path}/{{artefact}}"
    yield artefact_path, http.get(f"{job}/model", headers=bearer(made))
    yield artefact_path, http.get(f"{job}/model?format=x", headers=bearer(made))
    best = Best(candidate="tiny", val_accuracy=0.5)
    progress = Progress(phase="tune", eta_s=1.5, best=best)
    trial = Trial(name="screen/tiny", state=TrialState.SKIPPED, reason="no weights")
    service.move(made, JobState.TRAINING, progress=progress, trials=(trial,), device="CPU")
    yield job_path, http.get(job, headers=bearer(made))
    yield f"{job_path}/cancel", http.post(f"{job}/cancel", headers=bearer(made))
    fault = Fault(code="c", message="m", fix="f", details={"files": ["a"]})
    service.move(made, JobState.FAILED, fault=fault)
    yield job_path, http.get(job, headers=bearer(made))
    yield f"{job_path}/cancel", http.post(f"{job}/cancel", headers=bearer(made))
    yield artefact_path, http.get(f"{job}/report", headers=bearer(made))
    yield f"{job_path}/retrain", http.post(f"{job}/retrain", headers=bearer(made), json={"corrections": []})
    yield f"{job_path}/links", http.post(f"{job}/links?hours=x", headers=bearer(made))
    yield f"{job_path}/links", http.post(f"{job}/links?hours=24", headers=bearer(made))
    yield from answers_to_operators(service, made, {"Authorization": f"Bearer {text}"})
    yield job_path, http.delete(job, headers=bearer(made))
    yield objects_path, http.post(signed)
    yield "/v1/links/{link}", http.get("/v1/links/x")
    yield "/v1/confirm/{link}", http.get("/v1/confirm/x")
    yield "/v1/confirm/{link}", http.post("/v1/confirm/x")


def test_real_answers_are_what_is_promised(service, document):
    met = set()
    for path, answer in answers(service):
        method = answer.request.method.lower()
        met.add((path, method))
        assert list(validator(document, path, method, answer.status_code).iter_errors(answer.json)) == [], answer.text
    assert met == {(each.path, each.method) for each in OPERATIONS if each.path not in OF_PAGES}


def test_what_is_promised_is_not_everything(document):
    job = validator(document, "/v1/jobs/{job_id}", "get", 200)
    assert not job.is_valid({})
    assert not job.is_valid({"error": {}})
    assert not validator(document, "/v1/jobs", "post", 400).is_valid({"error": {"code": "c"}})


def test_app_imports_without_what_only_trainer_and_reporter_need():
    program = (
        "import sys, services.intake.app, services.intake.bootstrap;"
        "print([each for each in ('tensorflow', 'keras', 'numpy', 'matplotlib', 'PIL') if each in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
