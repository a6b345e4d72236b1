"""Zones of CDS watches are scanned by the engine, and what they request becomes decisions and notifications."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import CdsDecision, Delivery, ObservedZone
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.watches.decisions import decision_document, secdns_update
from gonemaster_tasks.maintenance.watches.observing import ZoneWatching
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from tests.db.service.test_observed_zones import cds_watch, tag
from tests.engine.automation.test_observation import rolling
from tests.support.dnssec_worlds import ZONE
from tests.support.dnsworld import World
from tests.support.threads import together

DAY = timedelta(days=1)


@contextmanager
def served(world: World, directory: Path) -> Iterator[Settings]:
    with world:
        hints = world.write_hints(directory / "root.hints")
        yield Settings(root_hints_path=hints, dns_port=world.port, allow_non_global=True, timeout=2, retry=1)


def scan(store: Store, settings: Settings, *, now: datetime, stopped: bool = False) -> int:
    """Observe what is due, at a time of the service and of the engine."""

    async def whole() -> int:
        runner = EngineRunner(LiveSettings(settings), clock=now.timestamp)
        await runner.open()
        try:
            watching = ZoneWatching(store, runner, lambda: now, lambda: stopped)
            return await watching.observe_due() if watching.is_due() else 0
        finally:
            await runner.close()

    return asyncio.run(whole())


def decisions(store: Store) -> list[tuple[str, str]]:
    with store.read_only() as session:
        return [(row.action, row.reason) for row in session.scalars(select(CdsDecision).order_by(CdsDecision.key))]


def test_a_request_is_decided_after_the_hold_down_and_sent(store: Store, tmp_path: Path) -> None:
    watch = cds_watch(
        store, hold_down_s=3 * 86_400, interval_s=86_400, url="https://hook.example/", host="hook.example"
    )
    tag(store, ZONE)
    start = utcnow()
    with served(rolling(), tmp_path) as settings:
        assert scan(store, settings, now=start) == 1
        assert scan(store, settings, now=start) == 0  # not due
        assert decisions(store) == []
        for day in (2, 4, 6):
            assert scan(store, settings, now=start + day * DAY) == 1
    assert decisions(store) == [("replace", "rollover")]
    with store.read_only() as session:
        (delivery,) = session.scalars(select(Delivery).where(Delivery.watch_id == watch.id))
        body = json.loads(delivery.body or "")
        (decision,) = session.scalars(select(CdsDecision))
    (event,) = body["events"]
    assert (body["event"], event["domain"], event["action"]) == ("cds.decided", ZONE, "replace")
    assert (event["decision_id"], event["epp"]) == (decision.key, decision_document(decision)["epp"])
    assert len(event["ds"]) == 2
    assert event["current_ds"][0] in event["ds"]
    evidence = json.loads(decision.evidence)
    assert {view["address"] for view in evidence["servers"]} == {"127.9.1.1", "127.9.2.1"}
    assert evidence["servers"][0]["sets"]["CDS"]["signed_by"]


def test_a_mail_lists_decisions_and_a_watch_may_have_no_receiver(store: Store, tmp_path: Path) -> None:
    silent = cds_watch(store)
    mailing = cds_watch(store, email="ops@example.com")
    tag(store, ZONE)
    with served(rolling(), tmp_path) as settings:
        assert scan(store, settings, now=utcnow()) == 2
    assert decisions(store) == [("replace", "rollover")] * 2
    with store.read_only() as session:
        (mail,) = session.scalars(select(Delivery))
    assert mail.watch_id == mailing.id != silent.id
    assert f"{ZONE}: replace (rollover)" in (mail.body or "")


def test_processes_share_the_zones_and_decide_each_once(store: Store, tmp_path: Path) -> None:
    cds_watch(store)
    tag(store, ZONE, *(f"d{number}.xa" for number in range(30)))
    with served(rolling(), tmp_path) as settings:
        now = utcnow()
        counts = together(*[lambda: scan(store, settings, now=now)] * 3)
    assert sum(count for count in counts if isinstance(count, int)) == 31
    assert decisions(store) == [("replace", "rollover")]


def test_a_stopped_process_observes_nothing(store: Store, tmp_path: Path) -> None:
    cds_watch(store)
    tag(store, ZONE)
    with served(rolling(), tmp_path) as settings:
        assert scan(store, settings, now=utcnow(), stopped=True) == 0
    with store.read_only() as session:
        assert session.scalars(select(ObservedZone.observed_at)).all() == [None]


DS, OTHER = "1 13 2 AB", "2 13 2 CD"


def elements(text: str) -> str:
    tag_, algorithm, digest_type, digest = text.split()
    fields = {"keyTag": tag_, "alg": algorithm, "digestType": digest_type, "digest": digest}
    return "".join(f"<secDNS:{name}>{value}</secDNS:{name}>" for name, value in fields.items())


REM = "<secDNS:rem><secDNS:all>true</secDNS:all></secDNS:rem>"
EPP: dict[str, tuple[tuple[Any, ...], str | None]] = {
    "add": (("add", [DS], []), f"<secDNS:add><secDNS:dsData>{elements(DS)}</secDNS:dsData></secDNS:add>"),
    "replace": (
        ("replace", [OTHER], [DS]),
        f"{REM}<secDNS:add><secDNS:dsData>{elements(OTHER)}</secDNS:dsData></secDNS:add>",
    ),
    "remove": (("remove", [], [DS]), REM),
    "refuse": (("refuse", [], [DS]), None),
}


@pytest.mark.parametrize("name", EPP)
def test_a_decision_as_an_update_of_epp(name: str) -> None:
    given, inner = EPP[name]
    opening = '<secDNS:update xmlns:secDNS="urn:ietf:params:xml:ns:secDNS-1.1">'
    assert secdns_update(*given) == (None if inner is None else f"{opening}{inner}</secDNS:update>")
