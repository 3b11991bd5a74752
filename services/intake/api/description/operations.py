"""Every operation of the API, in the order in which the guide shows them."""

from services.intake.api.description.operation import BINARY, JSON, SCHEMA_REF, Operation, media, query
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
from services.intake.overview.disk import DiskUse
from services.intake.overview.estimate import Estimate
from services.intake.overview.listing import Order
from shared.job.job import JobState
from shared.job.retraining.correction import MAX_CHARACTERS, MAX_CORRECTIONS

_RANGE = {"name": "Range", "in": "header", "description": "Part of the object.", "schema": {"type": "string"}}
_MODEL_FORMAT = query(
    "format",
    "Format of the model.",
    enum=["h5", "keras", "onnx", "tflite", "tflite_float16", "coreml", "zip"],
    default="h5",
)
ARTEFACTS = ("labels", "model", "predict", "report", "result", "strangers")
_REQUEST = {"$ref": SCHEMA_REF.format(model="JobRequest")}
_FORM = {"$ref": SCHEMA_REF.format(model="JobForm")}
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
                    "path": {
                        "type": "string",
                        "minLength": 1,
                        "maxLength": MAX_CHARACTERS,
                        "description": "As splits.csv in model.zip has it.",
                    },
                    "move_to": {
                        "type": ["string", "null"],
                        "minLength": 1,
                        "maxLength": MAX_CHARACTERS,
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
        parameters=(query("email", "Where the report goes; may stand in the body instead, and be empty here."),),
        body={
            "content": media(JSON, schema=_REQUEST)["content"] | media(*_FORM_TYPES, schema=_FORM)["content"],
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
            query(
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
            query("sort", "What comes first: open jobs, or large archives.", enum=list(Order), default="age"),
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
        parameters=({**query("num_images", "How many photographs.", type="integer", minimum=1), "required": True},),
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
            query("artefact", "What it leads to.", enum=list(ARTEFACTS), default="report"),
            _MODEL_FORMAT,
            query("hours", "How long it works; an hour unless told.", type="integer", minimum=1, maximum=168),
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
        body=media(JSON, schema=_CORRECTIONS) | {"required": True},
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
        body=media("application/zip", schema=BINARY) | {"required": True},
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
