"""Schemas of documents about the service itself."""

import marshmallow as ma


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
