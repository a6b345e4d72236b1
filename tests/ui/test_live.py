"""A running test that one can watch: the page draws what the worker has found so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_api.ui.shell.charts.live import live_test
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, Priority
from gonemaster_tasks.broker.events import FOUND, JobEvent
from gonemaster_tasks.control.parts import QueueParts
from tests.support.rows import NOON, claim, queue_job

HTML = {"Accept": "text/html"}
HOSTILE = '"><script>x</script>\u202e.example'
ZONES = [
    {"zone": ".", "servers": [{"ns": "k.root-servers.net", "addresses": [["193.0.14.129", "ok", 9.2]]}], "more": 12},
    {"zone": "example", "servers": [{"ns": "a.nic.example", "addresses": [["192.0.2.30", "asking", None]]}], "more": 0},
    {
        "zone": "a.example",
        "servers": [
            {"ns": HOSTILE, "addresses": [["192.0.2.53", "silent", None], ["2001:db8::53", "none", None]]},
            {"ns": "gone.example", "addresses": []},
        ],
        "more": 0,
    },
]
DOCUMENT = {
    "zones": ZONES,
    "modules": [["BASIC", 3, 3], ["DNSSEC", 4, 23], ["ZONE", 0, 13]],
    "queries": 118,
    "levels": {"WARNING": 1},
}


def running_job(store: Store, queue: QueueParts, found: Any = DOCUMENT, started_at: datetime = NOON) -> Job:
    """Return a running public job about which a worker has published what it found."""
    job = queue_job(store, "a.example", public_id=new_public_id())
    claim(store, job.id, now=started_at)
    queue.broker.events.watch(job.id)
    queue.broker.events.publish(job.id, JobEvent(FOUND, found))
    return job


@pytest.mark.parametrize("page", ["/public/result/{public_id}", "/jobs/{id}"])
def test_page_draws_what_was_found(client: FlaskClient, store: Store, queue: QueueParts, page: str) -> None:
    job = running_job(store, queue)
    text = client.get(page.format(public_id=job.public_id, id=job.id), headers=HTML).text
    assert 'class="chain way"' in text
    for part in (
        "Root zone",
        "k.root-servers.net",
        "12 more",
        "9\xa0ms",
        "querying",
        "no response",
        "no address",
        "7 of 39",
    ):
        assert part in text
    assert "Querying the name servers of the zone" in text
    assert "118 queries" in text
    assert "<script>x" not in text
    assert "\u202e" not in text
    assert "4 of 23" in text
    assert "no address" in text


def test_new_run_is_refreshed_each_second(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    job = running_job(store, queue, started_at=utcnow())
    assert 'data-refresh="1"' in client.get(f"/jobs/{job.id}", headers=HTML).text
    text = client.get(f"/public/result/{job.public_id}", headers=HTML).text
    assert '<noscript><meta http-equiv="refresh" content="1"></noscript>' in text
    assert 'class="waylist"' in text


def test_viewer_of_a_waiting_test_is_noted_in_time(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    job = queue_job(store, "a.example", public_id=new_public_id())
    client.get(f"/public/result/{job.public_id}", headers=HTML)
    queue.broker.events.publish_many([])
    claim(store, job.id)
    queue.broker.events.publish(job.id, JobEvent(FOUND, DOCUMENT))
    assert 'class="chain way"' in client.get(f"/public/result/{job.public_id}", headers=HTML).text


def test_batch_job_is_not_watched(client: FlaskClient, store: Store, queue: QueueParts) -> None:
    job = queue_job(store, "a.example", priority=Priority.BATCH)
    claim(store, job.id)
    queue.broker.events.publish(job.id, JobEvent(FOUND, DOCUMENT))
    assert 'class="chain way"' not in client.get(f"/jobs/{job.id}", headers=HTML).text


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "x",
        {},
        DOCUMENT | {"zones": [{"zone": "a"}]},
        DOCUMENT | {"modules": [["A"]]},
        DOCUMENT | {"levels": 1},
    ],
)
def test_document_of_another_release_is_not_drawn(document: Any) -> None:
    assert live_test("a.example", document) is None


@pytest.mark.parametrize(
    ("zones", "phase"),
    [(0, "Querying the root servers"), (1, "Querying the root servers"), (2, "Querying the name servers of example")],
)
def test_phase_follows_the_way(client: FlaskClient, store: Store, queue: QueueParts, zones: int, phase: str) -> None:
    job = running_job(store, queue, DOCUMENT | {"zones": ZONES[:zones]})
    assert phase in client.get(f"/public/result/{job.public_id}", headers=HTML).text
