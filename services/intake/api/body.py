"""What comes with a request: fields in a JSON object, a form or the query, each once."""

import json
from collections.abc import Mapping
from typing import Any

from flask import request

from shared.errors import UserFault

_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


def body_fields() -> Mapping[str, Any]:
    """Return the fields in the body: a JSON object, a form, or nothing.

    Raises:
        UserFault: ``unsupported_media_type``, ``invalid_json`` or ``field_repeated``.
    """
    if request.is_json:
        return json_object()
    if request.mimetype in _FORM_TYPES:
        if any(name.lstrip().startswith("{") for name in request.form):  # curl -d sends JSON as if it were a form
            raise _unsupported("JSON that says it is a form")
        return fields_of(request.form)
    if request.mimetype or request.get_data(cache=True):
        raise _unsupported(request.mimetype or "a body without Content-Type")
    return {}


def _unsupported(received: str) -> UserFault:
    return UserFault(
        "unsupported_media_type",
        f"The body is {received}; JSON or a form was expected.",
        fix="Send JSON with 'Content-Type: application/json', or a form.",
    )


def json_object() -> Mapping[str, Any]:
    """Return the JSON object in the body.

    Raises:
        UserFault: ``invalid_json``.
    """
    try:
        body = request.get_data()
        document = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))  # as json.loads() does
    except (ValueError, RecursionError):  # thousands of brackets
        document = None
    if not isinstance(document, Mapping):
        raise UserFault(
            "invalid_json",
            "The body is no JSON object.",
            fix='Send an object such as {"email": "ada@example.org", "epochs": 20}.',
        )
    return document


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; a field that it has twice, with two values, is refused, as in a form."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        for name, value in pairs:
            if fields[name] != value:
                message = f"The field {name[:40]!r} comes with two values."
                raise UserFault("field_repeated", message, fix="Send it once.", details={"field": name[:40]})
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


def fields_of(form: Any) -> dict[str, Any]:
    """Return the fields of a form or query; empty ones count as not sent, as browsers send those left blank."""
    fields: dict[str, Any] = {}
    for name, values in form.lists():
        given = [value for value in values if value != ""]
        if given:
            fields[name] = given[0] if len(set(given)) == 1 else given
    return fields
