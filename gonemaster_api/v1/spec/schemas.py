"""Schemas of the specifications of test cases."""

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.parsing import QuerySchema


class TestcaseSchema(ma.Schema):
    """A test case."""

    __test__ = False  # pytest: not a test

    id = ma.fields.String(required=True)
    module = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    excluded = ma.fields.Boolean(metadata={"description": "true if this server excludes it"})


class TestcasesSchema(ma.Schema):
    """Test cases in the order of the reports."""

    __test__ = False  # pytest: not a test

    items = ma.fields.List(ma.fields.Nested(TestcaseSchema), required=True)
    total = ma.fields.Integer(required=True)


class SpecTagSchema(ma.Schema):
    """A message tag: its text with placeholders, and its advice."""

    tag = ma.fields.String(required=True)
    message = ma.fields.String(required=True)
    advice = ma.fields.String(required=True)
    reference = ma.fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class TestcaseDetailSchema(TestcaseSchema):
    """A test case with its message tags."""

    locale = ma.fields.String(required=True)
    tags = ma.fields.List(ma.fields.Nested(SpecTagSchema), required=True)


class TestcaseQuerySchema(QuerySchema):
    """The test cases to list; `category` is an alias of `module`."""

    __test__ = False  # pytest: not a test

    module = ma.fields.String(validate=validate.Length(max=32))
    category = ma.fields.String(validate=validate.Length(max=32))


__all__ = ["TestcaseDetailSchema", "TestcaseQuerySchema", "TestcasesSchema"]
