"""The metrics as Prometheus families, in text format 0.0.4 (contract: metrics.md section 3)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from gonemaster_api.queries.metrics.document import (
    duration_buckets,
    locale_usage,
    queue_ages,
    scheduled_runs,
    status_classes,
)
from gonemaster_api.queries.metrics.reading import Metrics, depth_of
from gonemaster_api.web.exporter import CHECK_BOUNDS_MS, LATENCY_BOUNDS_MS
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import JobStatus
from gonemaster_db.service.metrics.aggregation import DURATION_BOUNDS_MS, DURATION_SUM, SEVERITY
from gonemaster_db.service.metrics.counting import LOOKUPS, QUERIES, WAITED_MS, WAITS
from gonemaster_engine.policies.verdict import PolicyResult
from gonemaster_engine.version import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PREFIX = "gonemaster_"
Values = Mapping[tuple[str, ...], float]
"""Values of labels, in the order of their names, to the value of the series."""


def prometheus_text(metrics: Metrics, *, rate_limit_keys: int, issues: Mapping[str, int]) -> bytes:
    """Return all families as text; `issues` are the numbers of queue issues by kind."""
    return generate_latest(_Families(metrics, rate_limit_keys, issues))


class _Families(Collector):
    """A registry of the metrics that is collected once."""

    def __init__(self, metrics: Metrics, rate_limit_keys: int, issues: Mapping[str, int]) -> None:
        self._metrics = metrics
        self._rate_limit_keys = rate_limit_keys
        self._issues = issues

    def collect(self) -> Iterable[Metric]:
        """Yield the families in the order of the contract, then the additional families."""
        yield from _service(self._metrics)
        yield from _jobs(self._metrics)
        yield from _api(self._metrics)
        yield gauge("rate_limit_keys", "Clients currently tracked by the rate limits.", self._rate_limit_keys)
        yield from _results(self._metrics)
        yield from _added(self._metrics, self._issues)


def gauge(name: str, text: str, value: float) -> Metric:
    """Return a gauge without labels."""
    return GaugeMetricFamily(PREFIX + name, text, value=value)


def counter(name: str, text: str, value: float) -> Metric:
    """Return a counter without labels; its name must end in `_total`."""
    return CounterMetricFamily(PREFIX + name, text, value=value)


def _labelled(family: GaugeMetricFamily | CounterMetricFamily, values: Values) -> Metric:
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def gauges(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    """Return a gauge with labels."""
    return _labelled(GaugeMetricFamily(PREFIX + name, text, labels=labels), values)


def counters(name: str, text: str, labels: Sequence[str], values: Values) -> Metric:
    """Return a counter with labels."""
    return _labelled(CounterMetricFamily(PREFIX + name, text, labels=labels), values)


def _by(values: Mapping[str, float]) -> Values:
    return {(name,): value for name, value in values.items()}


def _buckets(numbers: Sequence[int], bounds_ms: Sequence[int]) -> list[tuple[str, float]]:
    """Return cumulative counts by bound in seconds."""
    bounds = [*(str(bound / 1000) for bound in bounds_ms), "+Inf"]
    return list(zip(bounds, map(float, accumulate(numbers)), strict=True))


def _service(metrics: Metrics) -> Iterator[Metric]:
    settings, lookups, queries = metrics.settings, metrics.labels(LOOKUPS), metrics.labels(QUERIES)
    yield gauges("build_info", "The version of the service; always 1.", ["version"], {(__version__,): 1})
    yield gauge(
        "start_time_seconds", "Start of the API that responds, in POSIX seconds.", metrics.started_at.timestamp()
    )
    yield gauge("worker_count", "Slots of each worker process, as configured.", settings.worker_count)
    yield gauge("active_workers", "Slots of all live worker processes, at least 1.", max(1, metrics.slots))
    yield gauge(
        "max_concurrent_jobs", "Maximum number of concurrently running jobs; 0: no limit.", settings.max_concurrent_jobs
    )
    yield gauge("queue_paused", "Whether all tiers of the queue are paused.", metrics.queue_paused)
    yield gauge("scheduler_enabled", "Whether batches of schedules are submitted.", settings.scheduler_enabled)
    yield gauge("database_bytes", "Size of the database, with the space of deleted rows.", metrics.database_bytes)
    yield gauge("queue_depth", "Waiting jobs.", depth_of(metrics))
    yield gauge("in_flight_jobs", "Running jobs.", metrics.in_state(JobStatus.RUNNING))
    yield counters(
        "dns_external_queries_total",
        "Packets and TCP connections sent to name servers.",
        ["family"],
        _by({family: queries.get(family, 0) for family in ("ipv4", "ipv6")}),
    )
    yield counters(
        "dns_cache_lookups_total",
        "Lookups in the cache that the runs of a worker share.",
        ["result"],
        _by({result: lookups.get(result, 0) for result in ("hit", "miss")}),
    )
    yield counter("dns_cache_evictions_total", "Entries evicted from the cache.", lookups.get("eviction", 0))


def _jobs(metrics: Metrics) -> Iterator[Metric]:
    yield counter("jobs_submitted_total", "Jobs submitted.", metrics.submitted)
    yield counter("jobs_started_total", "Starts of jobs, including repeated starts.", metrics.started)
    yield counter("jobs_completed_total", "Jobs that succeeded or failed.", metrics.completed)
    yield counter("jobs_purged_total", "Runs deleted by age or tag.", metrics.purged)
    yield gauges("jobs_status", "Unfinished jobs and stored runs by state.", ["status"], _by(metrics.status_counts))
    ended = {status.value: number for status, number in metrics.ended.items()}
    yield counters("job_terminal_outcomes_total", "Ended jobs.", ["outcome"], _by(ended))
    yield counters(
        "scheduled_runs_total", "Processed occurrences of schedules.", ["outcome"], _by(scheduled_runs(metrics))
    )


def _api(metrics: Metrics) -> Iterator[Metric]:
    http = metrics.http
    routes = http.routes
    classes = status_classes(routes.values())
    by_class: Values = {
        (method, route, name): number
        for (route, method), counts in routes.items()
        for name, number in sorted(counts.classes.items())
    }
    totals: Values = {(method, route): sum(counts.classes.values()) for (route, method), counts in routes.items()}
    yield counter("api_requests_total", "Requests to the API and its pages.", sum(classes.values()))
    yield counters("api_requests_by_status_class_total", "Requests by class of status.", ["status_class"], _by(classes))
    yield counters("api_errors_total", "Error responses by code.", ["code"], _by(http.errors))
    yield counters("api_route_requests_total", "Requests by route.", ["method", "route"], totals)
    yield counters(
        "api_route_requests_by_status_class_total",
        "Requests by route and class of status.",
        ["method", "route", "status_class"],
        by_class,
    )
    durations = HistogramMetricFamily(
        f"{PREFIX}api_request_duration_seconds", "Time to the first byte of a response.", labels=["method", "route"]
    )
    for (route, method), counts in routes.items():
        durations.add_metric([method, route], _buckets(counts.latencies, LATENCY_BOUNDS_MS), counts.sum_s)
    yield durations
    yield counter(
        "forwarded_headers_stripped_total",
        "Requests of untrusted peers with forwarding headers, which were removed.",
        http.stripped,
    )


def _results(metrics: Metrics) -> Iterator[Metric]:
    calls: Values = {
        (outcome, tool): outcomes.get(outcome, 0)
        for tool, outcomes in metrics.http.tool_calls.items()
        for outcome in ("ok", "failed")
    }
    yield counters("mcp_tool_calls_total", "Tool calls by language models.", ["outcome", "tool"], calls)
    yield from _checks(metrics)
    durations = HistogramMetricFamily(f"{PREFIX}job_duration_seconds", "Duration of completed jobs.")
    numbers = duration_buckets(metrics)
    durations.add_metric([], _buckets(numbers, DURATION_BOUNDS_MS), metrics.total(DURATION_SUM) / 1000)
    yield durations
    severities = metrics.labels(SEVERITY)
    yield counters(
        "job_severity_total",
        "Entries of runs from NOTICE up.",
        ["severity"],
        _by({level: severities.get(level, 0) for level in SEVERITIES}),
    )
    yield counters("result_locale_requests_total", "Results read by locale.", ["locale"], _by(locale_usage(metrics)))


def _checks(metrics: Metrics) -> Iterator[Metric]:
    checks = {verdict.value: metrics.http.checks.get(verdict.value, 0) for verdict in PolicyResult}
    yield counters("checks_total", "Checks before delegation by verdict.", ["verdict"], _by(checks))
    durations = HistogramMetricFamily(f"{PREFIX}check_duration_seconds", "Time to the answer of a check.")
    durations.add_metric([], _buckets(metrics.http.check_latencies, CHECK_BOUNDS_MS), metrics.http.check_sum_s)
    yield durations
    yield gauge("reserved_check_slots", "Slots that run only checks.", metrics.reserved_check_slots)
    yield gauge(
        "reserved_check_slots_in_use", "Slots that run only checks and run one.", metrics.reserved_check_slots_in_use
    )
    yield gauge("running_checks", "Running checks, in reserved and in idle slots.", metrics.running_checks)


def _added(metrics: Metrics, issues: Mapping[str, int]) -> Iterator[Metric]:
    """Yield additional families for alerts that the contract does not have."""
    exceptions: Values = {(method, route): number for (route, method), number in metrics.http.exceptions.items()}
    yield counters("api_exceptions_total", "Unexpected exceptions by route.", ["method", "route"], exceptions)
    yield gauge("worker_processes", "Live worker processes.", len(metrics.workers))
    yield gauge("beat_active", "Whether beat is active.", metrics.beat_active)
    yield gauge("broker_reachable", "Whether the broker responds.", metrics.broker_reachable)
    yield counter("dns_waits_total", "Packets that waited for the limit of their address.", metrics.total(WAITS))
    yield counter("dns_waited_seconds_total", "Total time that these packets waited.", metrics.total(WAITED_MS) / 1000)
    yield gauge("dns_limited_addresses", "Addresses at which packets wait for the limit.", metrics.limited_addresses)
    yield gauges(
        "queue_oldest_job_age_seconds", "Waiting time of the oldest queued job.", ["tier"], _by(queue_ages(metrics))
    )
    yield gauges(
        "tier_paused",
        "Whether a tier is paused.",
        ["tier"],
        _by({tier: tier in metrics.paused for tier in metrics.oldest}),
    )
    yield gauges("queue_issues", "Issues of the queue by kind, see GET /api/v1/queue/health.", ["kind"], _by(issues))
