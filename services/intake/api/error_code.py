"""What only intake refuses: the HTTP status of each of its codes, and what to do about a request that HTTP refuses."""

from shared.web.error_reply import OwnErrors

OWN_ERRORS = OwnErrors(
    status_of_code={
        "archive_empty": 400,
        "email_missing": 400,
        "field_repeated": 400,
        "invalid_content_range": 400,
        "invalid_email": 400,
        "invalid_format": 400,
        "invalid_json": 400,
        "invalid_option": 400,
        "invalid_request": 400,
        "unknown_option": 400,
        "upload_empty": 400,
        "upload_incomplete": 400,
        "token_missing": 401,
        "url_invalid": 403,
        "artefact_absent": 404,
        "job_not_found": 404,
        "already_uploaded": 409,
        "artefact_not_ready": 409,
        "job_already_ended": 409,
        "job_not_ended": 409,
        "artefact_expired": 410,
        "url_expired": 410,
        "upload_too_large": 413,
        "unsupported_media_type": 415,
        "upload_wrong_type": 415,
    },
    fixes={
        400: "Compare it with the examples at /openapi.json.",
        404: "See /openapi.json for what there is.",
        405: "Use a method that the Allow header names; /openapi.json lists them.",
        413: "Send only e-mail and options here; the archive goes to the upload URL.",
        415: "Send JSON with Content-Type: application/json, or a form.",
        416: "Ask for a range inside the object, or without the Range header.",
    },
    fix="See /openapi.json.",
)
