"""Zones that watches observe: members, claims and requests; decisions in the order of their keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from gonemaster_db.core.errors import DecisionNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domain_removal import remove_domain
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import ensure_tags, tag_domains, untag_domains
from gonemaster_db.models import CdsDecision, Domain, ObservedZone, Watch, WatchEvent, WatchKind
from gonemaster_db.service import watches
from gonemaster_db.service.cds_decisions import (
    DecisionFilter,
    add_decision,
    decisions_after,
    decisions_before,
    get_decision,
)
from gonemaster_db.service.observed_zones import (
    ClaimedZone,
    claim_zones,
    finish_zone,
    follow_members,
    has_due_zone,
    make_due,
    observing_watches,
    request_observation,
)
from tests.db.service.test_watches import make_watch
from tests.support.rows import NOON

LEASE, HOUR, SECOND = timedelta(minutes=2), timedelta(hours=1), timedelta(seconds=1)


def cds_watch(store: Store, **fields: Any) -> Watch:
    values: dict[str, Any] = {"kind": WatchKind.CDS, "interval_s": 3600, "hold_down_s": 0, "url": None, "host": ""}
    return make_watch(store, WatchEvent.CDS_DECIDED, **values | fields)


def tag(store: Store, *domains: str) -> dict[str, int]:
    with store.transaction() as session:
        ensure_tags(session, ["mine"], now=NOON)
        ids = ensure_domains(session, domains, now=NOON)
        tag_domains(session, ["mine"], ids.values(), now=NOON)
        return dict(ids)


def follow(store: Store, watch: Watch) -> None:
    with store.transaction() as session:
        follow_members(session, watch, now=NOON)


def zones(store: Store) -> dict[str, datetime]:
    with store.read_only() as session:
        return {zone.domain: zone.next_at for zone in session.scalars(select(ObservedZone))}


def take(store: Store, *, now: datetime = NOON, limit: int = 10) -> list[ClaimedZone]:
    with store.transaction() as session:
        return claim_zones(session, now=now, lease=LEASE, limit=limit)


def finish(store: Store, claimed: ClaimedZone, *, now: datetime = NOON) -> bool:
    with store.transaction() as session:
        return finish_zone(session, claimed, state={"since": 7}, now=now, next_at=now + HOUR) is not None


def test_a_watch_follows_the_members_of_its_tag(store: Store) -> None:
    watch = cds_watch(store)
    tag(store, "a.example", "b.example")
    follow(store, watch)
    assert zones(store) == {"a.example": NOON, "b.example": NOON}
    with store.transaction() as session:
        untag_domains(session, "mine", ["a.example"])
    tag(store, "c.example")
    follow(store, watch)
    follow(store, watch)
    assert zones(store).keys() == {"b.example", "c.example"}


def test_a_watch_of_a_domain_needs_no_test_of_it(store: Store) -> None:
    watch = cds_watch(store, tag=None, domain="new.example")
    follow(store, watch)
    assert zones(store) == {"new.example": NOON}
    with store.read_only() as session:
        assert [each.id for each in observing_watches(session)] == [watch.id]


def test_a_zone_is_claimed_once_and_due_again_after_its_interval(store: Store) -> None:
    watch = cds_watch(store, tag=None, domain="a.example")
    follow(store, watch)
    (claimed,) = take(store)
    assert (claimed.domain, claimed.kind, claimed.interval_s) == ("a.example", WatchKind.CDS, 3600)
    assert take(store) == []
    assert finish(store, claimed)
    assert zones(store) == {"a.example": NOON + HOUR}
    with store.read_only() as session:
        assert not has_due_zone(session, now=NOON + HOUR - SECOND)
        assert has_due_zone(session, now=NOON + HOUR)
    assert take(store, now=NOON + HOUR)[0].state == {"since": 7}


def test_a_lost_claim_writes_nothing(store: Store) -> None:
    follow(store, cds_watch(store, tag=None, domain="a.example"))
    (first,) = take(store)
    (second,) = take(store, now=NOON + LEASE)
    assert not finish(store, first, now=NOON + LEASE)
    assert finish(store, second, now=NOON + LEASE)


def test_zones_of_a_disabled_watch_are_not_due(store: Store) -> None:
    watch = cds_watch(store, tag=None, domain="a.example")
    follow(store, watch)
    with store.transaction() as session:
        watches.change_watch(session, watch.id, {"enabled": False}, now=NOON)
    assert take(store) == []


def test_a_request_makes_a_zone_due_but_at_most_once_a_minute(store: Store) -> None:
    def request(domain: str, now: datetime) -> bool:
        with store.transaction() as session:
            return request_observation(session, domain, now=now)

    follow(store, cds_watch(store, tag=None, domain="a.example"))
    assert not request("b.example", NOON)
    (claimed,) = take(store)
    finish(store, claimed)
    assert request("a.example", NOON + SECOND)
    assert zones(store) == {"a.example": NOON + timedelta(minutes=1)}
    (claimed,) = take(store, now=NOON + timedelta(minutes=1))
    assert request("a.example", NOON + timedelta(minutes=1))
    finish(store, claimed, now=NOON + timedelta(minutes=1))
    assert zones(store) == {"a.example": NOON + timedelta(minutes=2)}  # requested while it was observed


def test_a_changed_interval_makes_the_zones_of_a_watch_due(store: Store) -> None:
    watch = cds_watch(store, tag=None, domain="a.example")
    follow(store, watch)
    finish(store, take(store)[0])
    with store.transaction() as session:
        make_due(session, watch.id, now=NOON)
    assert len(take(store)) == 1


def decide(store: Store, watch_id: int, domain: str = "a.example", action: str = "replace") -> int:
    with store.transaction() as session:
        decision = add_decision(
            session,
            watch_id=watch_id,
            domain=domain,
            action=action,
            reason="rollover",
            ds=["1 13 2 AB"],
            current_ds=[],
            evidence='{"at": 1}',
            now=NOON,
        )
        return decision.key


def test_decisions_are_read_after_a_cursor_and_filtered(store: Store) -> None:
    watch = cds_watch(store)
    tag(store, "a.example")
    keys = [decide(store, watch.id), decide(store, watch.id, "b.example", "refuse"), decide(store, watch.id)]

    def read(after: int = 0, limit: int = 10, **filters: Any) -> list[int]:
        with store.read_only() as session:
            return [row.key for row in decisions_after(session, after, limit=limit, chosen=DecisionFilter(**filters))]

    assert read() == keys == sorted(keys)
    assert read(keys[0], limit=1) == [keys[1]]
    assert read(action="refuse") == read(domain="b.example") == [keys[1]]
    assert read(tag="mine") == [keys[0], keys[2]]
    assert read(watch_id=watch.id) == keys
    assert read(watch_id=watch.id + 1) == []
    assert read(reason="rollover") == keys
    assert read(reason="not_signed") == []


def test_decisions_are_also_read_from_the_newest_to_the_oldest(store: Store) -> None:
    watch = cds_watch(store)
    keys = [decide(store, watch.id), decide(store, watch.id, action="refuse"), decide(store, watch.id)]

    def read(before: int | None, limit: int = 10, **filters: Any) -> list[int]:
        with store.read_only() as session:
            chosen = DecisionFilter(**filters)
            return [row.key for row in decisions_before(session, before, limit=limit, chosen=chosen)]

    assert read(None) == keys[::-1]
    assert read(None, limit=1) == [keys[2]]
    assert read(keys[2]) == [keys[1], keys[0]]
    assert read(keys[2], action="replace") == [keys[0]]
    assert read(keys[0]) == []


def test_a_decision_outlives_its_watch_and_goes_with_its_domain(store: Store) -> None:
    watch = cds_watch(store)
    ids = tag(store, "a.example")
    follow(store, watch)
    key = decide(store, watch.id)
    with store.transaction() as session:
        watches.delete_watch(session, watch.id)
    with store.read_only() as session:
        kept = get_decision(session, key)
        assert (kept.watch_id, kept.evidence) == (None, '{"at": 1}')
    with store.transaction() as session:
        remove_domain(session, ids["a.example"])
    with store.read_only() as session:
        for table in (CdsDecision, Domain, ObservedZone):
            assert session.scalars(select(table)).all() == []
        with pytest.raises(DecisionNotFound):
            get_decision(session, key)
