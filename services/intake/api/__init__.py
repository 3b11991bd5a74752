"""The HTTP API as its callers see it: routes, documents, errors; no use case, which all stand beside this package."""
