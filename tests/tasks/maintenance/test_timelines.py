"""Timelines of watched rollovers: equal samples share a state, and a zone cannot fill the database."""

from __future__ import annotations

import pytest

from gonemaster_db.core.session import Store
from gonemaster_db.models import WatchEvent, WatchKind
from gonemaster_db.service.rollover_spans import read_spans
from gonemaster_engine.automation.observation import Observation, ObservedParent, ObservedServer, SeenSet
from gonemaster_engine.dnssec.records import DNSKEY
from gonemaster_engine.net.wire.rrtypes import SOA
from gonemaster_tasks.maintenance.watches.rollovers import follow_rollover
from tests.db.service.test_watches import make_watch
from tests.engine.automation.test_cds import NEW, OLD, OTHER, ZONE, ds_for, key


def sampled(at: int, *keys: bytes, is_complete: bool = True) -> Observation:
    """Return a sample of a zone with these keys, of which the first signs everything."""
    sets = {
        DNSKEY: SeenSet(DNSKEY, keys, 60, keys[:1]),
        SOA: SeenSet(SOA, (b"soa",), 60, keys[:1]),
    }
    parent = ObservedParent("ns1.nic.xa", "127.8.1.1", (ds_for(OLD),), 60)
    servers = (ObservedServer(f"ns1.{ZONE}", "127.9.1.1", dict(sets)),)
    return Observation(ZONE, at, (parent,), servers, is_complete=is_complete)


def followed(store: Store, *samples: Observation) -> list[int]:
    """Follow samples; return how many samples each state has."""
    watch = make_watch(store, WatchEvent.ROLLOVER_STEP, kind=WatchKind.ROLLOVER, tag=None, domain=ZONE, interval_s=60)
    reported: list[str] = []
    with store.transaction() as session:
        for sample in samples:
            _, reported = follow_rollover(session, watch.id, sample, reported)
        return [span.samples for span in read_spans(session, watch.id)]


def test_equal_samples_share_a_state(store: Store) -> None:
    assert followed(store, sampled(0, OLD), sampled(60, OLD), sampled(120, OLD, NEW)) == [2, 1]


def test_an_incomplete_sample_is_no_state(store: Store) -> None:
    assert followed(store, sampled(0, OLD), sampled(60, OTHER, is_complete=False), sampled(120, OLD)) == [2]


def test_a_zone_with_other_keys_in_each_sample_has_a_limited_timeline(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gonemaster_tasks.maintenance.watches.rollovers.MAX_WEIGHT", 100)
    changing = [sampled(at * 60, *(key(at % 200 + number) for number in range(3))) for at in range(40)]
    states = followed(store, *changing)
    assert 2 <= len(states) < 10


def test_an_event_is_reported_once(store: Store) -> None:
    watch = make_watch(store, WatchEvent.ROLLOVER_STEP, kind=WatchKind.ROLLOVER, tag=None, domain=ZONE, interval_s=60)
    reported: list[str] = []
    found = []
    with store.transaction() as session:
        for sample in (sampled(0, OLD), sampled(120, OLD, NEW), sampled(240, OLD, NEW)):
            events, reported = follow_rollover(session, watch.id, sample, reported)
            found.append([(event, len(listed)) for event, listed in events.items()])
    assert found == [[], [(WatchEvent.ROLLOVER_STEP, 1)], []]
