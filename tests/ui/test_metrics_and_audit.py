"""The metrics page, the audit log, and the aggregation of points into columns."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from gonemaster_api.ui.admin.metrics.series import MAX_COLUMNS, MetricsSeries
from gonemaster_api.ui.shell.texts.formats import axis, percentile
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.service.metrics.aggregation import DURATION_BOUNDS_MS
from gonemaster_db.service.metrics.slots import SlotSums, add_to_slots


def points(count: int, resolution_s: int = 300, **values: Any) -> dict[str, Any]:
    """Return a trend in the format of the metrics."""
    start = datetime(2026, 11, 25, tzinfo=UTC)
    nothing = {
        "throughput": 0, "failed": 0, "queue_depth": 0, "dns_queries_per_second": 0.0,
        "dns_queries_ipv4_per_second": 0.0, "dns_queries_ipv6_per_second": 0.0,
        "dns_cache_hit_rate": 0.0, "severity": {},
    }  # fmt: skip
    made = [
        nothing | values | {"timestamp": (start + timedelta(seconds=index * resolution_s)).isoformat()}
        for index in range(count)
    ]
    return {"resolution_seconds": resolution_s, "points": made}


@pytest.mark.parametrize("count", [0, 1, 60, 71, 72, 73, 288, 360, 576])
def test_columns_lose_no_point(count: int) -> None:
    course = MetricsSeries.of(points(count, throughput=3, failed=1, severity={"ERROR": 2}))
    assert len(course.columns) <= MAX_COLUMNS + 1
    assert course.finished == 3 * count
    assert course.hours == pytest.approx(count * 300 / 3600)
    assert sum(column.severity["ERROR"] for column in course.columns) == 2 * count
    starts = course.values("start")
    assert starts == sorted(set(starts))
    for column in course.columns:
        assert [key for key, _ in column.jobs] == ["s1", "error"]
        assert [rate for _, rate in column.jobs] == pytest.approx([0.4, 0.2])


def test_what_was_not_measured_is_a_gap() -> None:
    nothing = MetricsSeries.of(points(1)).columns[0]
    assert (nothing.hit_percent, nothing.slowest_ms, nothing.median_ms) == (None, None, None)
    latencies = {"GET /a": 10, "GET /b": 50, "GET /c": 100}
    asked = MetricsSeries.of(
        points(1, dns_queries_per_second=2.0, dns_cache_hit_rate=0.25, api_p90_ms=latencies)
    ).columns[0]
    assert (asked.hit_percent, asked.slowest_ms, asked.median_ms) == (25, 100, 50)


@pytest.mark.parametrize("window", ["1h", "6h", "24h", "48h", "7d", "30d"])
def test_metrics_of_each_window(client: FlaskClient, window: str) -> None:
    page = client.get(f"/statistics?window={window}")
    assert page.status_code == 200
    assert page.text.count('class="plot"') == 6
    assert 'data-refresh="10"' in page.text
    part = client.get(f"/statistics?window={window}", headers={"X-Partial": "figures"}).text
    assert part.strip().startswith('<div class="stack-y" data-partial="figures"')


def test_a_long_window_shows_the_hours_of_a_month(client: FlaskClient, store: Store) -> None:
    week_ago = int(utcnow().timestamp() - 6 * 86_400) // 3600 * 3600
    with store.transaction() as session:
        add_to_slots(session, {(3600, week_ago): SlotSums(throughput=7)})
    page = client.get("/statistics?window=7d").text
    assert "<dt>Finished</dt><dd>7</dd>" in page
    assert 'aria-current="true">7 days</a>' in page
    labels = re.findall(r"<span>(\d+ \w{3})</span>", page)
    assert len(labels) == 4 * 6  # four days and "now" below each of six charts
    assert "<dt>Finished</dt><dd>0</dd>" in client.get("/statistics?window=48h").text


def test_percentile_beyond_the_last_bound_says_over() -> None:
    with Flask(__name__).test_request_context():
        assert percentile(1250.0, DURATION_BOUNDS_MS) == "1.2\u00a0s"
        assert percentile(DURATION_BOUNDS_MS[-1], DURATION_BOUNDS_MS) == "over 10\u00a0min 00\u00a0s"


@pytest.mark.parametrize(
    ("hours", "labels"),
    [(0, ["09:51"]), (6, ["09:51", "15:51"]), (72, ["26 Nov", "29 Nov"]), (8760, ["26 Nov 2026", "26 Nov 2027"])],
)
def test_labels_of_a_time_axis_are_as_short_as_its_length_allows(hours: int, labels: list[str]) -> None:
    start = datetime(2026, 11, 26, 9, 51, tzinfo=UTC)
    with Flask(__name__).test_request_context():
        assert axis([start, start + timedelta(hours=hours)][: len(labels)]) == labels


@pytest.mark.parametrize(
    ("seconds", "first", "last"),
    [(60, "09:51:00", "09:52:00"), (240, "09:51", "09:55"), (3 * 86400, "26 Nov 09:51", "29 Nov 09:51")],
)
def test_neighbouring_labels_of_a_time_axis_differ(seconds: int, first: str, last: str) -> None:
    start = datetime(2026, 11, 26, 9, 51, tzinfo=UTC)
    with Flask(__name__).test_request_context():
        labels = axis([start + timedelta(seconds=seconds * part / 4) for part in range(5)])
    assert (labels[0], labels[-1], len(set(labels))) == (first, last, 5)


def test_an_invalid_window_is_reported_and_the_default_shown(client: FlaskClient) -> None:
    page = client.get("/statistics?window=2y&limit_domains=0")
    assert page.status_code == 400
    assert "invalid_window" in page.text
    assert "invalid_limit_domains" in page.text
    assert page.text.count('class="plot"') == 6


def test_audit_shows_and_filters_actions(client: FlaskClient) -> None:
    reason = "<script>alert(1)</script>"
    client.post("/api/v1/queue/pause", json={"tier": "batch", "reason": reason})
    client.post("/api/v1/queue/resume", json={})
    page = client.get("/audit").text
    assert page.count("<code>queue.") == 2
    assert "<script>alert" not in page
    assert client.get("/audit?action=queue.pause").text.count("<code>queue.") == 1
    assert "No matching actions" in client.get("/audit?who=nobody").text


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid_limit"),
        ("cursor=x", "invalid_cursor"),
        ("after=2026-01-02T00:00:00Z&before=2026-01-01T00:00:00Z", "invalid_time_range"),
    ],
)
def test_audit_says_what_was_wrong(client: FlaskClient, query: str, code: str) -> None:
    page = client.get(f"/audit?{query}")
    assert page.status_code == 400
    assert code in page.text
