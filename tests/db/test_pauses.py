"""Paused tiers say who, why, since and until when, and end by themselves."""

from datetime import timedelta

from gonemaster_db.repositories.pauses import end_due_pauses, list_pauses, pause_tiers, resume_tiers
from gonemaster_db.session import Store
from tests.support.rows import NOON

LATER = NOON + timedelta(hours=1)


def test_a_pause_is_listed_until_it_is_resumed(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, ["normal", "batch"], paused_by="ops", reason="upgrade", now=NOON)
        assert [(p.tier, p.paused_by, p.reason, p.since, p.until) for p in list_pauses(session, now=LATER)] == [
            ("batch", "ops", "upgrade", NOON, None),
            ("normal", "ops", "upgrade", NOON, None),
        ]
        assert resume_tiers(session, ["normal"]) == ["normal"]
        assert resume_tiers(session, ["normal"]) == []
    with store.reading() as session:
        assert [pause.tier for pause in list_pauses(session, now=LATER)] == ["batch"]


def test_a_second_pause_keeps_the_beginning(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, ["batch"], paused_by="a", reason="x", now=NOON, until=LATER)
        pause_tiers(session, ["batch"], paused_by="b", reason="y", now=LATER)
    with store.reading() as session:
        (pause,) = list_pauses(session, now=LATER)
        assert (pause.paused_by, pause.reason, pause.since, pause.until) == ("b", "y", NOON, None)


def test_a_pause_with_an_end_is_over_then(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, ["normal"], paused_by="a", reason="", now=NOON, until=LATER)
        assert len(list_pauses(session, now=NOON)) == 1
        assert list_pauses(session, now=LATER) == []
        assert end_due_pauses(session, now=NOON) == []
        assert end_due_pauses(session, now=LATER) == ["normal"]
        assert end_due_pauses(session, now=LATER) == []
