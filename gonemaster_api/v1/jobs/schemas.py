"""Schemas of job requests, jobs and results."""

from typing import ClassVar

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.rest.fields import Instant, JsonBoolean, JsonInteger, LevelName, QueryInteger, positive_id
from gonemaster_api.rest.messages import Message
from gonemaster_api.rest.paging import CursorPagingSchema, page_schema
from gonemaster_api.rest.parsing import RequestSchema
from gonemaster_api.v1.causes.schemas import HARM_NAMES, RootCauseSchema
from gonemaster_api.v1.jobs.measure_schemas import NameserverTimingSchema, ScoreSchema
from gonemaster_api.v1.policies.schemas import SuiteVerdictSchema, policy_name
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.states import Keep
from gonemaster_db.domains.models.policies import VERDICTS
from gonemaster_db.runs.sort_keys import JOB_SORT, SORTS

STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired", "paused")
MAX_UNDELEGATED = 32
MAX_EXPIRY_S = 366 * 86400
MAX_DURATION_MS = 86_400_000
MAX_ATTEMPTS = 1000


class NameserverSchema(RequestSchema):
    """A name server of an undelegated test; if `ip` is absent, its name is resolved."""

    ns = ma.fields.String(required=True, metadata={"example": "ns1.example.com"})
    ip = ma.fields.String(allow_none=True, metadata={"example": "198.41.0.4"})


class DsSchema(RequestSchema):
    """A DS record of an undelegated test (RFC 4034 section 5)."""

    keytag = JsonInteger(required=True, validate=validate.Range(0, 65535))
    algorithm = JsonInteger(required=True, validate=validate.Range(0, 255))
    digtype = JsonInteger(required=True, validate=validate.Range(0, 255))
    digest = ma.fields.String(
        required=True,
        validate=validate.Regexp(r"^(?:[0-9A-Fa-f]{2}){1,64}$", error=Message("must be hex digits, two per byte")),
    )


class RunOptionsSchema(RequestSchema):
    """Options common to jobs and batches."""

    error_codes: ClassVar = {"nameservers": "invalid_undelegated", "ds_info": "invalid_undelegated"}

    tests = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 64)),
        validate=validate.Length(max=256),
        allow_none=True,
        metadata={"description": "test case ids or module names; all test cases if absent", "example": ["basic"]},
    )
    profile_id = positive_id(allow_none=True)
    profile_overrides = ma.fields.Dict(
        keys=ma.fields.String(), allow_none=True, metadata={"description": "a sparse profile"}
    )
    min_level = LevelName(allow_none=True)
    tags = ma.fields.List(
        ma.fields.String(validate=validate.Length(1, 255)),
        validate=validate.Length(max=100),
        allow_none=True,
        metadata={"description": "domain tags to add the domain to; created if they do not exist"},
    )
    ipv4_disabled = JsonBoolean(allow_none=True)
    ipv6_disabled = JsonBoolean(allow_none=True)
    policy = policy_name()
    profile = ma.fields.String(
        allow_none=True, validate=validate.Length(max=255), metadata={"description": "accepted, unused"}
    )
    expires_in = JsonInteger(
        allow_none=True,
        validate=validate.Range(1, MAX_EXPIRY_S),
        metadata={"description": "seconds after which the job expires if it has not started"},
    )


class NewJobSchema(RunOptionsSchema):
    """A request to test one domain."""

    example: ClassVar = {"domain": "example.com", "tests": ["basic", "zone"], "min_level": "NOTICE", "tags": ["mine"]}

    domain = ma.fields.String(required=True, metadata={"example": "example.com"})
    nameservers = ma.fields.List(
        ma.fields.Nested(NameserverSchema), validate=validate.Length(max=MAX_UNDELEGATED), allow_none=True
    )
    ds_info = ma.fields.List(ma.fields.Nested(DsSchema), validate=validate.Length(max=MAX_UNDELEGATED), allow_none=True)


