"""Schemas of requests and documents about domain tags."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, positive_id
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.rest.plain_text import PlainText
from gonemaster_api.v1.batches.schemas import NameList


class TagSchema(ma.Schema):
    """A set of domains."""

    name = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    created_at = Instant(required=True)
    domain_count = ma.fields.Integer(required=True)
    default_profile_id = ma.fields.Integer()


class NewTagSchema(RequestSchema):
    """A tag to create."""

    example: ClassVar = {"name": "mine", "description": "domains that we operate"}

    name = ma.fields.String(required=True, validate=validate.Length(max=255))
    description = PlainText(load_default="", validate=validate.Length(max=10_000))


class TagChangeSchema(RequestSchema):
    """The changeable properties of a tag."""

    example: ClassVar = {"description": "domains that we operate"}

    description = PlainText(required=True, validate=validate.Length(max=10_000))


class TagDomainsSchema(RequestSchema):
    """Domains to add to or remove from a tag."""

    example: ClassVar = {"domains": ["example.com", "example.net"]}

    domains = NameList(required=True, metadata={"minItems": 1})


class TagProfileSchema(RequestSchema):
    """The profile for tests of a tag's domains if the request does not specify a profile."""

    error_codes: ClassVar = {"profile_id": "invalid_profile_id"}
    example: ClassVar = {"profile_id": 1}

    profile_id = positive_id(required=True)


class TagSummarySchema(ma.Schema):
    """Latest runs of a tag's domains, by level and grade."""

    tag = ma.fields.String(required=True)
    domain_count = ma.fields.Integer(required=True)
    ok = ma.fields.Integer(required=True)
    notice = ma.fields.Integer(required=True)
    warning = ma.fields.Integer(required=True)
    error = ma.fields.Integer(required=True)
    critical = ma.fields.Integer(required=True)
    grades = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Integer(), required=True)


class PurgedRunsSchema(ma.Schema):
    """Number of deleted runs."""

    purged_runs = ma.fields.Integer(required=True)
