"""Schemas of requests and documents about cohorts and snapshots."""

from typing import Any, ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger, QueryBoolean, named
from gonemaster_api.rest.parsing import QuerySchema, RequestSchema
from gonemaster_api.rest.plain_text import PlainName, PlainText
from gonemaster_db.analysis.snapshots import RUNNING
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import DefaultPolicy, Keep, MaterializationStatus, SnapshotStatus
from gonemaster_tasks.reference_data.tlds import IANA_TLDS

FLOORS = ("", *LEVELS[LEVELS.index("INFO") :])
_MAX_LABEL_LENGTH, _MAX_DESCRIPTION_LENGTH = 255, 10_000
MAX_COHORT_ID = _MAX = 2**31 - 1


class FloorName(ma.fields.String):
    """A level of at least INFO in upper or lower case, or an empty string for the server's default."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.OneOf(FLOORS), **kwargs)

    def deserialize(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the level in upper case."""
        return super().deserialize(value.upper() if isinstance(value, str) else value, *args, **kwargs)


class CohortChangeSchema(RequestSchema):
    """The changeable properties of a cohort; absent properties are unchanged."""

    example: ClassVar = {"label": "Our customers", "analysis_enabled": True, "public_enabled": True}

    label = PlainName(validate=validate.Length(max=_MAX_LABEL_LENGTH))
    description = PlainText(validate=validate.Length(max=_MAX_DESCRIPTION_LENGTH))
    analysis_enabled = JsonBoolean()
    public_enabled = JsonBoolean()
    is_default = JsonBoolean()
    sort_order = JsonInteger(validate=validate.Range(min=-_MAX, max=_MAX))
    tag_view_min_level = FloorName()
    coverage = JsonInteger(
        validate=validate.Range(0, 100),
        allow_none=True,
        metadata={"description": "percent of the members that the default snapshot needs; null: `analysis.coverage`"},
    )
    keep = ma.fields.String(
        allow_none=True,
        validate=validate.OneOf(list(map(str, Keep))),
        metadata={
            "description": "what is kept of the runs of new batches of the tag once their facts are written; null: the"
            " setting `database.keep_runs`"
        },
    )
    reference_list = ma.fields.String(validate=validate.OneOf(("", IANA_TLDS)))


class NewCohortSchema(CohortChangeSchema):
    """A cohort to create."""

    error_codes: ClassVar = {"source_type": "unsupported_source_type"}
    example: ClassVar = {"source_tag": "customers", "label": "Our customers", "analysis_enabled": True}

    source_type = ma.fields.String(load_default="tag", validate=validate.Equal("tag"))
    source_tag = ma.fields.String(required=True, validate=validate.Length(max=255))


class DriftSchema(ma.Schema):
    """Differences between the members of a cohort and its reference list."""

    checked_at = Instant(required=True)
    list_version = ma.fields.String(required=True)
    missing = ma.fields.List(ma.fields.String(), required=True)
    extra = ma.fields.List(ma.fields.String(), required=True)


