"""Schemas of documents about the service itself."""

import marshmallow as ma

from gonemaster_api.rest.fields import Instant


class HealthSchema(ma.Schema):
    """The process responds."""

    status = ma.fields.String(required=True, metadata={"enum": ["ok"]})


class ReadySchema(ma.Schema):
    """The state of each component: `ok`, or the reason why it is not ready."""

    status = ma.fields.String(required=True, metadata={"enum": ["ok", "unavailable"]})
    parts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={"example": {"database": "ok", "migrations": "ok", "broker": "ok"}},
    )
    failing = ma.fields.List(
        ma.fields.String(),
        required=True,
        metadata={"description": "kinds of issues of the whole service, as in /queue/health", "example": []},
    )


class FeaturesSchema(ma.Schema):
    """Feature flags."""

    show_score_admin = ma.fields.Boolean(required=True)
    show_nameserver_timings_admin = ma.fields.Boolean(required=True)


class VersionSchema(ma.Schema):
    """Versions of this server and of its DNS library, and the kind of its engine."""

    gonemaster = ma.fields.String(required=True)
    dns = ma.fields.String(required=True)
    engine_kind = ma.fields.String(required=True, metadata={"enum": ["compiled", "interpreted"]})


class LocalesSchema(ma.Schema):
    """Languages of message texts; always includes `en`."""

    locales = ma.fields.List(ma.fields.String(), required=True)


class TableSizeSchema(ma.Schema):
    """The size of a table with its indexes."""

    name = ma.fields.String(required=True)
    bytes = ma.fields.Integer(required=True)
    growth_per_day_bytes = ma.fields.Integer(required=True)


class StorageSchema(ma.Schema):
    """The size of the database, and its growth with as many runs a day as in the last 24 hours."""

    total_bytes = ma.fields.Integer(required=True)
    growth_per_day_bytes = ma.fields.Integer(required=True)
    runs = ma.fields.Integer(required=True)
    runs_of_last_day = ma.fields.Integer(required=True)
    free_bytes = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "on the disk of an SQLite file; null with PostgreSQL"}
    )
    full_at = Instant(
        required=True, allow_none=True, metadata={"description": "when the disk is full if nothing is deleted"}
    )
    retention_days = ma.fields.Integer(required=True, metadata={"description": "0: runs are never deleted"})
    tables = ma.fields.List(
        ma.fields.Nested(TableSizeSchema),
        required=True,
        metadata={"description": "largest first; empty for an SQLite file of more than 1 GiB"},
    )
