"""Schemas of the DNSSEC chain of trust; docs/reference/dnssec-chain.md explains each field."""

from typing import Any

import marshmallow as ma

from gonemaster_api.rest.fields import Instant

_STATUSES = ("secure", "broken", "partial", "island", "unsigned", "indeterminate", "undelegated")
_LINKS = ("secure", "insecure", "bogus", "indeterminate")
_NAMES = (
    "validates", "insecure", "unsigned", "orphan", "chain_broken", "rrsig_expired", "rrsig_invalid", "indeterminate"
)  # fmt: skip


def _texts() -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.String(), required=True)


class _SeenSchema(ma.Schema):
    """A record and the server addresses that returned it."""

    key_tag = ma.fields.Integer(required=True)
    algorithm = ma.fields.Integer(required=True)
    algorithm_name = ma.fields.String(required=True)
    servers = _texts()


class ChainDsSchema(_SeenSchema):
    """A DS record."""

    digest_type = ma.fields.Integer(required=True)
    digest_type_name = ma.fields.String(required=True)
    digest = ma.fields.String(required=True, metadata={"description": "hexadecimal"})


class ChainKeySchema(_SeenSchema):
    """A DNSKEY record."""

    flags = ma.fields.Integer(required=True)
    size = ma.fields.Integer(required=True, allow_none=True, metadata={"description": "bits"})
    zone_key = ma.fields.Boolean(required=True)
    sep = ma.fields.Boolean(required=True)
    revoked = ma.fields.Boolean(required=True)


class ChainSignatureSchema(_SeenSchema):
    """An RRSIG record and the verdict of its validation."""

    covers = ma.fields.String(required=True)
    signer = ma.fields.String(required=True)
    inception = Instant(required=True)
    expiration = Instant(required=True)
    verdict = ma.fields.String(required=True)


class ChainServerSchema(ma.Schema):
    """Validation status of one server's responses."""

    nameserver = ma.fields.String(required=True)
    address = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(_LINKS)})
    reasons = _texts()


class ChainSideSchema(ma.Schema):
    """One side of the delegation."""

    zone = ma.fields.String(required=True, allow_none=True)
    ds = ma.fields.List(ma.fields.Nested(ChainDsSchema), required=True)
    keys = ma.fields.List(ma.fields.Nested(ChainKeySchema), required=True)
    signatures = ma.fields.List(ma.fields.Nested(ChainSignatureSchema), required=True)
    servers = ma.fields.List(ma.fields.Nested(ChainServerSchema), required=True)


class ChainLinkSchema(ma.Schema):
    """Verdict of one DS record."""

    zone = ma.fields.String(required=True)
    key_tag = ma.fields.Integer(required=True)
    algorithm = ma.fields.Integer(required=True)
    digest_type = ma.fields.Integer(required=True)
    verdict = ma.fields.String(required=True)
    signs = ma.fields.Boolean(required=True, metadata={"description": "whether the key signs the DNSKEY RRset"})


class ChainNameserverSchema(ma.Schema):
    """A name server of a zone that the run found on the way from the root."""

    nameserver = ma.fields.String(required=True)
    address = ma.fields.String(required=True)


class ChainZoneSchema(ma.Schema):
    """A zone cut."""

    zone = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(_LINKS)})
    reasons = _texts()
    ds = ma.fields.List(ma.fields.Nested(ChainDsSchema), required=True)
    ds_signatures = ma.fields.List(ma.fields.Nested(ChainSignatureSchema), required=True)
    keys = ma.fields.List(ma.fields.Nested(ChainKeySchema), required=True)
    signatures = ma.fields.List(ma.fields.Nested(ChainSignatureSchema), required=True)
    servers = ma.fields.List(
        ma.fields.Nested(ChainNameserverSchema), metadata={"description": "missing in chains of earlier versions"}
    )


class ChainNameSchema(ma.Schema):
    """Validation status of the addresses of an in-domain name server."""

    name = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(_NAMES)})
    signer = ma.fields.String(required=True, allow_none=True)
    key_tag = ma.fields.Integer(required=True, allow_none=True)
    servers = _texts()


class DnssecChainSchema(ma.Schema):
    """The DNSSEC chain of trust of a run."""

    version = ma.fields.Integer(required=True)
    zone = ma.fields.String(required=True)
    parent_zone = ma.fields.String(required=True, allow_none=True)
    delegation = ma.fields.String(required=True, metadata={"enum": ["normal", "undelegated"]})
    status = ma.fields.String(required=True, metadata={"enum": list(_STATUSES)})
    reasons = _texts()
    checked_at = Instant(required=True)
    truncated = ma.fields.Boolean(required=True)
    parent = ma.fields.Nested(ChainSideSchema, required=True)
    child = ma.fields.Nested(ChainSideSchema, required=True)
    links = ma.fields.List(ma.fields.Nested(ChainLinkSchema), required=True)
    zones = ma.fields.List(ma.fields.Nested(ChainZoneSchema), required=True)
    ns_names = ma.fields.List(ma.fields.Nested(ChainNameSchema), required=True)
