"""One method of one path as OpenAPI describes it, and the small parts that descriptions are made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

JSON, HTML = "application/json", "text/html"
SCHEMA_REF = "#/components/schemas/{model}"
BINARY = {"type": "string", "format": "binary"}


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


def query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """Return a parameter of the query: text, unless ``schema`` says otherwise."""
    return {"name": name, "in": "query", "description": description, "schema": {"type": "string", **schema}}


def media(*types: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body or an answer in one or several media types."""
    return {"content": {each: {"schema": schema} for each in types}}


def ref(cls: type[Any]) -> dict[str, str]:
    """Return a reference to the schema of a type."""
    return {"$ref": SCHEMA_REF.format(model=cls.__name__)}
