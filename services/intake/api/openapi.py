"""The API described as OpenAPI 3.1; its schemas are generated from the types that the routes answer with."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from services.intake.api.document import (
    Health,
    JobCreated,
    JobRetrained,
    JobStatus,
    ServiceCard,
    SignedLink,
    UploadReceipt,
)
from services.intake.api.operator_document import JobList
from services.intake.job_request import MAX_SIZE_DIGITS
from services.intake.overview.disk import DiskUse
from services.intake.overview.estimate import Estimate
from services.intake.overview.listing import Order
from shared.job.job import JobState
from shared.job.options import JobOptions
from shared.job.retraining.correction import MAX_CORRECTIONS
from shared.json_codec import adapter
from shared.web.error_reply import ErrorDocument

_JSON, _HTML = "application/json", "text/html"
_SCHEMA_REF = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    Args:
        path: Path template.
        method: In lower case.
        summary: One sentence.
        answers: Type of the answer by status, ``None`` for bytes, ``str`` for a page.
        errors: Further statuses; each is answered with an error document.
        parameters: In query and headers; those of the path are found in it.
        body: The request body, if any.
        needs_token: Whether the job's token is asked for.
        takes_key: Whether an API key may be shown; a service may require one.
        opens_to_operators: Whether an operator's API key does instead of the token.
        needs_operator: Whether an operator's API key is asked for.
    """

    path: str
    method: str
    summary: str
    answers: Mapping[int, type[Any] | None]
    errors: tuple[int, ...] = ()
    parameters: tuple[Mapping[str, Any], ...] = ()
    body: Mapping[str, Any] | None = None
    needs_token: bool = False
    takes_key: bool = False
    needs_operator: bool = False
    opens_to_operators: bool = False


def _query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


def _media(*types: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {each: {"schema": schema} for each in types}}


def _ref(cls: type[Any]) -> dict[str, str]:
    return {"$ref": _SCHEMA_REF.format(model=cls.__name__)}


_BINARY = {"type": "string", "format": "binary"}
_RANGE = {"name": "Range", "in": "header", "description": "Part of the object.", "schema": {"type": "string"}}
_MODEL_FORMAT = _query(
    "format",
    "Format of the model.",
    enum=["h5", "keras", "onnx", "tflite", "tflite_float16", "zip"],
    default="h5",
)
ARTEFACTS = ("labels", "model", "predict", "report", "result", "strangers")
_REQUEST = {"$ref": _SCHEMA_REF.format(model="JobRequest")}
_FORM = {"$ref": _SCHEMA_REF.format(model="JobForm")}
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Of your choosing: asked again with it, the same job is answered. The corrections count without.",
    "schema": {"type": "string", "maxLength": 255},
}
_CORRECTIONS = {
    "type": "object",
    "required": ["corrections"],
    "properties": {
        "corrections": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_CORRECTIONS,
            "items": {
                "type": "object",
                "required": ["path", "move_to"],
                "properties": {
                    "path": {"type": "string", "description": "As splits.csv in model.zip has it."},
                    "move_to": {
                        "type": ["string", "null"],
                        "description": "The class that it shows; null: it is left out.",
                    },
                    "filed_as": {"type": "string", "description": "Not heeded: the class of its folder."},
                },
                "additionalProperties": False,
            },
        }
    },
}

