"""Schemas of the delegation of a domain."""

import marshmallow as ma


class LookupNameserverSchema(ma.Schema):
    """A name server and one of its addresses; `ip` is absent if no usable address is known."""

    ns = ma.fields.String(required=True)
    ip = ma.fields.String()


class LookupDsSchema(ma.Schema):
    """A DS record (RFC 4034 section 5)."""

    keytag = ma.fields.Integer(required=True)
    algorithm = ma.fields.Integer(required=True)
    digtype = ma.fields.Integer(required=True)
    digest = ma.fields.String(required=True, metadata={"description": "hexadecimal"})


class LookupSchema(ma.Schema):
    """A delegation in the form of `nameservers` and `ds_info` of a job; the lists are empty if there is none."""

    nameservers = ma.fields.List(ma.fields.Nested(LookupNameserverSchema), required=True)
    ds_records = ma.fields.List(ma.fields.Nested(LookupDsSchema), required=True)
