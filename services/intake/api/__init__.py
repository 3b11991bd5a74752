"""The HTTP API as its callers see it: routes, documents, errors; what they cause lives in the use cases beside it."""
