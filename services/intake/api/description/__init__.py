"""The API described as OpenAPI 3.1; no route, and no answer to anybody."""
