"""A paused tier reports its actor, reason, start and end, and resumes automatically."""

from datetime import timedelta
from typing import Any

from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.queue.jobs import claim_job, create_job
from gonemaster_db.queue.pauses import end_due_pauses, is_paused, list_pauses, pause_tiers, resume_tiers
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
    with store.read_only() as session:
        assert [pause.tier for pause in list_pauses(session, now=LATER)] == ["batch"]


def test_a_second_pause_keeps_the_start_time(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, ["batch"], paused_by="a", reason="x", now=NOON, until=LATER)
        pause_tiers(session, ["batch"], paused_by="b", reason="y", now=LATER)
    with store.read_only() as session:
        (pause,) = list_pauses(session, now=LATER)
        assert (pause.paused_by, pause.reason, pause.since, pause.until) == ("b", "y", NOON, None)


def test_a_pause_ends_at_its_time(store: Store) -> None:
    with store.transaction() as session:
        pause_tiers(session, ["normal"], paused_by="a", reason="", now=NOON, until=LATER)
        assert len(list_pauses(session, now=NOON)) == 1
        assert list_pauses(session, now=LATER) == []
        assert end_due_pauses(session, now=NOON) == []
        assert end_due_pauses(session, now=LATER) == ["normal"]
        assert end_due_pauses(session, now=LATER) == []


def test_no_job_of_a_paused_tier_is_claimed(store: Store) -> None:
    with store.transaction() as session:
        sweep, waiting = (create_job(session, NewJob(domain="a.test", priority=tier), now=NOON).id for tier in (1, 0))
        pause_tiers(session, ["batch"], paused_by="a", reason="", now=NOON, until=LATER)
    claimed: dict[str, Any] = {"worker": "one", "lease": timedelta(seconds=60)}
    with store.transaction() as session:
        assert is_paused(session, "batch", now=NOON)
        assert not is_paused(session, "normal", now=NOON)
        assert claim_job(session, sweep, now=NOON, **claimed) is None
        assert claim_job(session, waiting, now=NOON, **claimed) is not None
        assert claim_job(session, sweep, now=LATER, **claimed) is not None  # the pause has ended
