"""The description of the API, laid out for a page: operations and types in the order of the document. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A parameter, or a field of a type.

    Args:
        name: What it is called.
        kind: What it holds, in words.
        told: What it means.
        is_required: Whether it has to be there.
    """

    name: str
    kind: str
    told: str
    is_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationCard:
    """One method of one path.

    Args:
        anchor: Its place on the page.
        method: In capitals.
        path: Path template.
        summary: One sentence.
        needs_token: Whether the token of a job has to be sent.
        parameters: In path, query and headers.
        bodies: Media types of the body.
        answers: Status and what is answered.
    """

    anchor: str
    method: str
    path: str
    summary: str
    needs_token: bool
    parameters: Sequence[Field]
    bodies: Sequence[str]
    answers: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaCard:
    """A type of the API."""

    name: str
    told: str
    fields: Sequence[Field]


def operations_of(document: Mapping[str, Any]) -> list[OperationCard]:
    """Return every operation of an OpenAPI document."""
    return [
        _operation(path, method, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
    ]


def schemas_of(document: Mapping[str, Any]) -> list[SchemaCard]:
    """Return every type of an OpenAPI document that has fields."""
    schemas = document["components"]["schemas"]
    return [
        SchemaCard(name=name, told=_told(schema), fields=_fields(schema))
        for name, schema in schemas.items()
        if schema.get("properties")
    ]


def _operation(path: str, method: str, told: Mapping[str, Any]) -> OperationCard:
    parameters = [
        Field(
            name=each["name"],
            kind=f"{kind_of(each['schema'])}, {each['in']}",
            told=each.get("description", ""),
            is_required=each.get("required", False),
        )
        for each in told.get("parameters", ())
    ]
    return OperationCard(
        anchor=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        needs_token="security" in told,
        parameters=parameters,
        bodies=list(told.get("requestBody", {}).get("content", {})),
        answers=[(status, _answer(answer)) for status, answer in told["responses"].items()],
    )


def _answer(answer: Mapping[str, Any]) -> str:
    kinds = {kind_of(media.get("schema", {})) for media in answer.get("content", {}).values()}
    return ", ".join(sorted(kinds)) or answer.get("description", "")


def _fields(schema: Mapping[str, Any]) -> list[Field]:
    required = schema.get("required", ())
    return [
        Field(name=name, kind=kind_of(each), told=_told(each), is_required=name in required)
        for name, each in schema["properties"].items()
    ]


def _told(schema: Mapping[str, Any]) -> str:
    """Return the first paragraph of a description."""
    text: str = schema.get("description", "")
    return " ".join(text.partition("\n\n")[0].split())


def kind_of(schema: Mapping[str, Any]) -> str:
    """Return what a schema allows, in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return " or ".join(kind_of(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {kind_of(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")