class SeverityTotalsSchema(ma.Schema):
    """Number of entries by level."""

    NOTICE = ma.fields.Integer(required=True)
    WARNING = ma.fields.Integer(required=True)
    ERROR = ma.fields.Integer(required=True)
    CRITICAL = ma.fields.Integer(required=True)


class EstimateSchema(ma.Schema):
    """Expected start and finish; absent for finished jobs and in responses to submissions."""

    position = ma.fields.Integer(
        allow_none=True, metadata={"description": "position in the tier, from 1; null if running or held"}
    )
    ahead = ma.fields.Integer(allow_none=True, metadata={"description": "number of jobs that start earlier"})
    expected_start_at = Instant(
        allow_none=True,
        metadata={
            "description": "from the measured throughput; null if that is unknown or the tier is paused with no end"
        },
    )
    expected_finish_at = Instant(allow_none=True)


class JobSchema(EstimateSchema):
    """A waiting, running or finished job."""

    id = ma.fields.String(required=True, metadata={"example": "job_0u3kq9ZbXa1hT5cR2mE"})
    public_id = ma.fields.String()
    batch_id = ma.fields.String()
    domain = ma.fields.String(required=True)
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    worker = ma.fields.String(metadata={"description": "of the last attempt"})
    attempt = ma.fields.Integer(required=True, metadata={"description": "number of starts"})
    created_at = Instant(required=True)
    started_at = Instant(required=True, allow_none=True)
    expires_at = Instant(metadata={"description": "of an unfinished job that was submitted with `expires_in`"})
    finished_at = Instant(required=True, allow_none=True)
    priority = ma.fields.Integer(
        required=True, metadata={"enum": [0, 1, 2], "description": "0 normal, 1 batch, 2 check"}
    )
    progress = ma.fields.Integer(required=True, metadata={"minimum": 0, "maximum": 100})
    error = ma.fields.String()
    severity_totals = ma.fields.Nested(SeverityTotalsSchema)
    profile_id = ma.fields.Integer()
    profile_name = ma.fields.String()
    score = ma.fields.Integer()
    grade = ma.fields.String()
    policy = ma.fields.String(metadata={"description": "the policy that judges the run"})
    policy_version = ma.fields.String()
    verdict = ma.fields.String(metadata={"enum": list(VERDICTS), "description": "of a finished job with a policy"})


class ResultEntrySchema(ma.Schema):
    """One entry of a result."""

    timestamp = ma.fields.Float(required=True, metadata={"description": "seconds since the start of the run"})
    module = ma.fields.String(required=True)
    testcase = ma.fields.String(required=True)
    tag = ma.fields.String(required=True)
    level = ma.fields.String(required=True, metadata={"enum": list(LEVELS)})
    args = ma.fields.Dict(required=True)
    message = ma.fields.String(
        required=True, metadata={"description": "the text of the finding in the locale of the result"}
    )
    reference = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "uri", "description": "the section of an RFC, or the specification, that it is about"},
    )
    raw = ma.fields.String(required=True, metadata={"description": "tag and arguments on one line"})


class RawResultSchema(ma.Schema):
    """Entries and the language of their messages."""

    locale = ma.fields.String(required=True)
    entries = ma.fields.List(ma.fields.Nested(ResultEntrySchema), required=True)


class VerdictSchema(ma.Schema):
    """The verdict on a run in one sentence, and that of its policy."""

    harm = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"enum": [*HARM_NAMES, None], "description": "the worst of the root causes; null without causes"},
    )
    sentence = ma.fields.String(required=True)
    test_instead = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "the zone that the name is in, unless it is the root"}
    )
    policy = ma.fields.String(metadata={"description": "like the members below, only of a run with a policy"})
    version = ma.fields.String(metadata={"description": "of the policy"})
    result = ma.fields.String(metadata={"enum": list(VERDICTS)})
    summary = ma.fields.String()
    reasons = ma.fields.List(ma.fields.String(), metadata={"description": "why a pass is not possible"})
    explanations = ma.fields.List(ma.fields.String(), metadata={"description": "the reasons in sentences"})
    suites = ma.fields.List(
        ma.fields.Nested(SuiteVerdictSchema), metadata={"description": "absent for a policy of another release"}
    )


