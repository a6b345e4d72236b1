"""Watches as rows: created, changed, removed; notes are written only if a watch follows the event."""

from typing import Any

import pytest
from sqlalchemy import MetaData, Table, insert, select

from gonemaster_db.core.errors import TooManyWatches, WatchNotFound
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.runner import differences, downgrade, upgrade
from gonemaster_db.models import Delivery, Watch, WatchEvent, WatchNote
from gonemaster_db.service import watches
from gonemaster_db.service.deliveries import add_delivery
from tests.support.rows import NOON, make_run

CAPTURED = WatchEvent.SNAPSHOT_CAPTURED


def make_watch(store: Store, *events: WatchEvent, **fields: Any) -> Watch:
    values: dict[str, Any] = {"url": "https://hook.example/", "host": "hook.example:443", "tag": "mine"} | fields
    with store.transaction() as session:
        return watches.create_watch(
            session, events=events or tuple(WatchEvent), min_level="ERROR", grade_drop=1, now=NOON, **values
        )


def test_a_note_is_written_only_for_watched_events(store: Store) -> None:
    def note() -> bool:
        with store.transaction() as session:
            return watches.record_event(session, CAPTURED, name="7", tag="mine", now=NOON, details={"slug": "may"})

    assert not note()
    make_watch(store, WatchEvent.QUEUE_TROUBLE)
    assert not note()
    watch = make_watch(store, CAPTURED)
    assert note()
    with store.transaction() as session:
        watches.change_watch(session, watch.id, {"enabled": False}, now=NOON)
    assert not note()
    with store.read_only() as session:
        (kept,) = session.scalars(select(WatchNote)).all()
        assert (kept.event, kept.name, kept.tag, kept.details) == (CAPTURED, "7", "mine", {"slug": "may"})


def test_a_watch_sees_runs_from_its_creation_and_again_from_its_activation(store: Store) -> None:
    assert make_watch(store).after_key == 0
    first = make_run(store)
    watch = make_watch(store)
    assert watch.after_key == first.key
    second = make_run(store)
    for enabled in (False, True):
        with store.transaction() as session:
            watch = watches.change_watch(session, watch.id, {"enabled": enabled}, now=NOON)
    assert watch.after_key == second.key


def test_a_changed_recipient_is_tried_immediately(store: Store) -> None:
    watch = make_watch(store)
    with store.transaction() as session:
        watches.change_watch(session, watch.id, {"failures": 5, "retry_at": NOON}, now=NOON)
    with store.transaction() as session:
        changed = watches.change_watch(session, watch.id, {"url": "https://other.example/"}, now=NOON)
    assert (changed.failures, changed.retry_at) == (0, None)


def test_watches_are_listed_by_tag_or_domain(store: Store) -> None:
    one, two = make_watch(store), make_watch(store, tag=None, domain="example.com")
    with store.read_only() as session:
        assert [watch.id for watch in watches.list_watches(session).items] == [one.id, two.id]
        assert [watch.id for watch in watches.list_watches(session, tag="mine").items] == [one.id]
        page = watches.list_watches(session, domain="example.com", limit=1)
        assert ([watch.id for watch in page.items], page.total) == ([two.id], 1)


def test_a_removed_watch_is_not_found(store: Store) -> None:
    watch = make_watch(store)
    with store.transaction() as session:
        watches.delete_watch(session, watch.id)
    for action in (watches.get_watch, watches.delete_watch):
        with store.transaction() as session, pytest.raises(WatchNotFound):
            action(session, watch.id)
    with store.transaction() as session, pytest.raises(WatchNotFound):
        watches.change_watch(session, watch.id, {}, now=NOON)


def test_the_number_of_watches_is_limited(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "MAX_WATCHES", 1)
    make_watch(store)
    with pytest.raises(TooManyWatches):
        make_watch(store)


def test_the_id_of_a_deleted_watch_is_never_used_again(store: Store) -> None:
    ids = []
    for _ in range(3):
        ids.append(make_watch(store).id)
        with store.transaction() as session:
            watches.delete_watch(session, ids[-1])
    assert len(set(ids)) == 3


def test_the_rebuild_of_the_table_keeps_watches_and_deliveries(empty_store: Store) -> None:
    upgrade(empty_store, revision="0031")
    old = Table("watches", MetaData(), autoload_with=empty_store.engine)  # without the columns of later releases
    fields = {"tag": "mine", "events": '["batch.finished"]', "host": "", "min_level": "ERROR", "grade_drop": 1}
    times = {"enabled": True, "after_key": 0, "failures": 0, "created_at": NOON, "updated_at": NOON}
    with empty_store.transaction() as session:
        made = insert(old).values(fields | times).returning(old.c.id)
        kept, last = (session.execute(made).scalar_one() for _ in range(2))
        for watch_id in (kept, last):
            add_delivery(session, watch_id, event="test", body="{}", now=NOON)
    upgrade(empty_store)
    assert differences(empty_store) == []
    with empty_store.transaction() as session:
        found = session.scalars(select(Delivery).order_by(Delivery.watch_id)).all()
        assert [delivery.watch_id for delivery in found] == [kept, last]
        watches.delete_watch(session, last)
    assert make_watch(empty_store).id > last
    downgrade(empty_store, revision="0031")
    with empty_store.read_only() as session:
        assert set(session.scalars(select(old.c.id))) >= {kept}
        assert len(session.scalars(select(Delivery)).all()) == 1, "the delivery of the deleted watch went with it"
