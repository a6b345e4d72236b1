"""Knot rolls its keys in seconds: the registry follows its CDS records, and a watch judges each step."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import CdsDecision, Delivery, Watch, WatchEvent, WatchKind
from gonemaster_db.service.rollover_spans import read_spans
from gonemaster_engine.automation.rollover import FaultKind, Judgement, RolloverVerdict
from gonemaster_tasks.config.live import LiveSettings
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.maintenance.watches.observing import ZoneWatching
from gonemaster_tasks.maintenance.watches.rollovers import judge_spans
from gonemaster_tasks.worker.execute.engine_runner import EngineRunner
from tests.db.service.test_observed_zones import cds_watch
from tests.db.service.test_watches import make_watch
from tests.support.case_runs import A1, A2, NS1, NS2
from tests.support.dnsworld import World, delegation
from tests.support.knot import IS_MISSING, Knot, knot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(IS_MISSING, reason="NOT RUN: no knotd on this machine (Debian: knot)"),
]

ZONE, PARENT = "example.xa", "127.8.1.1"
RECORDS = f"@ SOA ns1 host 1 60 60 600 2\n@ NS ns1\n@ NS ns2\nns1 A {A1}\nns2 A {A2}"
LIMIT_S = 120.0
ROLLOVER_EVENTS = (WatchEvent.ROLLOVER_STEP, WatchEvent.ROLLOVER_BROKEN, WatchEvent.ROLLOVER_COMPLETED)


class Registry:
    """The parent zone, with DS records that follow the decisions."""

    def __init__(self) -> None:
        self.ds: list[str] = []
        self._world = self._describe(0)
        self._world.start()
        self.port = self._world.port

    def _describe(self, port: int) -> World:
        world = World(port=port)
        world.zone(".")
        world.zone("xa", ns={"ns1.nic.xa": PARENT}, ttl=2)
        world.zone(ZONE, ns={NS1: A1, NS2: A2}, ttl=2, delegation=delegation(ds=self.ds)).not_on(A1, A2)
        for address in (A1, A2):  # Knot serves them
            del world.servers[address]
        return world

    def publish(self, ds: list[str]) -> None:
        """Replace the DS records."""
        self._world.stop()
        self.ds = ds
        self._world = self._describe(self.port)
        self._world.start()

    def settings(self, directory: Path) -> Settings:
        """Return settings that resolve through this registry."""
        hints = self._world.write_hints(directory / "root.hints")
        return Settings(root_hints_path=hints, dns_port=self.port, allow_non_global=True, timeout=2, retry=1)

    def stop(self) -> None:
        self._world.stop()


def scan_until(store: Store, settings: Settings, after_scan: Callable[[], bool]) -> None:
    """Observe due zones until a condition holds after a scan."""

    async def whole() -> None:
        runner = EngineRunner(LiveSettings(settings))
        await runner.open()
        watching = ZoneWatching(store, runner, utcnow)
        end = time.monotonic() + LIMIT_S
        try:
            while time.monotonic() < end:
                if await asyncio.to_thread(watching.is_due):
                    await watching.observe_due()
                    if await asyncio.to_thread(after_scan):
                        return
                await asyncio.sleep(0.1)
        finally:
            await runner.close()
        raise AssertionError("the rollover did not end in time")

    asyncio.run(whole())


def rollover_watch(store: Store) -> Watch:
    """Watch the rollover with a sample and transfers per second; decide about CDS records as often."""
    cds_watch(store, tag=None, domain=ZONE, interval_s=1)
    values = {"kind": WatchKind.ROLLOVER, "interval_s": 1, "tag": None, "domain": ZONE, "transfer": True}
    return make_watch(store, *ROLLOVER_EVENTS, **values)


def judgement(store: Store, watch: Watch) -> Judgement:
    with store.read_only() as session:
        spans = read_spans(session, watch.id)
    return judge_spans(spans) if spans else Judgement("", (), ())


def decisions(store: Store) -> list[CdsDecision]:
    with store.read_only() as session:
        return list(session.scalars(select(CdsDecision).order_by(CdsDecision.key)))


def transferred(store: Store, watch: Watch) -> set[str]:
    """Return the addresses of the servers whose zone was read in some sample."""
    with store.read_only() as session:
        servers = [server for span in read_spans(session, watch.id) for server in span.state["servers"]]
    return {server["address"] for server in servers if server["is_transferred"]}


def events(store: Store, watch: Watch) -> list[str]:
    """Return the events that the watch would send, in order."""
    with store.read_only() as session:
        chosen = select(Delivery.event).where(Delivery.watch_id == watch.id).order_by(Delivery.created_at, Delivery.id)
        return list(session.scalars(chosen))


def wait_for_signer(store: Store, signer: Knot, settings: Settings) -> None:
    scan_until(store, settings, lambda: not any(" active=0" in key for key in signer.key_states()))


def follow(
    store: Store, registry: Registry, signer: Knot, watch: Watch, settings: Settings, begin: Callable[[Knot], None]
) -> Judgement:
    """Begin a rollover, carry out each decision, and return the judgement at the end."""
    wait_for_signer(store, signer, settings)
    begin(signer)
    done: set[int] = set()

    def carry_out() -> bool:
        for decision in decisions(store):
            if decision.action in ("add", "replace") and decision.key not in done:
                registry.publish(decision.ds)
                done.add(decision.key)
        return bool(judgement(store, watch).completed_at)

    scan_until(store, settings, carry_out)
    return judgement(store, watch)


COMBINED = "single-type-signing: on"
ROLLOVERS: dict[str, tuple[str, Callable[[Knot], None]]] = {
    "ksk": ("", lambda signer: signer.roll("ksk")),
    "zsk": ("", lambda signer: signer.roll("zsk")),
    "csk": (COMBINED, lambda signer: signer.roll("ksk")),
    "algorithm": (COMBINED, lambda signer: signer.change_algorithm("ed25519")),
}


@pytest.mark.parametrize("kind", ROLLOVERS)
def test_a_real_signer_rolls_a_key_without_a_fault(store: Store, tmp_path: Path, kind: str) -> None:
    more, begin = ROLLOVERS[kind]
    registry = Registry()
    signing = knot(tmp_path, ZONE, RECORDS, addresses=[A1, A2], port=registry.port, parent=PARENT, more=more)
    try:
        with signing as signer:
            registry.publish(signer.ds())
            watch = rollover_watch(store)
            found = follow(store, registry, signer, watch, registry.settings(tmp_path), begin)
    finally:
        registry.stop()
    assert (found.kind, found.faults, found.verdict) == (kind, (), RolloverVerdict.COMPLETED)
    assert transferred(store, watch) == {A1, A2}
    assert {"key_published", "key_removed"} <= {step.kind.value for step in found.steps}
    made = [decision.action for decision in decisions(store)]
    assert made == ([] if kind == "zsk" else ["replace"])
    sent = events(store, watch)
    assert set(sent) == {"rollover.step", "rollover.completed"}
    assert sent.count("rollover.completed") == 1


def test_a_key_that_is_withdrawn_too_early_is_reported_and_repaired(store: Store, tmp_path: Path) -> None:
    """The old key is removed while the parent has only its DS record; then the registry replaces it by hand."""
    registry = Registry()
    signing = knot(tmp_path, ZONE, RECORDS, addresses=[A1, A2], port=registry.port, parent=PARENT)
    try:
        with signing as signer:
            (old,) = signer.ds()
            registry.publish([old])
            watch, settings = rollover_watch(store), registry.settings(tmp_path)
            wait_for_signer(store, signer, settings)
            signer.roll("ksk")
            scan_until(store, settings, lambda: bool(judgement(store, watch).steps))
            assert judgement(store, watch).verdict is RolloverVerdict.IN_PROGRESS
            signer.withdraw(int(old.split()[0]))
            scan_until(store, settings, lambda: bool(judgement(store, watch).faults))
            registry.publish([text for text in signer.ds() if text != old])
            scan_until(store, settings, lambda: bool(judgement(store, watch).completed_at))
            found = judgement(store, watch)
    finally:
        registry.stop()
    assert FaultKind.CHAIN_BROKEN in {fault.kind for fault in found.faults}
    assert {fault.address for fault in found.faults} == {A1, A2}
    assert (found.kind, found.verdict) == ("ksk", RolloverVerdict.BROKEN)
    sent = events(store, watch)
    assert set(sent) == {"rollover.step", "rollover.broken", "rollover.completed"}
    assert sent.index("rollover.broken") < sent.index("rollover.completed")
