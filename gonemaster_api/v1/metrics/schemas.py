"""Schemas of the metrics document and of the request options."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import validate

from gonemaster_api.queries.metrics.responses import PROMETHEUS, SECTIONS
from gonemaster_api.queries.metrics.trends import ALL_WINDOWS
from gonemaster_api.rest.fields import Instant, QueryInteger, named
from gonemaster_api.rest.messages import Message
from gonemaster_api.rest.parsing import QuerySchema
from gonemaster_db.models import RunStatus
from gonemaster_engine.texts import Text

_ALL = "all"
_FORMATS = ("json", PROMETHEUS)
_MAX_LISTED = 100


class Sections(ma.fields.Field[list[str]]):
    """Names of sections, separated by commas."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[str]:
        names = str(value).split(",")
        if not set(names) <= {_ALL, *SECTIONS}:
            raise ma.ValidationError(
                Text("must be a comma-separated list of these: {all}, {allowed}", all=_ALL, allowed=", ".join(SECTIONS))
            )
        return sorted(set(names))


class MetricsQuerySchema(QuerySchema):
    """Format and content of the metrics."""

    format = ma.fields.String(
        load_default="json", validate=validate.OneOf(_FORMATS, error=Message("must be json or prom"))
    )
    window = ma.fields.String(
        validate=validate.OneOf(ALL_WINDOWS, error=f"must be one of {', '.join(ALL_WINDOWS)}"),
        metadata={"description": "the only window of the trends; default: all up to 48h"},
    )
    include = Sections(
        load_default=[_ALL],
        metadata={
            "description": "sections, separated by commas",
            "type": "string",
            "pattern": f"^({_ALL}|{'|'.join(SECTIONS)})(,({_ALL}|{'|'.join(SECTIONS)}))*$",
            "default": _ALL,
        },
    )
    limit_domains = QueryInteger(
        load_default=20,
        validate=validate.Range(1, _MAX_LISTED, error=Message("must be from 1 to {max}")),
    )
    limit_batches = QueryInteger(
        load_default=20,
        validate=validate.Range(1, _MAX_LISTED, error=Message("must be from 1 to {max}")),
    )

    @ma.pre_load
    def _ignore_all_but_the_format(self, data: Any, **_: Any) -> Any:
        return {"format": PROMETHEUS} if data.get("format") == PROMETHEUS else data


def _counts(description: str) -> Any:
    return ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        metadata={"description": description},
    )


def _number(description: str = "") -> Any:
    return ma.fields.Float(required=True, metadata={"description": description} if description else {})


def _integer(description: str = "") -> Any:
    return ma.fields.Integer(required=True, metadata={"description": description} if description else {})


class ServiceHealthSchema(ma.Schema):
    """The current state of the service."""

    started_at = Instant(required=True, metadata={"description": "of the API process that responds"})
    uptime_seconds = _number()
    worker_count = _integer("slots of each worker process, as configured")
    active_workers = _integer("slots of all live worker processes, at least 1")
    max_concurrent_jobs = _integer("0: no limit")
    queue_paused = ma.fields.Boolean(required=True, metadata={"description": "whether all tiers are paused"})
    scheduler_enabled = ma.fields.Boolean(required=True)
    queue_depth = _integer("jobs waiting")
    in_flight_jobs = _integer("jobs running")
    dns_queries_total = _integer("packets and TCP connections sent to name servers")
    dns_queries_ipv4_total = _integer()
    dns_queries_ipv6_total = _integer()
    dns_cache_hits = _integer("in the cache that the runs of a worker share")
    dns_cache_misses = _integer()
    dns_cache_evictions = _integer("entries evicted from the cache")
    dns_waits_total = _integer("packets that waited for the limit of their address, see nameserver_qps")
    dns_waited_seconds_total = _number("total time that these packets waited")
    dns_limited_addresses = _integer("addresses at which packets wait for the limit now")
    worker_processes = _integer("live worker processes")
    beat_active = ma.fields.Boolean(required=True, metadata={"description": "whether periodic tasks are sent"})
    broker_reachable = ma.fields.Boolean(required=True)
    queue_age_seconds = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Float(),
        required=True,
        metadata={"description": "by tier: how long the oldest queued job has waited"},
    )


class JobTotalsSchema(ma.Schema):
    """Jobs since the database was created."""

    submitted_total = _integer()
    started_total = _integer("starts, including repeated starts")
    completed_total = _integer("jobs that succeeded or failed")
    canceled_total = _integer()
    purged_total = _integer("runs deleted by age or tag")
    status_counts = _counts("unfinished jobs and stored runs, by state")
    scheduled_runs = _counts("processed occurrences of schedules, by outcome")


class QuantilesSchema(ma.Schema):
    """Upper bounds of the buckets that contain the quantiles, in milliseconds."""

    p50 = _integer()
    p90 = _integer()
    p99 = _integer()


class EstimatesSchema(ma.Schema):
    """Quantiles in milliseconds, interpolated within their buckets, like histogram_quantile of Prometheus."""

    p50 = _number()
    p90 = _number()
    p99 = _number()


class RouteSchema(ma.Schema):
    """The requests to one route."""

    route = ma.fields.String(required=True)
    method = ma.fields.String(required=True)
    requests_total = _integer()
    status_class_counts = _counts("by class of status, 1xx to 5xx")
    latency_ms = ma.fields.Nested(QuantilesSchema, required=True)
    latency_estimates_ms = ma.fields.Nested(EstimatesSchema, required=True)