def kept_field() -> ma.fields.String:
    """Return the field that says what is kept of a run."""
    about = (
        "what is kept of the run: `full`; `findings`, without the entries below WARNING, timings and chain; or `facts`,"
        " without any entry"
    )
    return ma.fields.String(required=True, metadata={"enum": list(map(str, Keep)), "description": about})


class JobResultSchema(ma.Schema):
    """The result of a run."""

    job_id = ma.fields.String(required=True)
    batch_id = ma.fields.String()
    status = ma.fields.String(required=True, metadata={"enum": list(STATUSES)})
    summary = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Integer(), required=True, metadata={"description": "by level"}
    )
    raw = ma.fields.Nested(RawResultSchema, required=True)
    testcase_descriptions = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)
    score = ma.fields.Nested(
        ScoreSchema, metadata={"description": "only of a run that judges a zone, unless hidden by settings"}
    )
    verdict = ma.fields.Nested(
        VerdictSchema, metadata={"description": "absent if the run did not succeed and does not say why"}
    )
    root_causes = ma.fields.List(
        ma.fields.Nested(RootCauseSchema), required=True, metadata={"description": "what to fix, worst first"}
    )
    nameserver_timings = ma.fields.List(ma.fields.Nested(NameserverTimingSchema))
    has_dnssec_chain = ma.fields.Boolean(required=True)
    kept = kept_field()


class AttemptLogSchema(ma.Schema):
    """The last log lines of an attempt that failed, as in the log of the worker."""

    attempt = ma.fields.Integer(required=True)
    worker = ma.fields.String(required=True)
    ended_at = Instant(required=True)
    lines = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "at most 50"})


class JobLogSchema(ma.Schema):
    """The logs of the attempts of a job that failed; they are kept for 30 days."""

    job_id = ma.fields.String(required=True)
    attempts = ma.fields.List(ma.fields.Nested(AttemptLogSchema), required=True)


def least_duration() -> QueryInteger:
    """Create the filter by run time."""
    return QueryInteger(validate=validate.Range(0, MAX_DURATION_MS), metadata={"description": "finished runs only"})


def least_attempts() -> QueryInteger:
    """Create the filter by attempts."""
    return QueryInteger(validate=validate.Range(0, MAX_ATTEMPTS), metadata={"description": "number of starts"})


class JobListQuerySchema(CursorPagingSchema):
    """The jobs to list, and their order."""

    status = ma.fields.String(validate=validate.OneOf(STATUSES))
    batch_id = ma.fields.String(validate=validate.Length(max=64))
    domain = ma.fields.String(validate=validate.Length(max=255), metadata={"description": "substring of the name"})
    severity = ma.fields.String(validate=validate.OneOf(("warnings_plus", "errors_only")))
    created_after = Instant()
    created_before = Instant()
    min_duration_ms = least_duration()
    min_attempts = least_attempts()
    policy = ma.fields.String(validate=validate.Length(1, 64))
    verdict = ma.fields.String(validate=validate.OneOf(VERDICTS), metadata={"description": "finished jobs only"})
    sort = ma.fields.String(load_default=JOB_SORT, validate=validate.OneOf(sorted(SORTS)))


JobPageSchema = page_schema(JobSchema, "Job", sort=ma.fields.String(required=True))


class PurgeSchema(RequestSchema):
    """Age of the runs to delete; 0 or absent means the setting `database.retention_days`."""

    optional_body = True
    example: ClassVar = {"older_than_days": 90}

    older_than_days = JsonInteger(load_default=0, validate=validate.Range(0, 36500))


class PurgedJobsSchema(ma.Schema):
    """Number of deleted runs."""

    purged_jobs = ma.fields.Integer(required=True)