OPERATIONS = (
    Operation(path="/", method="get", summary="Say what this is.", answers={200: ServiceCard}),
    Operation(path="/healthz", method="get", summary="Tell whether it works.", answers={200: Health}, errors=(503,)),
    Operation(
        path="/metrics",
        method="get",
        summary="Tell an operator's monitor of queue, phases, ends, mails and disk, in the text format of Prometheus.",
        answers={200: None},
        errors=(401, 403, 503),
        needs_operator=True,
    ),
    Operation(path="/docs", method="get", summary="Show this API to a person.", answers={200: None}),
    Operation(path="/favicon.ico", method="get", summary="Send the sign of the pages.", answers={200: None}),
    Operation(
        path="/robots.txt", method="get", summary="Tell search engines what to leave alone.", answers={200: None}
    ),
    Operation(
        path="/static/{version}/{name}",
        method="get",
        summary="Send a script, a style sheet or a picture of the pages.",
        answers={200: None},
        errors=(404,),
    ),
    *(
        Operation(path=path, method=method, summary=summary, answers={status: str}, errors=(401, 403, 503))
        for path, method, status, summary in (
            ("/operator", "get", 200, "Show jobs and failures to an operator, who signs in here by a key."),
            ("/operator/disk", "get", 200, "Show an operator what takes how much room."),
            ("/operator/sign-in", "post", 303, "Keep an operator's key in a cookie."),
            ("/operator/sign-out", "post", 303, "Have the browser forget it."),
            ("/operator/jobs/{job_id}/{action}", "post", 303, "Retry, cancel or forget a job, by a form of the page."),
        )
    ),
    Operation(path="/openapi.json", method="get", summary="Describe this API.", answers={200: dict}),
    Operation(
        path="/v1/jobs",
        method="post",
        summary="Make a job; the answer says how to upload the archive. Query fields count like body fields.",
        answers={201: JobCreated},
        errors=(400, 401, 413, 415, 429, 503),
        takes_key=True,
        parameters=(_query("email", "Where the report goes; may stand in the body instead, and be empty here."),),
        body={
            "content": _media(_JSON, schema=_REQUEST)["content"] | _media(*_FORM_TYPES, schema=_FORM)["content"],
        },
    ),
    Operation(
        path="/v1/jobs",
        method="get",
        summary="Tell an operator of all jobs: up to 500 with something to come, and up to 500 that ended lately.",
        answers={200: JobList},
        errors=(400, 401, 403, 503),
        needs_operator=True,
        parameters=(
            _query(
                "hours", "How long ago a job may have ended; 24 unless told.", type="integer", minimum=1, maximum=720
            ),
            {
                "name": "state",
                "in": "query",
                "description": "Only jobs in these states, separated by commas.",
                "style": "form",
                "explode": False,
                "schema": {"type": "array", "items": {"type": "string", "enum": [each.value for each in JobState]}},
            },
            _query("sort", "What comes first: open jobs, or large archives.", enum=list(Order), default="age"),
        ),
    ),
    Operation(
        path="/v1/disk",
        method="get",
        summary="Tell an operator what takes how much room.",
        answers={200: DiskUse},
        errors=(401, 403, 503),
        needs_operator=True,
    ),
    Operation(
        path="/v1/estimate",
        method="get",
        summary="Tell what a training would take, by what like ones took here lately. Query fields as for a job.",
        answers={200: Estimate},
        errors=(400, 503),
        parameters=({**_query("num_images", "How many photographs.", type="integer", minimum=1), "required": True},),
    ),
    Operation(
        path="/v1/jobs/{job_id}",
        method="get",
        summary="Tell how a job fares.",
        answers={200: JobStatus},
        errors=(403, 503),
        opens_to_operators=True,
        needs_token=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}",
        method="delete",
        summary="Delete what a job left and its person's address, once it has ended. Asking twice changes nothing.",
        answers={200: JobStatus},
        errors=(403, 409, 503),
        needs_token=True,
        opens_to_operators=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}/links",
        method="post",
        summary="Sign a link to what the job left, which anybody may follow for a time.",
        answers={201: SignedLink},
        errors=(400, 409, 410, 503),
        parameters=(
            _query("artefact", "What it leads to.", enum=list(ARTEFACTS), default="report"),
            _MODEL_FORMAT,
            _query("hours", "How long it works; an hour unless told.", type="integer", minimum=1, maximum=168),
        ),
        needs_token=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}/cancel",
        method="post",
        summary="Stop a job; one that trains is stopped by its worker soon. Asking twice changes nothing.",
        answers={200: JobStatus},
        errors=(403, 409, 503),
        needs_token=True,
        opens_to_operators=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}/retry",
        method="post",
        summary="For operators: have a job tried again that failed, or its mail; one mail tells how it ends.",
        answers={200: JobStatus},
        errors=(401, 403, 404, 409, 503),
        needs_operator=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}/retrain",
        method="post",
        summary="Make a job that trains from the same archive with corrections; nothing is uploaded.",
        answers={201: JobRetrained, 200: JobRetrained},
        errors=(400, 409, 410, 413, 415, 429, 503),
        parameters=(_KEY,),
        body=_media(_JSON, schema=_CORRECTIONS) | {"required": True},
        needs_token=True,
    ),
    Operation(
        path="/v1/jobs/{job_id}/{artefact}",
        method="get",
        summary="Redirect to a fresh signed URL of what the job left.",
        answers={302: SignedLink},
        errors=(400, 409, 503),
        parameters=(_MODEL_FORMAT,),
        needs_token=True,
    ),
    Operation(
        path="/v1/links/{link}",
        method="get",
        summary="Redirect from a link in a mail to a fresh signed URL.",
        answers={302: SignedLink},
        errors=(403, 404, 409, 410, 503),
    ),
    Operation(
        path="/v1/confirm/{link}",
        method="get",
        summary="Show the page on which a person confirms the address; nothing is changed.",
        answers={200: str},
        errors=(403, 404, 409, 410, 503),
    ),
    Operation(
        path="/v1/confirm/{link}",
        method="post",
        summary="Confirm the address.",
        answers={200: str},
        errors=(403, 404, 409, 410, 503),
    ),
    Operation(
        path="/v1/objects/{signature}",
        method="put",
        summary="Upload the archive, or a piece of it: 308 asks for the next. Embedded back-end only.",
        answers={200: UploadReceipt, 308: None},
        errors=(400, 403, 409, 410, 413, 415, 503),
        body=_media("application/zip", schema=_BINARY) | {"required": True},
    ),
    Operation(
        path="/v1/objects/{signature}",
        method="post",
        summary="Begin an upload in pieces, sent to its Location as Cloud Storage has it. Embedded back-end only.",
        answers={201: SignedLink},
        errors=(403, 405, 409, 410, 415, 503),
    ),
    Operation(
        path="/v1/objects/{signature}",
        method="get",
        summary="Download an object that a signed URL opens. Embedded back-end only.",
        answers={200: None, 206: None},
        errors=(403, 404, 410, 416, 503),
        parameters=(_RANGE,),
    ),
)
_PATH_SCHEMAS = {"artefact": {"type": "string", "enum": list(ARTEFACTS)}}
_ANSWERED_WITH = (
    DiskUse,
    ErrorDocument,
    Estimate,
    Health,
    JobCreated,
    JobList,
    JobRetrained,
    JobStatus,
    ServiceCard,
    SignedLink,
    UploadReceipt,
)


