"""Changes become deliveries: each change once, and one mail per batch."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.tags import ensure_tags, tag_domains
from gonemaster_db.models import Delivery, Watch, WatchEvent, WatchState
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.service import watched_runs as following
from gonemaster_db.service import watches
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.maintenance.watches import follower, messages
from gonemaster_tasks.maintenance.watches.follower import follow_watches, notify_due_watches
from gonemaster_tasks.maintenance.watches.queue_issues import CHECK_INTERVAL, notify_issues
from gonemaster_tasks.monitoring.issues import Issue
from gonemaster_tasks.queues import MAINTENANCE
from tests.db.service.test_watches import make_watch
from tests.support.rows import NOON, claim, finish_job, make_run, queue_job, record
from tests.support.threads import together

REGRESSED, RECOVERED = WatchEvent.DOMAIN_REGRESSED, WatchEvent.DOMAIN_RECOVERED
VERDICT, SIDES = WatchEvent.VERDICT_CHANGED, ("previous", "current")
ENDED, CAPTURED, TROUBLE = WatchEvent.BATCH_FINISHED, WatchEvent.SNAPSHOT_CAPTURED, WatchEvent.QUEUE_TROUBLE
MAIL: dict[str, Any] = {"url": None, "host": "", "email": "ops@example.com"}
HOUR = timedelta(hours=1)


def follow(store: Store, *, now: datetime = NOON) -> int:
    return follow_watches(store, lambda: DEFAULT_CONFIG, now=now)


def add_run(store: Store, domain: str, grade: str, *, hours: int = 0, errors: Sequence[str] = (), **fields: Any) -> str:
    scores = {"A": 95, "B": 80, "C": 65, "D": 50, "F": 5}
    entries = [EntryRecord(0.0, "DNSSEC", "dnssec01", tag, "ERROR", {}) for tag in errors]
    outcome = record(entries=entries, at=NOON + hours * HOUR, grade=grade, score=scores[grade])
    return make_run(store, domain, outcome, **fields).id


def tag(store: Store, *domains: str, name: str = "mine") -> None:
    with store.transaction() as session:
        ensure_tags(session, [name], now=NOON)
        tag_domains(session, [name], ensure_domains(session, domains, now=NOON).values(), now=NOON)


def new_batch(store: Store, tag_name: str = "mine", size: int = 2) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(size, tag=tag_name), now=NOON).id


def deliveries(store: Store, watch: Watch) -> list[Delivery]:
    with store.read_only() as session:
        query = select(Delivery).where(Delivery.watch_id == watch.id).order_by(Delivery.created_at, Delivery.id)
        return list(session.scalars(query))


def bodies(store: Store, watch: Watch) -> list[Any]:
    return [json.loads(delivery.body or "") for delivery in deliveries(store, watch)]


def notifications(store: Store, watch: Watch) -> list[tuple[str, str]]:
    """Return event and domain of each pending webhook notification."""
    return [(body["event"], event["domain"]) for body in bodies(store, watch) for event in body["events"]]


def test_a_worse_domain_and_its_recovery_are_notified_once_each(store: Store) -> None:
    watch = make_watch(store, REGRESSED, RECOVERED, tag=None, domain="a.example")
    add_run(store, "a.example", "A")
    add_run(store, "b.example", "A")
    assert follow(store) == 0  # the first runs
    before = add_run(store, "a.example", "A", hours=1)
    worse = add_run(store, "a.example", "C", hours=2, errors=["DS01_X"])
    add_run(store, "b.example", "F", hours=2)
    assert follow(store) == 1
    assert follow(store) == 0
    (body,) = bodies(store, watch)
    assert (body["event"], body["watch"]) == (REGRESSED, {"id": watch.id, "tag": None, "domain": "a.example"})
    (event,) = body["events"]
    assert event["id"] == messages.event_id(watch.id, REGRESSED, worse)
    assert (event["run_id"], event["previous"]["run_id"], event["grade_drop"]) == (worse, before, 2)
    assert [new["tag"] for new in event["new_tags"]] == ["DS01_X"]
    assert (event["new_causes"], event["gone_causes"]) == ([], [])  # no rule knows this tag
    add_run(store, "a.example", "A", hours=3)
    follow(store)
    assert notifications(store, watch) == [(REGRESSED, "a.example"), (RECOVERED, "a.example")]


def test_an_event_says_which_causes_are_new_and_gone(store: Store) -> None:
    watch = make_watch(store, REGRESSED, RECOVERED, tag=None, domain="a.example")
    add_run(store, "a.example", "A")
    add_run(store, "a.example", "C", hours=1, errors=["IS_A_RECURSOR", "DS01_X"])
    add_run(store, "a.example", "A", hours=2)
    follow(store)
    worse, better = (body["events"][0] for body in bodies(store, watch))
    assert [cause["title"] for cause in worse["new_causes"]] == ["Name servers are open resolvers"]
    assert [cause["cause"] for cause in better["gone_causes"]] == ["open_recursor"]


def test_events_before_a_watch_are_not_notified(store: Store) -> None:
    add_run(store, "a.example", "A")
    other = make_watch(store, REGRESSED, tag=None, domain="other.example")
    add_run(store, "a.example", "C", hours=1)
    watch = make_watch(store, REGRESSED, tag=None, domain="a.example")
    follow(store)
    assert notifications(store, watch) == []
    add_run(store, "a.example", "D", hours=2)  # no process follows at this time
    follow(store)
    assert notifications(store, watch) == [(REGRESSED, "a.example")]
    assert notifications(store, other) == []


def test_nothing_is_recorded_without_watches_of_runs(store: Store) -> None:
    watch = make_watch(store, REGRESSED)
    add_run(store, "a.example", "A")
    follow(store)
    with store.transaction() as session:
        assert session.get(WatchState, "runs") is not None
        watches.delete_watch(session, watch.id)
    make_watch(store, TROUBLE)
    follow(store)
    with store.read_only() as session:
        assert session.get(WatchState, "runs") is None


def test_domains_of_a_tag_are_followed_and_each_watch_has_its_own_limits(store: Store) -> None:
    strict = make_watch(store, REGRESSED)
    lax = make_watch(store, REGRESSED)
    with store.transaction() as session:
        watches.change_watch(session, lax.id, {"grade_drop": 3, "min_level": "CRITICAL"}, now=NOON)
    recovered = make_watch(store, RECOVERED)
    elsewhere = make_watch(store, REGRESSED, tag="other")
    names = [f"d{number}.example" for number in range(3)]
    tag(store, *names[:2])
    for name in names:
        add_run(store, name, "A")
        add_run(store, name, "B", hours=1, errors=["DS01_X"])
    follow(store)
    assert sorted(notifications(store, strict)) == [(REGRESSED, names[0]), (REGRESSED, names[1])]
    assert notifications(store, lax) == notifications(store, recovered) == notifications(store, elsewhere) == []


def test_many_changes_are_lists(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "EVENTS_OF_WEBHOOK", 3)
    monkeypatch.setattr(follower, "CHUNK", 8)
    watch = make_watch(store, REGRESSED)
    names = [f"d{number}.example" for number in range(10)]
    tag(store, *names)
    for hours, grade in ((0, "A"), (1, "F")):
        for name in names:
            add_run(store, name, grade, hours=hours)
    follow(store)
    found = deliveries(store, watch)
    assert sum(delivery.event_count for delivery in found) == 10
    assert max(delivery.event_count for delivery in found) == 3
    assert sorted(domain for _, domain in notifications(store, watch)) == sorted(names)
    assert len({event["id"] for body in bodies(store, watch) for event in body["events"]}) == 10


def test_two_workers_notify_each_event_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "CHUNK", 3)
    watch = make_watch(store, REGRESSED, ENDED)
    mail = make_watch(store, REGRESSED, ENDED, **MAIL)
    names = [f"d{number}.example" for number in range(8)]
    tag(store, *names)
    batch_id = new_batch(store)
    for name in names:
        add_run(store, name, "A")
        add_run(store, name, "F", hours=1, batch_id=batch_id)
    together(*[lambda: follow(store)] * 4)
    follow(store)
    events = [event for body in bodies(store, watch) for event in body["events"]]
    assert sorted(event["domain"] for event in events if "domain" in event) == sorted(names)
    assert [event["batch_id"] for event in events if "domain" not in event] == [batch_id]
    assert [delivery.event_count for delivery in deliveries(store, mail)] == [9]


def test_a_batch_is_one_mail_at_its_end(store: Store) -> None:
    watch = make_watch(store, REGRESSED, RECOVERED, ENDED, **MAIL)
    quiet = make_watch(store, RECOVERED, **MAIL)
    names = [f"d{number:02}.example" for number in range(70)]
    tag(store, *names)
    for name in names:
        add_run(store, name, "B")
    batch_id = new_batch(store)
    last = queue_job(store, "last.example", batch_id=batch_id)
    for number, name in enumerate(names):
        add_run(
            store,
            name,
            "F" if number else "C",
            hours=1,
            batch_id=batch_id,
            errors=["IS_A_RECURSOR"] if number == 69 else (),
        )
        if number % 30 == 0:
            assert follow(store) == 0
    assert follow(store) == 0
    finish_job(store, claim(store, last.id), record("INFO", at=NOON + 2 * HOUR))
    assert follow(store) == 1
    assert follow(store) == 0
    (delivery,) = deliveries(store, watch)
    assert (delivery.event, delivery.event_count) == ("digest", 71)
    (mail,) = bodies(store, watch)
    assert mail["subject"] == "gonemaster: batch finished, 70 regressed (tag mine)"
    lines = mail["text"].splitlines()
    assert lines[0] == f"batch_id: {batch_id}"
    assert lines[3] == "tag: mine"
    assert "  succeeded: 71" in lines
    begin = lines.index("70 domains regressed:")
    assert f"{messages.PUBLIC_URL}/batches/{batch_id}" in lines[:begin]
    assert lines[begin + 2].startswith("  d69.example: B -> F; new: Name servers are open resolvers (job_")
    run_id = lines[begin + 2].rpartition("(")[2].removesuffix(")")
    assert lines[begin + 3].startswith(f"    {messages.PUBLIC_URL}/domains/d69.example/compare?before=job_")
    assert lines[begin + 3].endswith(f"&after={run_id}")
    assert lines[begin + 4] == f"    {messages.HELP_URL}/causes/open_recursor"
    assert lines[begin + 5].startswith("  d01.example: B -> F (job_")
    assert lines[begin + 103] == "  and 20 more"
    assert "d00.example" not in mail["text"]  # the least severe of them
    assert lines[-3:] == ["-- ", f"Watch {watch.id}: tag mine", f"{messages.PUBLIC_URL}/watches/{watch.id}"]
    assert deliveries(store, quiet) == []


def test_the_end_of_a_batch_notifies_its_tag_and_its_domains(store: Store) -> None:
    tag(store, "a.example")
    mine, other = make_watch(store, ENDED), make_watch(store, ENDED, tag="other")
    domain = make_watch(store, ENDED, tag=None, domain="a.example")
    stranger = make_watch(store, ENDED, tag=None, domain="z.example")
    batch_id = new_batch(store)
    job = queue_job(store, "b.example", batch_id=batch_id)
    add_run(store, "a.example", "A", batch_id=batch_id)
    assert follow(store) == 0
    claimed = claim(store, job.id)
    with store.transaction() as session:
        graduate_job(session, job.id, worker="w1", attempt=claimed.attempt, record=record("ERROR", grade="F", score=1))
    assert follow(store) == 2
    assert follow(store) == 0
    (event,) = bodies(store, mine)[0]["events"]
    assert event == {
        "id": messages.event_id(mine.id, ENDED, batch_id),
        "batch_id": batch_id,
        "tag": "mine",
        "created_at": "2026-11-25T12:00:00Z",
        "finished_at": "2026-11-25T12:00:00Z",
        "status_counts": {"succeeded": 2},
        "grades": {"A": 1, "F": 1},
        "worst_levels": {"ERROR": 1},
        "url": f"{messages.PUBLIC_URL}/batches/{batch_id}",
    }
    assert [body["event"] for body in bodies(store, domain)] == [ENDED]
    assert deliveries(store, other) == deliveries(store, stranger) == []


def test_mails_about_single_runs_rest_five_minutes(store: Store) -> None:
    watch = make_watch(store, REGRESSED, tag=None, domain="a.example", **MAIL)
    for hours, grade in enumerate("ABCD"):
        add_run(store, "a.example", grade, hours=hours)
        follow(store, now=NOON + timedelta(seconds=hours))
    assert [delivery.event_count for delivery in deliveries(store, watch)] == [1]
    assert follow(store, now=NOON + timedelta(minutes=6)) == 1
    assert [delivery.event_count for delivery in deliveries(store, watch)] == [1, 2]
    assert bodies(store, watch)[1]["subject"] == "gonemaster: 2 regressed (domain a.example)"


def test_a_watch_removed_or_disabled_in_the_meantime_gets_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, off, stays = (make_watch(store, REGRESSED, tag=None, domain="a.example") for _ in range(3))
    add_run(store, "a.example", "A")
    add_run(store, "a.example", "F", hours=1)

    def remove_and_write(work: Callable[[Session], Any]) -> Any:
        """Write as before, but change the watches first; they were read in another transaction."""
        monkeypatch.undo()
        with store.transaction() as session:
            watches.delete_watch(session, gone.id)
            watches.change_watch(session, off.id, {"enabled": False}, now=NOON)
        return store.run_in_transaction(work)

    monkeypatch.setattr(store, "run_in_transaction", remove_and_write)
    assert follow(store) == 1
    assert len(deliveries(store, stays)) == 1
    assert deliveries(store, off) == deliveries(store, gone) == []


def test_events_are_notified_to_the_watches_they_concern(store: Store) -> None:
    tag(store, "a.example")
    batch_id = new_batch(store)
    add_run(store, "a.example", "A", batch_id=batch_id)
    mine, mail = make_watch(store, CAPTURED), make_watch(store, CAPTURED, **MAIL)
    domain = make_watch(store, CAPTURED, tag=None, domain="a.example")
    silent = [
        make_watch(store, CAPTURED, tag="other"),
        make_watch(store, CAPTURED, tag=None, domain="b.example"),
        make_watch(store, ENDED),
    ]
    with store.transaction() as session:
        batch_key = following.batches_of_runs(session, [1])[0][0]
        details = {
            "cohort_id": 4,
            "slug": "may",
            "counts": {"domains": 1},
            "list": [{"a": 1, "b": 2}, "x"],
            "none": None,
        }
        watches.record_event(session, CAPTURED, name="7", tag="mine", batch_key=batch_key, now=NOON, details=details)
    assert follow(store) == 3
    assert follow(store) == 0
    (event,) = bodies(store, mine)[0]["events"]
    assert (
        event == {"id": messages.event_id(mine.id, CAPTURED, "7"), "url": f"{messages.PUBLIC_URL}/cohorts/4"} | details
    )
    assert len(deliveries(store, domain)) == 1
    text = bodies(store, mail)[0]["text"].splitlines()
    assert text[2:10] == [
        "cohort_id: 4",
        "slug: may",
        "counts:",
        "  domains: 1",
        "list:",
        "  - a: 1",
        "    b: 2",
        "  - x",
    ]
    assert [deliveries(store, watch) for watch in silent] == [[], [], []]


def test_the_reconciler_calls_a_worker_only_if_there_are_watches(store: Store, broker: Broker) -> None:
    notify_due_watches(store, broker)
    assert broker.lists.depth(MAINTENANCE) == 0
    make_watch(store, TROUBLE)
    for _ in range(2):
        notify_due_watches(store, broker)
    assert broker.lists.depth(MAINTENANCE) == 1


class Looker:
    """Finds the given results, half a minute later on each call."""

    def __init__(self, store: Store) -> None:
        self.store, self.now, self.looks = store, utcnow(), 0

    def look(self, *kinds: str, later: timedelta = CHECK_INTERVAL) -> int:
        def find() -> list[Issue]:
            self.looks += 1
            return [Issue(kind, "batch", "jobs wait", NOON, count=3) for kind in kinds]

        self.now += later
        return notify_issues(self.store, find, now=self.now)


def test_a_fault_is_notified_at_its_begin_and_at_its_end(store: Store) -> None:
    looker = Looker(store)
    assert looker.look("no_worker") == 0
    assert looker.looks == 0  # there is no watch, so there is no check
    watch, mail = make_watch(store, TROUBLE, tag=None), make_watch(store, TROUBLE, tag=None, **MAIL)
    assert [looker.look("no_worker") for _ in range(5)] == [0, 2, 0, 0, 0]
    assert looker.look("no_worker", later=timedelta(seconds=5)) == 0
    assert looker.looks == 5  # too early
    assert [looker.look() for _ in range(4)] == [0, 2, 0, 0]
    begun, ended = (body["events"][0] for body in bodies(store, watch))
    assert (begun["kind"], begun["state"], begun["count"]) == ("no_worker", "begun", 3)
    assert begun["issues"] == [{"subject": "batch", "text": "jobs wait", "since": "2026-11-25T12:00:00Z", "count": 3}]
    assert (ended["kind"], ended["state"], ended["since"]) == ("no_worker", "ended", begun["since"])
    assert begun["id"] != ended["id"]
    assert "kind: no_worker" in bodies(store, mail)[0]["text"]
    assert "Watch 2: the whole service" in bodies(store, mail)[0]["text"]


def test_a_short_fault_is_not_notified(store: Store) -> None:
    make_watch(store, TROUBLE)
    looker = Looker(store)
    assert [looker.look(*kinds) for kinds in (["a"], [], ["a"], ["b"], [])] == [0] * 5
    assert [looker.look(*kinds) for kinds in (["a", "b"], ["a"], [], ["a"], [], [])] == [0, 1, 0, 0, 0, 1]


def test_two_workers_look_and_one_tells(store: Store) -> None:
    watch = make_watch(store, TROUBLE)
    looker = Looker(store)
    looker.look("no_worker")
    looker.now += CHECK_INTERVAL
    find = lambda: [Issue("no_worker", "batch", "jobs wait")]  # noqa: E731
    together(*[lambda: notify_issues(store, find, now=looker.now)] * 4)
    assert len(deliveries(store, watch)) == 1


def test_troubles_are_forgotten_with_the_last_watch(store: Store) -> None:
    watch = make_watch(store, TROUBLE)
    looker = Looker(store)
    looker.look("no_worker")
    with store.transaction() as session:
        watches.delete_watch(session, watch.id)
    looker.look("no_worker")
    with store.read_only() as session:
        assert session.get(WatchState, "troubles") is None


def test_runs_with_different_policies_are_not_compared(store: Store) -> None:
    every = make_watch(store, REGRESSED, tag=None, domain="a.example")
    of_policy = make_watch(store, REGRESSED, tag=None, domain="a.example", policy="own")
    config = {"policy": {"name": "own", "version": "1"}}
    add_run(store, "a.example", "A", config=config)
    add_run(store, "a.example", "F", hours=1)  # the first run without a policy
    assert follow(store) == 0
    add_run(store, "a.example", "C", hours=2, config=config)
    follow(store)
    for watch in (every, of_policy):
        assert notifications(store, watch) == [(REGRESSED, "a.example")]
    add_run(store, "a.example", "A", hours=3)
    add_run(store, "a.example", "F", hours=4)
    follow(store)
    assert len(notifications(store, every)) == 2
    assert len(notifications(store, of_policy)) == 1


def judged_run(store: Store, verdict: str, hours: int, *, policy: str = "own", version: str = "1") -> str:
    outcome = record(at=NOON + hours * HOUR, grade="A", score=95, verdict=verdict)
    return make_run(store, "a.example", outcome, config={"policy": {"name": policy, "version": version}}).id


def test_another_verdict_is_notified_once(store: Store) -> None:
    watch = make_watch(store, VERDICT, tag=None, domain="a.example")
    without = make_watch(store, REGRESSED, RECOVERED, tag=None, domain="a.example")
    judged_run(store, "pass", 0)
    judged_run(store, "pass", 1)
    judged_run(store, "fail", 2, policy="other")  # the first run with this policy
    add_run(store, "a.example", "A", hours=3)  # without a policy
    failed = judged_run(store, "fail", 4, version="2")
    judged_run(store, "fail", 5)
    assert follow(store) == 1
    assert follow(store) == 0
    (body,) = bodies(store, watch)
    (event,) = body["events"]
    assert (body["event"], event["run_id"]) == ("verdict.changed", failed)
    verdicts = [[event[side][name] for name in ("policy", "policy_version", "verdict")] for side in SIDES]
    assert verdicts == [["own", "1", "pass"], ["own", "2", "fail"]]
    assert deliveries(store, without) == []


def test_other_verdicts_are_in_the_mail(store: Store) -> None:
    watch = make_watch(store, VERDICT, REGRESSED, tag=None, domain="a.example", **MAIL)
    judged_run(store, "pass", 0)
    run_id = judged_run(store, "undecided", 1)
    assert follow(store) == 1
    (mail,) = bodies(store, watch)
    assert mail["subject"] == "gonemaster: 1 with another verdict (domain a.example)"
    assert f"a.example: pass -> undecided by the policy own ({run_id})" in mail["text"]