class ProxySchema(ma.Schema):
    """Requests through proxies, and rate limits of clients."""

    forwarded_headers_stripped_total = _integer("requests of untrusted peers with forwarding headers")
    rate_limit_keys = _integer("clients currently tracked by the rate limits")


class ToolCallsSchema(ma.Schema):
    """Calls of one tool of the Model Context Protocol."""

    tool = ma.fields.String(required=True)
    total = _integer()
    failed = _integer()


class ChecksSchema(ma.Schema):
    """Checks before delegation; the last three values are those of all live workers."""

    verdict_counts = _counts("answers by verdict")
    latency_ms = ma.fields.Nested(QuantilesSchema, required=True)
    latency_estimates_ms = ma.fields.Nested(EstimatesSchema, required=True)
    reserved_slots = _integer("slots that run only checks")
    reserved_slots_in_use = _integer()
    running = _integer("in reserved and in idle slots")


class ApiTotalsSchema(ma.Schema):
    """Requests to all API processes."""

    requests_total = _integer()
    status_class_counts = _counts("by class of status, 1xx to 5xx")
    error_code_counts = _counts("by code of the error")
    panics_total = _integer("requests that ended with an unexpected exception")
    proxy = ma.fields.Nested(ProxySchema, required=True)
    checks = ma.fields.Nested(ChecksSchema, required=True)
    routes = ma.fields.List(ma.fields.Nested(RouteSchema), required=True)
    mcp_tool_calls = ma.fields.List(ma.fields.Nested(ToolCallsSchema), required=True)


class DurationsSchema(ma.Schema):
    """Durations of completed jobs."""

    count = _integer()
    avg = _number()
    percentiles = ma.fields.Nested(QuantilesSchema, required=True)
    estimates = ma.fields.Nested(EstimatesSchema, required=True)


class OutcomesSchema(ma.Schema):
    """Number of jobs by outcome; rates are relative to the sum of the three outcomes."""

    success_total = _integer()
    failed_total = _integer()
    canceled_total = _integer()
    success_rate = _number()
    failed_rate = _number()
    canceled_rate = _number()


class SeveritySchema(ma.Schema):
    """Entries of runs at NOTICE and above."""

    totals = _counts("by level")
    per_completed_rates = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Float(), required=True)


class LocaleUsageSchema(ma.Schema):
    """Locales in which results were read."""

    counts = _counts("by locale; at most 32, the rest under `_other`")


class QualitySchema(ma.Schema):
    """Durations, outcomes, findings."""

    job_duration_ms = ma.fields.Nested(DurationsSchema, required=True)
    outcomes = ma.fields.Nested(OutcomesSchema, required=True)
    severity = ma.fields.Nested(SeveritySchema, required=True)
    locale_usage = ma.fields.Nested(LocaleUsageSchema, required=True)


class BatchInsightSchema(ma.Schema):
    """The runs of one batch."""

    batch_id = ma.fields.String(required=True)
    size_total = _integer("number of its jobs")
    processed_total = _integer("number of its jobs that have ended")
    outcomes = _counts("by state")
    severity_totals = _counts("by level")


class DomainInsightSchema(ma.Schema):
    """The runs of one domain."""

    domain = ma.fields.String(required=True)
    runs_total = _integer()
    last_status = named(RunStatus)
    avg_duration_ms = _number()
    severity_totals = _counts("by level")


class BatchInsightsSchema(ma.Schema):
    """The batches seen most recently; all others are summed up in `other`."""

    limit = _integer()
    items = ma.fields.List(ma.fields.Nested(BatchInsightSchema), required=True)
    other = ma.fields.Nested(BatchInsightSchema)


class DomainInsightsSchema(ma.Schema):
    """The domains seen most recently; all others are summed up in `other`."""

    limit = _integer()
    items = ma.fields.List(ma.fields.Nested(DomainInsightSchema), required=True)
    other = ma.fields.Nested(DomainInsightSchema)


class InsightsSchema(ma.Schema):
    """The batches and domains with the most runs among those seen most recently."""

    batches = ma.fields.Nested(BatchInsightsSchema, required=True)
    domains = ma.fields.Nested(DomainInsightsSchema, required=True)


class PointSchema(ma.Schema):
    """The events in one time slot."""

    timestamp = Instant(required=True, metadata={"description": "start of the slot"})
    throughput = _integer("jobs that succeeded or failed")
    failed = _integer()
    queue_depth = _integer("the last known value")
    dns_queries_per_second = _number()
    dns_queries_ipv4_per_second = _number()
    dns_queries_ipv6_per_second = _number()
    dns_cache_hit_rate = _number("0 to 1")
    severity = _counts("by level")
    api_p90_ms = ma.fields.Dict(
        keys=ma.fields.String(), values=ma.fields.Integer(), metadata={"description": "by `METHOD route`"}
    )


class WindowSchema(ma.Schema):
    """The slots of one window, including the current slot."""

    resolution_seconds = _integer()
    points = ma.fields.List(ma.fields.Nested(PointSchema), required=True)


class TrendsSchema(ma.Schema):
    """Trends over time."""

    windows = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.Nested(WindowSchema), required=True)


class MetricsSchema(ma.Schema):
    """The metrics; sections that were not requested are absent."""

    schema_version = ma.fields.String(required=True)
    server_version = ma.fields.String(required=True)
    generated_at = Instant(required=True)
    health = ma.fields.Nested(ServiceHealthSchema)
    jobs = ma.fields.Nested(JobTotalsSchema)
    api = ma.fields.Nested(ApiTotalsSchema)
    quality = ma.fields.Nested(QualitySchema)
    insights = ma.fields.Nested(InsightsSchema)
    trends = ma.fields.Nested(TrendsSchema)
