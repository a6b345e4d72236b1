"""What the JSON resources share: paging, parsing, schemas' fields, OpenAPI."""
