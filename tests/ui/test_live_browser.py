"""A running test in a browser: the drawing follows the worker without a reload, and is replaced by the result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.core.session import Store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import Job
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.broker.events import FOUND, JobEvent
from tests.support.browser import Site, check_screen, shapes
from tests.support.rows import claim, finish_job, queue_job, record
from tests.support.stores import opened
from tests.ui.public_runs import ENTRIES
from tests.ui.test_live import DOCUMENT, ZONES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.timeout(180)

expect = pytest.importorskip("playwright.sync_api").expect


@pytest.fixture(scope="module")
def store(site: Site) -> Iterator[Store]:
    """Open the database of the service."""
    with opened(StoreSettings(dsn=str(site.service.data_dir / "gonemaster.db"))) as store:
        yield store


@pytest.fixture(scope="module")
def broker(site: Site) -> Iterator[Broker]:
    """Open the Redis of the service."""
    broker = Broker.open(f"redis+socket://{site.service.data_dir}/redis/redis.sock")
    yield broker
    broker.close()


def running(store: Store, broker: Broker, zones: int) -> Job:
    """Return a running job, after its worker has found some zones."""
    job = claim(store, queue_job(store, "a.example", now=utcnow(), public_id=new_public_id()).id, now=utcnow())
    report(broker, job, zones)
    return job


def report(broker: Broker, job: Job, zones: int) -> None:
    broker.events.watch(job.id)
    broker.events.publish(job.id, JobEvent(FOUND, DOCUMENT | {"zones": ZONES[:zones]}))


@shapes()
def test_running_test_is_a_good_screen(page: Page, site: Site, store: Store, broker: Broker) -> None:
    job = running(store, broker, 3)
    for path in (f"/public/result/{job.public_id}", f"/jobs/{job.id}?follow=off"):
        page.goto(site.url + path)
        expect(page.locator("#cases li")).to_have_count(3)
        check_screen(page)
    finish_job(store, job, record(entries=ENTRIES))


def test_drawing_follows_the_worker_without_a_reload(page: Page, site: Site, store: Store, broker: Broker) -> None:
    job = running(store, broker, 1)
    page.goto(f"{site.url}/public/result/{job.public_id}")
    expect(page.locator("#way")).to_contain_text("k.root-servers.net")
    page.evaluate("window.isTheSamePage = true")
    for zones, text in ((2, "Querying the name servers of example"), (3, "Querying the name servers of the zone")):
        report(broker, job, zones)
        expect(page.locator("#way")).to_contain_text(text, timeout=30_000)
    assert page.evaluate("window.isTheSamePage")
    finish_job(store, job, record(entries=ENTRIES))
    expect(page.locator("#findings")).to_be_visible(timeout=30_000)
