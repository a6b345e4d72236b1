"""A scan whose worker is killed is repeated once, after its lease; what the dead worker knew is not stored."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.core.settings import StoreSettings
from gonemaster_db.models import ObservedZone
from gonemaster_engine.automation.observation import DEADLINE_S
from gonemaster_tasks.config.settings import Settings
from tests.db.service.test_observed_zones import cds_watch, tag
from tests.engine.automation.test_observation import rolling
from tests.support.case_runs import A2
from tests.support.dnssec_worlds import ZONE, with_fault
from tests.support.dnsworld import World, faults
from tests.support.threads import together
from tests.tasks.maintenance.test_observing import decisions, scan, served

LEASE = timedelta(seconds=DEADLINE_S + 60)


def scan_in_process(store_settings: StoreSettings, settings: Settings) -> None:
    store = open_store(store_settings)
    scan(store, settings, now=utcnow())


def cds_queries(world: World) -> int:
    """Return how often the servers of the zone were asked for CDS records."""
    return sum(one.type == "CDS" and str(one.name) == f"{ZONE}." for one in world.log)


@pytest.mark.timeout(300)
def test_a_scan_of_a_killed_worker_is_repeated_once(
    store: Store, store_settings: StoreSettings, tmp_path: Path
) -> None:
    cds_watch(store)
    tag(store, ZONE)
    is_free, asked = threading.Event(), threading.Event()

    def may_answer() -> bool:
        asked.set()
        return is_free.is_set()

    world = with_fault(rolling(), faults.hold(may_answer), A2, qtype="CDS")
    start = utcnow()
    with served(world, tmp_path) as settings:
        worker = multiprocessing.get_context("spawn").Process(target=scan_in_process, args=(store_settings, settings))
        worker.start()
        assert asked.wait(120)
        os.kill(worker.pid or 0, signal.SIGKILL)
        worker.join()
        is_free.set()
        with store.read_only() as session:
            (zone,) = session.scalars(select(ObservedZone))
            assert zone.observed_at is None
            assert zone.next_at > utcnow()
        assert scan(store, settings, now=utcnow()) == 0  # the lease of the dead worker
        before = cds_queries(world)
        later = utcnow() + LEASE
        counts = together(*[lambda: scan(store, settings, now=later)] * 3)
        assert sorted(count for count in counts if isinstance(count, int)) == [0, 0, 1]
        assert cds_queries(world) - before == 2  # once at each of the two servers
    assert decisions(store) == [("replace", "rollover")]
    with store.read_only() as session:
        (zone,) = session.scalars(select(ObservedZone))
        assert zone.observed_at is not None
        assert zone.observed_at >= start + LEASE
