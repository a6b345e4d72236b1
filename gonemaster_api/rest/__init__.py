"""Shared parts of the JSON resources: paging, parsing, schema fields and OpenAPI."""