class CohortSchema(ma.Schema):
    """A tag whose domains are tracked over time."""

    id = ma.fields.Integer(required=True)
    source_type = ma.fields.String(required=True, metadata={"enum": ["tag"]})
    source_tag = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    analysis_enabled = ma.fields.Boolean(required=True)
    public_enabled = ma.fields.Boolean(required=True)
    is_default = ma.fields.Boolean(required=True)
    sort_order = ma.fields.Integer(required=True)
    materialization_status = ma.fields.String(
        required=True, metadata={"enum": [one.value for one in MaterializationStatus]}
    )
    materialization_done = ma.fields.Integer(required=True)
    materialization_total = ma.fields.Integer(required=True)
    last_materialized_at = Instant(required=True, allow_none=True)
    last_materialization_error = ma.fields.String(required=True)
    default_snapshot_policy = ma.fields.String(required=True, metadata={"enum": [one.value for one in DefaultPolicy]})
    default_snapshot_id = ma.fields.Integer(required=True, allow_none=True)
    tag_view_min_level = ma.fields.String(
        required=True, metadata={"enum": ["", *LEVELS], "description": "empty: the default of the server"}
    )
    coverage = ma.fields.Integer(required=True, allow_none=True)
    keep = ma.fields.String(required=True, allow_none=True, metadata={"enum": [*map(str, Keep), None]})
    reference_list = ma.fields.String(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class CohortDetailSchema(CohortSchema):
    """A cohort, compared with its reference list if it has one."""

    source_drift = ma.fields.Nested(DriftSchema)


_STATES = ("fresh", "stale", "pending", "unavailable", "disabled")


class DatasetSchema(ma.Schema):
    """An external list."""

    name = ma.fields.String(required=True)
    state = ma.fields.String(required=True, validate=validate.OneOf(_STATES))
    fetched_at = Instant(required=True, allow_none=True)
    version = ma.fields.String(required=True)
    entries = ma.fields.Integer(required=True)


class ExternalDataSchema(ma.Schema):
    """The state of the external lists."""

    enabled = ma.fields.Boolean(required=True)
    cached_records = ma.fields.Integer(required=True)
    queue_depth = ma.fields.Integer(required=True)
    last_error = ma.fields.String(required=True)
    last_error_at = Instant(required=True, allow_none=True)
    datasets = ma.fields.List(ma.fields.Nested(DatasetSchema), required=True)


class AnalysisStatusSchema(ma.Schema):
    """The status of the analysis."""

    backend_supported = ma.fields.Boolean(required=True)
    controller_enabled = ma.fields.Boolean(required=True)
    external_data = ma.fields.Nested(ExternalDataSchema, required=True)


class SnapshotChangeSchema(RequestSchema):
    """The changeable properties of a snapshot; absent properties are unchanged."""

    example: ClassVar = {"label": "November", "is_default": True}

    slug = ma.fields.String(validate=validate.Length(min=1, max=64))
    label = PlainName(validate=validate.Length(max=_MAX_LABEL_LENGTH))
    description = PlainText(validate=validate.Length(max=_MAX_DESCRIPTION_LENGTH))
    is_public = JsonBoolean()
    is_default = JsonBoolean()
    status = ma.fields.String(validate=validate.OneOf(("captured", "retired")))


class SnapshotRemovalSchema(QuerySchema):
    """Options for the removal of a snapshot."""

    purge = QueryBoolean(load_default=False, metadata={"description": "remove it instead of hiding it"})


class SnapshotSchema(ma.Schema):
    """The results of one batch for a cohort."""

    id = ma.fields.Integer(required=True)
    cohort_id = ma.fields.Integer(required=True)
    batch_id = ma.fields.String(required=True)
    slug = ma.fields.String(required=True)
    label = ma.fields.String(required=True)
    description = ma.fields.String(required=True)
    profile_id = ma.fields.Integer(required=True, allow_none=True)
    profile_name = ma.fields.String(required=True)
    engine_version = ma.fields.String(required=True)
    mixed_engine_version = ma.fields.Boolean(required=True)
    scoring_config_hash = ma.fields.String(required=True)
    vocabulary_available = ma.fields.Boolean(required=True)
    captured_at = Instant(required=True, allow_none=True)
    first_run_at = Instant(required=True, allow_none=True)
    last_run_at = Instant(required=True, allow_none=True)
    run_count = ma.fields.Integer(required=True)
    domain_count = ma.fields.Integer(required=True)
    coverage = ma.fields.Integer(
        required=True, allow_none=True, metadata={"description": "percent of the members with a result; null: unknown"}
    )
    default_allowed = ma.fields.Boolean(
        required=True, metadata={"description": "covers enough members to become the default without being pinned"}
    )
    status = ma.fields.String(required=True, metadata={"enum": [one.value for one in SnapshotStatus]})
    is_default = ma.fields.Boolean(required=True)
    is_public = ma.fields.Boolean(required=True)
    tag_view_min_level = ma.fields.String(
        required=True, metadata={"enum": ["", *LEVELS], "description": "empty: the default of the server"}
    )
    materialization_status = named(("", RUNNING), metadata={"description": "running while it is made again"})
    materialization_done = ma.fields.Integer(required=True)
    materialization_total = ma.fields.Integer(required=True)
    last_materialization_error = ma.fields.String(required=True)
    last_materialized_at = Instant(required=True, allow_none=True)
    source_runs_available = ma.fields.Boolean(required=True)
    missing_runs = ma.fields.Integer(
        required=True,
        metadata={"description": "purged runs; a snapshot that lacks runs is not rebuilt with its cohort"},
    )
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ClearedCohortSchema(ma.Schema):
    """Number of removed snapshots."""

    snapshots_removed = ma.fields.Integer(required=True)


class KeptSnapshotSchema(ma.Schema):
    """A snapshot that cannot be rebuilt, because runs of its batch were purged."""

    slug = ma.fields.String(required=True)
    missing_runs = ma.fields.Integer(required=True)


class RebuiltCohortSchema(ma.Schema):
    """A rebuild of a cohort, and the number of runs it reads."""

    started = ma.fields.Boolean(required=True, metadata={"description": "false: a rebuild is already running"})
    runs = ma.fields.Integer(required=True)
    kept = ma.fields.List(
        ma.fields.Nested(KeptSnapshotSchema),
        required=True,
        metadata={"description": "snapshots that lack runs and are unchanged"},
    )


class QueuedSchema(ma.Schema):
    """Number of snapshots queued for a rebuild."""

    queued = ma.fields.Integer(required=True)


class RepairedSnapshotSchema(ma.Schema):
    """The batch that got further jobs, and their number."""

    batch_id = ma.fields.String(required=True)
    job_count = ma.fields.Integer(required=True)