def openapi_document(public_url: str) -> dict[str, Any]:
    """Return the description of the API.

    Args:
        public_url: Address under which people reach it.
    """
    return {**_document(), "servers": [{"url": public_url}]}


@cache
def _document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "convtailor",
            "version": "1",
            "description": "A zip of labelled photographs goes in; a network fitted to them and a report come out. "
            "Every error on every route has the shape of ErrorDocument.",
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The token of the job."},
                "key": {"type": "http", "scheme": "bearer", "description": "An API key that the operator made."},
                "query": {"type": "apiKey", "in": "query", "name": "token", "description": "The token of the job."},
            },
        },
    }


def _describe(operation: Operation) -> dict[str, Any]:
    names = [part.strip("{}") for part in operation.path.split("/") if part.startswith("{")]
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS.get(name, {"type": "string"})}
        for name in names
    ]
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.method}_{'_'.join(operation.path.strip('/').split('/')) or 'root'}".translate(
            str.maketrans("", "", "{}.")
        ),
        "parameters": [*in_path, *operation.parameters],
        "responses": _responses(operation),
    }
    if operation.body is not None:
        described["requestBody"] = operation.body
    if operation.needs_token:
        described["security"] = [{"bearer": []}, {"query": []}]
    if operation.opens_to_operators:
        described["security"].append({"key": []})
    if operation.needs_operator:
        described["security"] = [{"key": []}]
    if operation.takes_key:
        described["security"] = [{}, {"key": []}]
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    answers = {str(status): _answer(cls) for status, cls in operation.answers.items()}
    statuses = {*operation.errors, *((401, 404) if operation.needs_token else ())}
    error = {"description": "What is wrong and how to mend it.", **_media(_JSON, schema=_ref(ErrorDocument))}
    if str in operation.answers.values():
        error["content"] |= _media(_HTML, schema={"type": "string"})["content"]
    return {**answers, **{str(status): error for status in sorted(statuses)}, "default": error}


def _answer(cls: type[Any] | None) -> dict[str, Any]:
    if cls is None:
        return {"description": "The bytes of the object.", **_media("*/*", schema=_BINARY)}
    if cls is str:
        return {"description": "A page for a person.", **_media(_HTML, schema={"type": "string"})}
    if cls is dict:
        return {"description": "This document.", **_media(_JSON, schema={"type": "object"})}
    return {"description": (cls.__doc__ or "").partition("\n")[0], **_media(_JSON, schema=_ref(cls))}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for cls in _ANSWERED_WITH:
        schema = adapter(cls).json_schema(ref_template=_SCHEMA_REF, mode="serialization")
        schemas |= schema.pop("$defs", {}) | {cls.__name__: schema}
    choices = adapter(JobOptions).json_schema(ref_template=_SCHEMA_REF)
    schemas |= choices.pop("$defs", {})
    email = {"type": "string", "format": "email", "maxLength": 254, "description": "Where the report goes."}
    size = {
        "type": "integer",
        "minimum": 1,
        "maximum": 10**MAX_SIZE_DIGITS - 1,
        "description": "Size of the archive. More than 8 MiB may then be sent in pieces: where upload.method is POST.",
    }
    flat = {"email": email, "size_bytes": size, **choices["properties"]}
    nested = {"options": {"$ref": "#/components/schemas/JobOptions"}}
    asked = "An e-mail address is needed, here or in the query."
    beside = f"{asked} Options stand beside the e-mail or in an object named options."
    schemas["JobRequest"] = _request("JobRequest", beside, flat | nested)
    schemas["JobForm"] = _request("JobForm", asked, {name: _without_null(each) for name, each in flat.items()})
    return schemas


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form can hold of a schema: everything but the absence of a value, which is to leave it out."""
    rest = dict(schema)
    if "anyOf" in rest:
        rest["anyOf"] = [each for each in rest["anyOf"] if each != {"type": "null"}]
        if rest.get("default", ...) is None:
            del rest["default"]
    return rest


def _request(title: str, description: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "title": title,
        "description": description,
        "properties": dict(properties),
        "additionalProperties": False,
    }
