"""The whole document; its schemas are generated from the types that the routes answer with."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from services.intake.api.description.operation import BINARY, HTML, JSON, SCHEMA_REF, Operation, media, ref
from services.intake.api.description.operations import ARTEFACTS, OPERATIONS
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
from shared.job.options import JobOptions
from shared.json_codec import adapter
from shared.web.error_reply import ErrorDocument

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
    error = {"description": "What is wrong and how to mend it.", **media(JSON, schema=ref(ErrorDocument))}
    if str in operation.answers.values():
        error["content"] |= media(HTML, schema={"type": "string"})["content"]
    return {**answers, **{str(status): error for status in sorted(statuses)}, "default": error}


def _answer(cls: type[Any] | None) -> dict[str, Any]:
    if cls is None:
        return {"description": "The bytes of the object.", **media("*/*", schema=BINARY)}
    if cls is str:
        return {"description": "A page for a person.", **media(HTML, schema={"type": "string"})}
    if cls is dict:
        return {"description": "This document.", **media(JSON, schema={"type": "object"})}
    return {"description": (cls.__doc__ or "").partition("\n")[0], **media(JSON, schema=ref(cls))}


def _schemas() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    for cls in _ANSWERED_WITH:
        schema = adapter(cls).json_schema(ref_template=SCHEMA_REF, mode="serialization")
        schemas |= schema.pop("$defs", {}) | {cls.__name__: schema}
    choices = adapter(JobOptions).json_schema(ref_template=SCHEMA_REF)
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
