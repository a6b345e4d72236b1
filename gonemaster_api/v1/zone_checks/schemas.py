"""Schemas of tests of zones before they are published."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import LevelName
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.v1.jobs.schemas import MAX_UNDELEGATED, DsSchema, NameserverSchema
from gonemaster_db.core.levels import LEVELS

MAX_ZONE_CHARACTERS = 1024 * 1024
_NEEDS = ("servers", "networks", "parent", "other_zones", "ds")


class ZoneCheckRequestSchema(RequestSchema):
    """A zone to test."""

    error_codes: ClassVar = {"nameservers": "invalid_undelegated", "ds_info": "invalid_undelegated"}
    example: ClassVar = {
        "domain": "example.com",
        "zone": "$TTL 3600\n@ SOA ns1 hostmaster 1 14400 3600 1209600 3600\n@ NS ns1\nns1 A 198.41.0.4\n",
    }

    domain = ma.fields.String(required=True, metadata={"example": "example.com"})
    zone = ma.fields.String(
        required=True,
        validate=validate.Length(max=MAX_ZONE_CHARACTERS),
        metadata={"description": "zone file of at most 1 MiB and 20,000 records, without $INCLUDE"},
    )
    nameservers = ma.fields.List(
        ma.fields.Nested(NameserverSchema),
        validate=validate.Length(max=MAX_UNDELEGATED),
        allow_none=True,
        metadata={"description": "addresses of name servers outside of the zone"},
    )
    ds_info = ma.fields.List(
        ma.fields.Nested(DsSchema),
        validate=validate.Length(max=MAX_UNDELEGATED),
        allow_none=True,
        metadata={"description": "DS records of the parent; derived from the keys of the zone if absent"},
    )
    min_level = LevelName(load_default="NOTICE")
    locale = ma.fields.String(load_default="en", validate=validate.Length(max=35))


class UntestedSchema(ma.Schema):
    """Test cases that need more than the zone."""

    needs = ma.fields.String(required=True, metadata={"enum": list(_NEEDS)})
    testcases = ma.fields.List(ma.fields.String(), required=True)


class ZoneCheckEntrySchema(ma.Schema):
    """A finding. Findings about the file have the module ZONEFILE, and `line` and `column` in `args` if known."""

    timestamp = ma.fields.Float(required=True)
    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    args = ma.fields.Dict(required=True, metadata={"description": "empty if they exceed 20,000 characters"})
    message = ma.fields.String(required=True)
    reference = ma.fields.String(required=True, allow_none=True, metadata={"format": "uri"})


class ZoneCheckSchema(ma.Schema):
    """The result of a zone."""

    domain = ma.fields.String(required=True)
    loadable = ma.fields.Boolean(required=True, metadata={"description": "whether name servers can serve the zone"})
    records = ma.fields.Integer(required=True)
    duration_s = ma.fields.Float(required=True)
    worst_level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    unfinished = ma.fields.List(
        ma.fields.String(), required=True, metadata={"description": "test cases that the time limit ended"}
    )
    left_out = ma.fields.List(
        ma.fields.Nested(UntestedSchema), required=True, metadata={"description": "empty unless `loadable`"}
    )
    entry_count = ma.fields.Integer(required=True, metadata={"description": "entries of `min_level` or above"})
    entries = ma.fields.List(
        ma.fields.Nested(ZoneCheckEntrySchema), required=True, metadata={"description": "the first 2,000 entries"}
    )
