"""Documents about the service itself."""

import marshmallow as ma


class HealthSchema(ma.Schema):
    """The process answers."""

    status = ma.fields.String(required=True, metadata={"example": "ok"})


class ReadySchema(ma.Schema):
    """What each part says: `ok`, or why it is not."""

    status = ma.fields.String(required=True, metadata={"enum": ["ok", "unavailable"]})
    parts = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.String(),
        required=True,
        metadata={"example": {"database": "ok", "migrations": "ok", "broker": "ok"}},
    )


class FeaturesSchema(ma.Schema):
    """What this server shows."""

    show_score_admin = ma.fields.Boolean(required=True)
    show_nameserver_timings_admin = ma.fields.Boolean(required=True)


class LocalesSchema(ma.Schema):
    """Languages of messages; `en` is always among them."""

    locales = ma.fields.List(ma.fields.String(), required=True)
