"""The metrics as a JSON document (contract: metrics.md section 2)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from gonemaster_api.queries.metrics.http import RouteCounts
from gonemaster_api.queries.metrics.quantiles import estimates, quantiles
from gonemaster_api.queries.metrics.reading import Metrics, depth_of
from gonemaster_api.rest.fields import rfc3339
from gonemaster_api.web.exporter import CHECK_BOUNDS_MS, LATENCY_BOUNDS_MS
from gonemaster_db.core.levels import SEVERITIES
from gonemaster_db.models import JobStatus, RunStatus, ScheduleOutcome
from gonemaster_db.service.metrics.aggregation import (
    BEYOND,
    DURATION,
    DURATION_BOUNDS_MS,
    DURATION_SUM,
    SEVERITY,
    BatchSums,
    DomainSums,
)
from gonemaster_db.service.metrics.counting import LOOKUPS, OTHERS, QUERIES, SCHEDULED, WAITED_MS, WAITS
from gonemaster_engine.policies.verdict import PolicyResult
from gonemaster_engine.version import __version__

SCHEMA_VERSION = "v1"
CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
MAX_LOCALES = 32
_DURATION_LABELS = (*map(str, DURATION_BOUNDS_MS), BEYOND)


def metrics_document(
    metrics: Metrics,
    *,
    sections: Collection[str],
    limit_domains: int,
    limit_batches: int,
    rate_limit_keys: int,
) -> dict[str, Any]:
    """Return the document with the selected sections except the trends, which are rendered as text."""
    header = {
        "schema_version": SCHEMA_VERSION,
        "server_version": __version__,
        "generated_at": rfc3339(metrics.now),
    }
    makers: dict[str, Callable[[], Any]] = {
        "health": lambda: _health(metrics),
        "jobs": lambda: _jobs(metrics),
        "api": lambda: _api(metrics, rate_limit_keys),
        "quality": lambda: _quality(metrics),
        "insights": lambda: _insights(metrics, limit_domains, limit_batches),
    }
    return header | {name: make() for name, make in makers.items() if name in sections}


def _health(metrics: Metrics) -> dict[str, Any]:
    queries, lookups = metrics.labels(QUERIES), metrics.labels(LOOKUPS)
    settings = metrics.settings
    return {
        "started_at": rfc3339(metrics.started_at),
        "uptime_seconds": round(max(0.0, (metrics.now - metrics.started_at).total_seconds()), 3),
        "worker_count": settings.worker_count,
        "active_workers": max(1, metrics.slots),
        "max_concurrent_jobs": settings.max_concurrent_jobs,
        "queue_paused": metrics.queue_paused,
        "scheduler_enabled": settings.scheduler_enabled,
        "queue_depth": depth_of(metrics),
        "in_flight_jobs": metrics.in_state(JobStatus.RUNNING),
        "dns_queries_total": sum(queries.values()),
        "dns_queries_ipv4_total": queries.get("ipv4", 0),
        "dns_queries_ipv6_total": queries.get("ipv6", 0),
        "dns_cache_hits": lookups.get("hit", 0),
        "dns_cache_misses": lookups.get("miss", 0),
        "dns_cache_evictions": lookups.get("eviction", 0),
        "dns_waits_total": metrics.total(WAITS),
        "dns_waited_seconds_total": metrics.total(WAITED_MS) / 1000,
        "dns_limited_addresses": metrics.limited_addresses,
        "worker_processes": len(metrics.workers),
        "beat_active": metrics.beat_active,
        "broker_reachable": metrics.broker_reachable,
        "queue_age_seconds": queue_ages(metrics),
    }


def queue_ages(metrics: Metrics) -> dict[str, float]:
    """Return the waiting time of the oldest queued job of each tier; 0 if no job is queued."""
    return {
        tier: 0.0 if oldest is None else round(max(0.0, (metrics.now - oldest).total_seconds()), 3)
        for tier, oldest in metrics.oldest.items()
    }


def _jobs(metrics: Metrics) -> dict[str, Any]:
    return {
        "submitted_total": metrics.submitted,
        "started_total": metrics.started,
        "completed_total": metrics.completed,
        "canceled_total": metrics.ended[RunStatus.CANCELED],
        "purged_total": metrics.purged,
        "status_counts": metrics.status_counts,
        "scheduled_runs": scheduled_runs(metrics),
    }


def scheduled_runs(metrics: Metrics) -> dict[str, int]:
    """Return the number of processed schedule occurrences by outcome."""
    found = metrics.labels(SCHEDULED)
    return {outcome.value: found.get(outcome, 0) for outcome in ScheduleOutcome}


def _api(metrics: Metrics, rate_limit_keys: int) -> dict[str, Any]:
    http = metrics.http
    classes = status_classes(http.routes.values())
    return {
        "requests_total": sum(classes.values()),
        "status_class_counts": classes,
        "error_code_counts": http.errors,
        "panics_total": sum(http.exceptions.values()),
        "proxy": {
            "forwarded_headers_stripped_total": http.stripped,
            "rate_limit_keys": rate_limit_keys,
        },
        "checks": {
            "verdict_counts": {verdict.value: http.checks.get(verdict.value, 0) for verdict in PolicyResult},
            "latency_ms": quantiles(http.check_latencies, CHECK_BOUNDS_MS),
            "latency_estimates_ms": estimates(http.check_latencies, CHECK_BOUNDS_MS),
            "reserved_slots": metrics.reserved_check_slots,
            "reserved_slots_in_use": metrics.reserved_check_slots_in_use,
            "running": metrics.running_checks,
        },
        "routes": [_route(route, method, counts) for (route, method), counts in http.routes.items()],
        "mcp_tool_calls": [
            {"tool": tool, "total": sum(outcomes.values()), "failed": outcomes.get("failed", 0)}
            for tool, outcomes in http.tool_calls.items()
        ],
    }


def status_classes(routes: Collection[RouteCounts]) -> dict[str, int]:
    """Return the requests of routes by status class."""
    return {name: sum(counts.classes[name] for counts in routes) for name in CLASSES}


def _route(route: str, method: str, counts: RouteCounts) -> dict[str, Any]:
    classes = status_classes([counts])
    return {
        "route": route,
        "method": method,
        "requests_total": sum(classes.values()),
        "status_class_counts": classes,
        "latency_ms": quantiles(counts.latencies, LATENCY_BOUNDS_MS),
        "latency_estimates_ms": estimates(counts.latencies, LATENCY_BOUNDS_MS),
    }


def duration_buckets(metrics: Metrics) -> list[int]:
    """Return the completed jobs by duration bucket."""
    found = metrics.labels(DURATION)
    return [found.get(label, 0) for label in _DURATION_LABELS]


def _quality(metrics: Metrics) -> dict[str, Any]:
    buckets = duration_buckets(metrics)
    count = sum(buckets)
    severities = metrics.labels(SEVERITY)
    totals = {level: severities.get(level, 0) for level in SEVERITIES}
    return {
        "job_duration_ms": {
            "count": count,
            "avg": round(metrics.total(DURATION_SUM) / count, 3) if count else 0,
            "percentiles": quantiles(buckets, DURATION_BOUNDS_MS),
            "estimates": estimates(buckets, DURATION_BOUNDS_MS),
        },
        "outcomes": _outcomes(metrics),
        "severity": {
            "totals": totals,
            "per_completed_rates": {level: _rate(number, metrics.completed) for level, number in totals.items()},
        },
        "locale_usage": {"counts": locale_usage(metrics)},
    }


def _outcomes(metrics: Metrics) -> dict[str, Any]:
    ended = metrics.ended
    numbers = {
        "success": ended[RunStatus.SUCCEEDED],
        "failed": ended[RunStatus.FAILED],
        "canceled": ended[RunStatus.CANCELED],
    }
    total = sum(numbers.values())
    return {f"{name}_total": number for name, number in numbers.items()} | {
        f"{name}_rate": _rate(number, total) for name, number in numbers.items()
    }


def _rate(number: int, total: int) -> float:
    return round(number / total, 6) if total else 0.0


def locale_usage(metrics: Metrics) -> dict[str, int]:
    """Return how often results were read in each locale: at most 32 locales, the rarest summed up."""
    found = sorted(metrics.http.locales.items(), key=lambda item: (-item[1], item[0]))
    listed = dict(sorted(found[:MAX_LOCALES]))
    rest = sum(number for _, number in found[MAX_LOCALES:])
    return listed | ({OTHERS: rest} if rest else {})


def _insights(metrics: Metrics, limit_domains: int, limit_batches: int) -> dict[str, Any]:
    tally = metrics.tally
    batches = sorted((_batch(sums.id, sums) for sums in tally.batches.values()), key=_batch_order)
    domains = sorted((_domain(name, sums) for name, sums in tally.domains.items()), key=_domain_order)
    shown_batches: dict[str, Any] = {"limit": limit_batches, "items": batches[:limit_batches]}
    shown_domains: dict[str, Any] = {"limit": limit_domains, "items": domains[:limit_domains]}
    if tally.other_batches is not None:
        shown_batches["other"] = _batch(OTHERS, tally.other_batches)
    if tally.other_domains is not None:
        shown_domains["other"] = _domain(OTHERS, tally.other_domains)
    return {"batches": shown_batches, "domains": shown_domains}


def _batch(batch_id: str, sums: BatchSums) -> dict[str, Any]:
    return {
        "batch_id": batch_id,
        "size_total": sums.size,
        "processed_total": sum(sums.ended),
        "outcomes": sums.outcomes,
        "severity_totals": dict(zip(SEVERITIES, sums.severities, strict=True)),
    }


def _batch_order(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return -item["processed_total"], -item["size_total"], item["batch_id"]


def _domain(name: str, sums: DomainSums) -> dict[str, Any]:
    return {
        "domain": name,
        "runs_total": sums.runs,
        "last_status": sums.last_status,
        "avg_duration_ms": round(sums.duration_ms / sums.measured, 3) if sums.measured else 0,
        "severity_totals": dict(zip(SEVERITIES, sums.severities, strict=True)),
    }


def _domain_order(item: Mapping[str, Any]) -> tuple[Any, ...]:
    return -item["runs_total"], -item["avg_duration_ms"], item["domain"]
