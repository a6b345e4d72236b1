"""The metrics: each section and option of the JSON document, each family of the text, and their agreement."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

from gonemaster_api.queries.metrics.latencies import LatencyTrend
from gonemaster_api.queries.metrics.quantiles import estimate, quantile, quantiles
from gonemaster_api.state import NAME, State
from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.batches.batches import create_batch
from gonemaster_db.batches.deletion import delete_batch, purge_finished_before
from gonemaster_db.core.errors import StoreError
from gonemaster_db.core.records import NewBatch
from gonemaster_db.models import RunStatus
from gonemaster_db.service.metrics.aggregation import DURATION_BOUNDS_MS, bucket_of
from gonemaster_db.service.metrics.counting import LOOKUPS, QUERIES, STARTED, Count, add_counts
from gonemaster_db.service.metrics.following import follow_runs
from gonemaster_db.service.metrics.slots import SlotSums, add_to_slots, slots_at
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.control.pause import pause_queue
from tests.support.redis import raw
from tests.support.rows import make_run, queue_job, record

URL = "/api/v1/metrics"
SECTIONS = {"health", "jobs", "api", "quality", "insights", "trends"}
HEADER = {"schema_version", "server_version", "generated_at"}
# metrics.md section 3: family, type, labels
FAMILIES = {
    "build_info": ("gauge", {"version"}),
    "start_time_seconds": ("gauge", set()),
    "worker_count": ("gauge", set()),
    "active_workers": ("gauge", set()),
    "max_concurrent_jobs": ("gauge", set()),
    "queue_paused": ("gauge", set()),
    "scheduler_enabled": ("gauge", set()),
    "queue_depth": ("gauge", set()),
    "database_bytes": ("gauge", set()),
    "in_flight_jobs": ("gauge", set()),
    "dns_external_queries_total": ("counter", {"family"}),
    "dns_cache_lookups_total": ("counter", {"result"}),
    "dns_cache_evictions_total": ("counter", set()),
    "jobs_submitted_total": ("counter", set()),
    "jobs_started_total": ("counter", set()),
    "jobs_completed_total": ("counter", set()),
    "jobs_purged_total": ("counter", set()),
    "jobs_status": ("gauge", {"status"}),
    "job_terminal_outcomes_total": ("counter", {"outcome"}),
    "scheduled_runs_total": ("counter", {"outcome"}),
    "api_requests_total": ("counter", set()),
    "api_requests_by_status_class_total": ("counter", {"status_class"}),
    "api_errors_total": ("counter", {"code"}),
    "api_route_requests_total": ("counter", {"method", "route"}),
    "api_route_requests_by_status_class_total": ("counter", {"method", "route", "status_class"}),
    "api_request_duration_seconds": ("histogram", {"method", "route"}),
    "forwarded_headers_stripped_total": ("counter", set()),
    "rate_limit_keys": ("gauge", set()),
    "mcp_tool_calls_total": ("counter", {"outcome", "tool"}),
    "job_duration_seconds": ("histogram", set()),
    "job_severity_total": ("counter", {"severity"}),
    "result_locale_requests_total": ("counter", {"locale"}),
}
STATES = ["queued", "running", "paused", "succeeded", "failed", "canceled", "expired"]


def shared_of(client: FlaskClient) -> State:
    found: State = client.application.extensions[NAME]
    return found


def get(client: FlaskClient, **query: Any) -> dict[str, Any]:
    """Return the current document, not the cached one."""
    shared_of(client).recent.forget()
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    found: dict[str, Any] = answer.get_json()
    return found


def text(client: FlaskClient) -> str:
    shared_of(client).recent.forget()
    answer = client.get(URL, query_string={"format": "prom", "window": "ignored"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return answer.text


def series(client: FlaskClient) -> dict[str, float]:
    """Return the samples of the text, by name and labels as written."""
    lines = [line for line in text(client).splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.fixture
def fresh(make_app: Any) -> FlaskClient:
    """A client of a new application, which has counted nothing; `client` is shared by all tests of a process."""
    app: Flask = make_app(fresh=True)
    return app.test_client()


def make_batch(parts: QueueParts, size: int) -> str:
    with parts.store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=size), now=now()).id


def now() -> datetime:
    return datetime.now(UTC)


def ended(*levels: str, status: RunStatus = RunStatus.SUCCEEDED) -> Any:
    return record(*levels, status=status, at=now())


def test_an_empty_store_has_every_section_with_zeros(client: FlaskClient) -> None:
    found = get(client)
    assert set(found) == HEADER | SECTIONS
    assert found["schema_version"] == "v1"
    assert datetime.fromisoformat(found["generated_at"]) <= now() + timedelta(minutes=1)
    health = found["health"]
    assert health["active_workers"] == 1
    assert health["worker_count"] == 16
    assert not any(health[name] for name in health if name.startswith("dns_"))
    jobs = found["jobs"]
    assert jobs.pop("status_counts") == dict.fromkeys(STATES, 0)
    assert set(jobs.pop("scheduled_runs").values()) == {0}
    assert set(jobs.values()) == {0}
    assert found["quality"]["job_duration_ms"] == {
        "count": 0, "avg": 0, "percentiles": {"p50": 0, "p90": 0, "p99": 0},
        "estimates": {"p50": 0, "p90": 0, "p99": 0},
    }  # fmt: skip
    assert found["insights"] == {"batches": {"limit": 20, "items": []}, "domains": {"limit": 20, "items": []}}
    windows = found["trends"]["windows"]
    assert {name: (w["resolution_seconds"], len(w["points"])) for name, w in windows.items()} == {
        "1h": (60, 60), "6h": (60, 360), "24h": (300, 288), "48h": (300, 576),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("query", "sections"),
    [
        ({"include": "jobs"}, {"jobs"}),
        ({"include": "api,trends"}, {"api", "trends"}),
        ({"include": "health,all"}, SECTIONS),
        ({"window": "6h", "include": "trends"}, {"trends"}),
    ],
)
def test_only_the_named_sections_follow(client: FlaskClient, query: dict[str, str], sections: set[str]) -> None:
    found = get(client, **query)
    assert set(found) == HEADER | sections
    if "window" in query:
        assert set(found["trends"]["windows"]) == {query["window"]}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "xml"}, "invalid_format"),
        ({"window": "2h"}, "invalid_window"),
        ({"include": "jobs,none"}, "invalid_include"),
        ({"include": ""}, "invalid_include"),
        ({"limit_domains": "0"}, "invalid_limit_domains"),
        ({"limit_domains": "101"}, "invalid_limit_domains"),
        ({"limit_batches": "x"}, "invalid_limit_batches"),
    ],
)
def test_options_out_of_range_are_refused(client: FlaskClient, query: dict[str, str], code: str) -> None:
    answer = client.get(URL, query_string=query)
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (400, code)


def test_the_document_is_kept_for_a_second_per_set_of_options(client: FlaskClient, queue: QueueParts) -> None:
    before = get(client, include="jobs")
    queue_job(queue.store)
    assert client.get(URL, query_string={"include": "jobs"}).get_json() == before
    other = client.get(URL, query_string={"include": "jobs", "limit_domains": 3}).get_json()
    assert other["jobs"]["submitted_total"] == 1


def test_jobs_are_counted_by_what_became_of_them(client: FlaskClient, queue: QueueParts) -> None:
    store = queue.store
    batch_id = make_batch(queue, 3)
    make_run(store, "a.example", ended("ERROR"), batch_id=batch_id)
    make_run(store, "b.example", ended("NOTICE", "NOTICE", status=RunStatus.FAILED), batch_id=batch_id)
    make_run(store, "c.example", ended(status=RunStatus.CANCELED))
    queue_job(store, "d.example")
    with store.transaction() as session:
        add_counts(session, {Count(STARTED): 3})
    found = get(client)
    counts = {"submitted_total": 4, "started_total": 3, "completed_total": 2, "canceled_total": 1, "purged_total": 0}
    assert {name: found["jobs"][name] for name in counts} == counts
    states = dict.fromkeys(STATES, 0) | {"queued": 1, "succeeded": 1, "failed": 1, "canceled": 1}
    assert found["jobs"]["status_counts"] == states
    assert found["health"]["queue_depth"] == 1
    assert found["health"]["queue_age_seconds"]["batch"] == 0
    quality = found["quality"]
    assert quality["outcomes"] == {
        "success_total": 1, "failed_total": 1, "canceled_total": 1,
        "success_rate": 0.333333, "failed_rate": 0.333333, "canceled_rate": 0.333333,
    }  # fmt: skip
    assert quality["severity"]["totals"] == {"NOTICE": 2, "WARNING": 0, "ERROR": 1, "CRITICAL": 0}
    assert quality["severity"]["per_completed_rates"]["NOTICE"] == 1
    assert quality["job_duration_ms"] == {
        "count": 2, "avg": 5000, "percentiles": {"p50": 5000, "p90": 5000, "p99": 5000},
        "estimates": {"p50": 4500, "p90": 4900, "p99": 4990},
    }  # fmt: skip


def test_nothing_goes_backwards_when_runs_are_added_up_and_deleted(client: FlaskClient, queue: QueueParts) -> None:
    store, batch_id = queue.store, make_batch(queue, 2)
    for name in "ab":
        make_run(store, f"{name}.example", ended("ERROR"), batch_id=batch_id)
    make_run(store, "c.example", ended("ERROR"))

    def numbers() -> dict[str, float]:
        return {name: value for name, value in series(client).items() if "_job" in name and "status" not in name}

    seen = numbers()
    assert seen['gonemaster_job_severity_total{severity="ERROR"}'] == 3
    for change in (
        lambda session: follow_runs(session, now=now()),
        lambda session: delete_batch(session, batch_id),
        lambda session: purge_finished_before(session, now() + timedelta(hours=1)),
        lambda session: follow_runs(session, now=now()),
    ):
        with store.transaction() as session:
            change(session)
        raw(queue.broker).flushall()
        assert numbers() == seen


def test_insights_are_in_order_and_cut(client: FlaskClient, queue: QueueParts) -> None:
    store = queue.store
    small, large = make_batch(queue, 2), make_batch(queue, 5)
    for batch_id in (small, large):
        make_run(store, "b.example", ended("WARNING"), batch_id=batch_id)
    make_run(store, "a.example", ended("ERROR"), batch_id=large)
    make_run(store, "c.example", ended(status=RunStatus.FAILED))
    found = get(client, include="insights", limit_domains=2)["insights"]
    assert [(item["batch_id"], item["size_total"], item["processed_total"]) for item in found["batches"]["items"]] == [
        (large, 5, 2),
        (small, 2, 1),
    ]
    assert found["batches"]["items"][0]["outcomes"] == {"succeeded": 2, "failed": 0, "canceled": 0, "expired": 0}
    assert found["domains"]["limit"] == 2
    assert [item["domain"] for item in found["domains"]["items"]] == ["b.example", "a.example"]
    assert found["domains"]["items"][0] == {
        "domain": "b.example", "runs_total": 2, "last_status": "succeeded", "avg_duration_ms": 5000,
        "severity_totals": {"NOTICE": 0, "WARNING": 2, "ERROR": 0, "CRITICAL": 0},
    }  # fmt: skip
    assert "other" not in found["domains"]


def test_the_course_has_rates_and_carries_the_depth_forward(client: FlaskClient, queue: QueueParts) -> None:
    store, moment = queue.store, now() - timedelta(minutes=10)
    sums = SlotSums(queue_depth=7, dns_queries_ipv4=600, dns_queries_ipv6=60, cache_hits=3, cache_misses=1)
    with store.transaction() as session:
        add_to_slots(session, dict.fromkeys(slots_at(moment.timestamp()), sums))
    make_run(store, "a.example", record("ERROR", status=RunStatus.FAILED, at=moment))
    for followed in (False, True):
        if followed:
            with store.transaction() as session:
                follow_runs(session, now=now())
        points = get(client, include="trends", window="1h")["trends"]["windows"]["1h"]["points"]
        (place,) = [number for number, point in enumerate(points) if point["throughput"]]
        point = points[place]
        assert datetime.fromisoformat(point["timestamp"]) == moment.replace(second=0, microsecond=0)
        assert (point["throughput"], point["failed"], point["severity"]["ERROR"]) == (1, 1, 1)
        assert (point["dns_queries_per_second"], point["dns_queries_ipv4_per_second"]) == (11, 10)
        assert point["dns_cache_hit_rate"] == 0.75
        assert {earlier["queue_depth"] for earlier in points[:place]} == {0}
        assert {later["queue_depth"] for later in points[place:]} == {7}


def test_requests_are_counted_by_route_class_and_code(fresh: FlaskClient) -> None:
    for path in ("/api/v1/healthz", "/api/v1/healthz", "/api/v1/runs/job_none", "/api/v1/nowhere", "/pub/api/v1/x"):
        fresh.get(path)
    fresh.open("/api/v1/healthz", method="BREW")
    fresh.get("/static/app.css").close()
    api = get(fresh, include="api")["api"]
    routes = {(item["route"], item["method"]): item for item in api["routes"]}
    assert list(routes) == sorted(routes)
    assert routes["/api/v1/healthz", "GET"]["requests_total"] == 2
    assert routes["/api/v1/runs/<run_id>", "GET"]["status_class_counts"]["4xx"] == 1
    assert ("/api/v1/unknown", "GET") in routes
    assert ("/pub/api/v1/unknown", "GET") in routes
    assert ("/api/v1/unknown", "OTHER") in routes, "clients cannot make series up"
    assert not any("static" in route for route, _ in routes)
    assert api["error_code_counts"]["not_found"] == 3
    assert api["requests_total"] == sum(api["status_class_counts"].values()) == 6
    assert set(routes["/api/v1/healthz", "GET"]["latency_ms"]) == {"p50", "p90", "p99"}
    LatencyTrend(http_metrics(fresh.application), shared_of(fresh).store).write()
    points = get(fresh, include="trends", window="1h")["trends"]["windows"]["1h"]["points"]
    assert any("GET /api/v1/healthz" in point.get("api_p90_ms", {}) for point in points[-2:])


def broken(**_: Any) -> str:
    raise RuntimeError("a fault of the service")


@pytest.mark.expects_500
def test_unexpected_exceptions_and_stripped_headers_are_counted(make_app: Any) -> None:
    app: Flask = make_app(fresh=True)
    app.view_functions["system.Health"] = broken
    client = app.test_client()
    assert client.get("/api/v1/healthz").status_code == 500
    client.get("/api/v1/readyz", headers={"X-Forwarded-For": "192.0.2.1"})
    api = get(client, include="api")["api"]
    assert api["panics_total"] == 1
    assert api["error_code_counts"]["internal_error"] == 1
    assert api["proxy"]["forwarded_headers_stripped_total"] == 1


def test_results_are_counted_by_the_locale_that_was_shown(fresh: FlaskClient, queue: QueueParts) -> None:
    run = make_run(queue.store)
    for locale in ("en", "en-GB", "xx"):  # there are no other texts
        assert fresh.get(f"/api/v1/runs/{run.id}/result?locale={locale}").status_code == 200
    assert get(fresh, include="quality")["quality"]["locale_usage"]["counts"] == {"en": 3}


def test_at_most_32_locales_are_shown(fresh: FlaskClient) -> None:
    for number in range(40):
        http_metrics(fresh.application).locales.labels(f"l{number:02}").inc(2 if number < 32 else 1)
    counts = get(fresh, include="quality")["quality"]["locale_usage"]["counts"]
    assert len(counts) == 33
    assert counts["_other"] == 8


def test_calls_of_tools_and_clients_under_limits_are_shown(fresh: FlaskClient, queue: QueueParts) -> None:
    calls = http_metrics(fresh.application).tool_calls
    calls.labels("ok", "ping").inc(2)
    calls.labels("failed", "ping").inc()
    raw(queue.broker).set("gm:attempts:login:192.0.2.1", 3, ex=60)
    api = get(fresh, include="api")["api"]
    assert api["mcp_tool_calls"] == [{"tool": "ping", "total": 3, "failed": 1}]
    assert api["proxy"]["rate_limit_keys"] == 1
    assert series(fresh)['gonemaster_mcp_tool_calls_total{outcome="failed",tool="ping"}'] == 1


def test_every_family_has_its_type_and_labels(client: FlaskClient, queue: QueueParts) -> None:
    make_run(queue.store, outcome=ended("ERROR"))
    client.get("/api/v1/runs/job_none")
    client.get(f"/api/v1/runs/{make_run(queue.store).id}/result")
    http_metrics(client.application).tool_calls.labels("ok", "ping").inc()
    get(client)
    body = text(client)
    types = dict(re.findall(r"^# TYPE gonemaster_(\S+) (\S+)$", body, re.MULTILINE))
    assert {name: types.get(name) for name in FAMILIES} == {name: kind for name, (kind, _) in FAMILIES.items()}
    found = {family.name: family for family in text_string_to_metric_families(body)}
    for name, (_, labels) in FAMILIES.items():
        family = found["gonemaster_" + name.removesuffix("_total")]
        assert family.samples, name
        assert {label for sample in family.samples for label in sample.labels} - {"le"} == labels, name
    for line in body.splitlines():
        if "{" in line and not line.startswith("#"):
            names = re.findall(r'(\w+)="', line)
            assert names == sorted(names), line


def test_the_text_says_what_the_document_says(client: FlaskClient, queue: QueueParts) -> None:
    make_run(queue.store, "a.example", ended("ERROR"))
    queue_job(queue.store, "b.example")
    pause_queue(queue, paused_by="ops")
    with queue.store.transaction() as session:
        add_counts(session, {Count(QUERIES, "ipv4"): 5, Count(LOOKUPS, "miss"): 4, Count(LOOKUPS, "eviction"): 2})
    document, found = get(client), series(client)
    assert found["gonemaster_queue_paused"] == document["health"]["queue_paused"] == 1
    assert found['gonemaster_dns_external_queries_total{family="ipv4"}'] == 5
    assert document["health"]["dns_queries_total"] == 5
    assert found['gonemaster_dns_cache_lookups_total{result="miss"}'] == 4
    assert found["gonemaster_dns_cache_evictions_total"] == document["health"]["dns_cache_evictions"] == 2
    assert found["gonemaster_jobs_submitted_total"] == document["jobs"]["submitted_total"] == 2
    for state in STATES:
        name = f'gonemaster_jobs_status{{status="{state}"}}'
        assert found[name] == document["jobs"]["status_counts"][state]
    assert found['gonemaster_job_duration_seconds_bucket{le="2.5"}'] == 0
    assert found['gonemaster_job_duration_seconds_bucket{le="5.0"}'] == 1
    assert found['gonemaster_job_duration_seconds_bucket{le="+Inf"}'] == found["gonemaster_job_duration_seconds_count"]
    assert found["gonemaster_job_duration_seconds_sum"] == 5
    assert found['gonemaster_queue_issues{kind="beat_absent"}'] == 1


def test_without_the_broker_the_rest_is_shown(client: FlaskClient, queue: QueueParts, make_app: Any) -> None:
    app = make_app()
    state: State = app.extensions[NAME]
    state.broker._client.connection_pool.disconnect()
    state.broker._client.connection_pool.connection_kwargs["path"] = "/nonexistent"
    found = get(app.test_client(), include="health")["health"]
    assert (found["broker_reachable"], found["worker_processes"], found["active_workers"]) == (False, 0, 1)
    assert series(app.test_client())["gonemaster_broker_reachable"] == 0


@pytest.mark.expects_500
def test_a_database_that_does_not_answer_is_a_metrics_error(client: FlaskClient, queue: QueueParts) -> None:
    with queue.store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE metric_counters")
    shared_of(client).recent.forget()
    for query in ({}, {"format": "prom"}):
        answer = client.get(URL, query_string=query)
        assert (answer.status_code, answer.get_json()["error"]["code"]) == (500, "metrics_error")


def test_requests_that_the_server_refuses_are_counted_by_code(fresh: FlaskClient) -> None:
    http_metrics(fresh.application).count_code("overloaded")
    assert get(fresh, include="api")["api"]["error_code_counts"] == {"overloaded": 1}


def p90_of_now(client: FlaskClient) -> Any:
    point = get(client, include="trends", window="1h")["trends"]["windows"]["1h"]["points"][-1]
    return point.get("api_p90_ms", {}).get("GET /api/v1/healthz")


def test_latencies_are_kept_while_they_cannot_be_written(fresh: FlaskClient, queue: QueueParts) -> None:
    trend = LatencyTrend(http_metrics(fresh.application), queue.store)
    fresh.get("/api/v1/healthz")
    with queue.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE metric_latencies RENAME TO elsewhere")
    with pytest.raises(StoreError):
        trend.write()
    with queue.store.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO metric_latencies")
    assert p90_of_now(fresh) is None
    trend.write()
    trend.write()
    assert p90_of_now(fresh) > 0


def test_processes_of_a_host_show_the_sum_of_their_counts(tmp_path: Path) -> None:
    """Two processes count, one of them stops, and a third that starts later reports the requests of both."""
    script = (
        "import sys; from flask import Flask; from gonemaster_api.queries.metrics.http import read_http_counts;"
        "from gonemaster_api.web.exporter import http_metrics, register_exporter; app = Flask('x');"
        "app.add_url_rule('/x', 'x', lambda: 'x'); register_exporter(app); client = app.test_client();"
        "[client.get('/x') for _ in range(int(sys.argv[1]))];"
        "counts = read_http_counts(http_metrics(app).host_metrics());"
        "print({key.route: found for key, found in counts.routes.items()})"
    )
    environ = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    commands = [[sys.executable, "-c", script, number] for number in ("2", "3", "0")]
    shown = [subprocess.run(command, env=environ, stdout=subprocess.PIPE, check=True).stdout for command in commands]
    assert [f"'2xx': {number}".encode() in text for number, text in zip((2, 5, 5), shown, strict=True)] == [True] * 3


@pytest.mark.parametrize(
    ("numbers", "q", "value"),
    [([0, 0, 0], 0.5, 0), ([1, 0, 0], 0.99, 10), ([1, 1, 0], 0.5, 10), ([1, 1, 0], 0.51, 20), ([0, 0, 5], 0.5, 20)],
)
def test_quantile_is_the_bound_of_its_bucket(numbers: list[int], q: float, value: int) -> None:
    assert quantile(numbers, (10, 20), q) == value
    assert set(quantiles(numbers, (10, 20))) == {"p50", "p90", "p99"}


@pytest.mark.parametrize(
    ("numbers", "q", "value"),
    [([0, 0, 0], 0.5, 0), ([4, 0, 0], 0.5, 5), ([1, 1, 0], 0.75, 15), ([0, 3, 1], 0.5, 16.7), ([0, 0, 5], 0.5, 20)],
)
def test_estimate_is_interpolated_within_its_bucket(numbers: list[int], q: float, value: float) -> None:
    """The values are those of histogram_quantile."""
    assert estimate(numbers, (10, 20), q) == value


def test_a_test_of_a_second_has_a_median_of_about_a_second() -> None:
    numbers = [0] * (len(DURATION_BOUNDS_MS) + 1)
    numbers[bucket_of(1050, DURATION_BOUNDS_MS)] = 10
    assert 1000 < estimate(numbers, DURATION_BOUNDS_MS, 0.5) <= 1500
