"""``python -m tools.result_schema``: print the JSON Schema of ``result.json``, as kept in ``docs/``."""

import json
import sys

from shared.job.result import Result
from shared.json_codec import json_schema


def schema_text() -> str:
    """Return the schema as it is kept in ``docs/result.schema.json``."""
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **json_schema(Result)}
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(schema_text())
