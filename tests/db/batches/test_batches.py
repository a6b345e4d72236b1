"""Batches: listing, summaries, reruns, comparison and deletion; purges of runs by age or tag."""

import random
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select

from gonemaster_db.batches import batch_jobs, batches, deletion
from gonemaster_db.batches.tag_values import list_tag_values
from gonemaster_db.core.errors import BatchNotFound, JobsNotTerminal
from gonemaster_db.core.ids import batch_key
from gonemaster_db.core.records import NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import Batch, Domain, Job, Priority, PurgedRunCounter, Run, RunDocument, RunStatus
from gonemaster_db.queue.throughput import measure_throughput
from gonemaster_db.runs import comparison
from gonemaster_db.runs.graduation import graduate_job
from gonemaster_db.runs.runs import set_score
from tests.support.rows import NOON, claim, count_entries, entries_of, make_run, queue_job, queue_jobs, record
from tests.support.threads import together

LEVELS = ("INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")


def make_batch(store: Store, *, at: int = 0, **fields: Any) -> str:
    with store.transaction() as session:
        return batches.create_batch(session, NewBatch(domain_count=3, **fields), now=NOON + timedelta(minutes=at)).id


def counts(store: Store) -> dict[type, int]:
    with store.read_only() as session:
        models = (Batch, Job, Run, RunDocument, Domain)
        return {model: session.scalar(select(func.count()).select_from(model)) or 0 for model in models}


def shown(store: Store) -> dict[str, tuple[Any, ...]]:
    """Return the copy of the newest run in each domain."""
    with store.read_only() as session:
        return {
            d.name: (d.run_count, d.latest_run_id, d.latest_run_at, d.latest_status, d.latest_level, d.latest_score)
            for d in session.scalars(select(Domain))
        }


def recounted(store: Store) -> dict[str, tuple[Any, ...]]:
    """Compute the same values from the remaining runs."""
    found: dict[str, tuple[Any, ...]] = {}
    with store.read_only() as session:
        for domain in session.scalars(select(Domain)):
            runs = session.scalars(select(Run).where(Run.domain_id == domain.id)).all()
            last = max(runs, key=lambda run: (run.finished_at, run.id), default=None)
            copied = (last.id, last.finished_at, last.status, last.worst_level, last.score) if last else (None,) * 5
            found[domain.name] = (len(runs), *copied)
    return found


def test_batches_are_listed_newest_first_with_progress(store: Store) -> None:
    old = make_batch(store, tag="Gov", description="first")
    new = make_batch(store, at=5, tag="eu", origin="schedule")
    make_run(store, outcome=record(at=NOON), batch_id=old)
    for _ in range(2):
        queue_job(store, batch_id=new)
    make_run(store, outcome=record(at=NOON), batch_id=new)
    with store.read_only() as session:
        page = batches.list_batches(session)
        listed = [(b.batch.id, b.total, b.completed, b.finished_at, b.is_done) for b in page.items]
        assert listed == [(new, 3, 1, None, False), (old, 1, 1, NOON, True)]
        assert page.items[0].batch.origin == "schedule"
        assert [b.batch.id for b in batches.list_batches(session, label="gO").items] == [old]
        assert [b.batch.id for b in batches.list_batches(session, tag="eu").items] == [new]
        assert batches.list_batches(session, label="_").total == 0
        assert [b.batch.id for b in batches.list_batches(session, limit=1, offset=1).items] == [old]


def test_summary_of_a_batch_counts_jobs_and_runs(store: Store) -> None:
    batch_id = make_batch(store)
    make_run(store, "a.example", record("ERROR", at=NOON, score=50, grade="D"), batch_id=batch_id)
    make_run(store, "b.example", record("ERROR", at=NOON + timedelta(hours=1), score=9, grade="F"), batch_id=batch_id)
    make_run(store, "c.example", record(at=NOON, status=RunStatus.FAILED), batch_id=batch_id)
    make_run(store, "x.example")
    early = claim(store, queue_job(store, batch_id=batch_id).id, now=NOON - timedelta(hours=9))
    with store.read_only() as session:
        summary = batches.summarise_batch(session, batch_id)
        expected = {"running": 1, "succeeded": 2, "failed": 1}
        assert {key: number for key, number in summary.status_counts.items() if number} == expected
        assert (summary.grades, summary.worst_levels) == ({"D": 1, "F": 1}, {"ERROR": 2})
        assert (summary.started_at, summary.finished_at) == (early.started_at, None)
        assert batches.count_unfinished(session, batch_id) == 1


def test_a_finished_batch_has_an_end_and_an_empty_one_has_none(store: Store) -> None:
    batch_id, empty = make_batch(store), make_batch(store)
    make_run(store, outcome=record(at=NOON), batch_id=batch_id)
    with store.read_only() as session:
        summary = batches.summarise_batch(session, batch_id)
        assert (summary.started_at, summary.finished_at) == (NOON - timedelta(seconds=5), NOON)
        nothing = batches.summarise_batch(session, empty)
        assert (nothing.started_at, nothing.finished_at) == (None, None)


def test_snapshot_intent_can_be_changed(store: Store) -> None:
    batch_id = make_batch(store)
    with store.transaction() as session:
        assert batches.change_batch(session, batch_id, {"snapshot_intent": True}).snapshot_intent
        with pytest.raises(BatchNotFound):
            batches.change_batch(session, "batch_none", {"snapshot_intent": True})
    ours, others = make_batch(store, tag="gov"), make_batch(store, tag="other")
    with store.transaction() as session:
        batches.set_snapshot_intent_of_tag(session, "gov")
    with store.read_only() as session:
        assert [batches.get_batch(session, one).snapshot_intent for one in (ours, others)] == [True, False]


@pytest.mark.parametrize(("status", "domains"), [("failed", "b"), ("canceled", "c"), (None, "abcd")])
def test_runs_of_a_batch_are_repeated_as_jobs(
    store: Store, status: str | None, domains: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_jobs, "SLICE", 2)
    batch_id, selected = make_batch(store), RunStatus(status) if status else None
    states = {"a": "succeeded", "b": "failed", "c": "canceled", "d": "expired"}
    for letter, state in states.items():
        outcome = record(status=RunStatus(state), at=NOON)
        make_run(store, f"{letter}.example", outcome, batch_id=batch_id, profile_name="p", config={"tests": ["basic"]})
    with store.read_only() as session:
        jobs = list(batch_jobs.iter_repeated_jobs(session, batch_id, status=selected))
        assert batch_jobs.count_runs(session, batch_id, status=selected) == len(domains)
    assert [job.domain for job in jobs] == [f"{letter}.example" for letter in domains]
    assert {(job.priority, job.profile_name, str(job.config)) for job in jobs} == {(1, "p", "{'tests': ['basic']}")}


def test_jobs_of_a_batch_are_canceled_from_the_back_and_running_ones_marked(store: Store) -> None:
    batch_id = make_batch(store)
    ids = queue_jobs(store, [f"d{n}.example" for n in range(5)], batch_id=batch_id, priority=Priority.BATCH)
    claim(store, ids[0])
    with store.transaction() as session:
        assert batch_jobs.waiting_of_batch(session, batch_id, limit=2) == [ids[4], ids[3]]
        assert batch_jobs.request_cancel_of_batch(session, batch_id, now=NOON) == ids[:1]
        assert session.scalars(select(Job.cancel_requested_at).where(Job.id == ids[0])).one() == NOON


def random_runs(store: Store, *batch_ids: str | None) -> None:
    rng = random.Random(3)
    for _ in range(40):
        levels = rng.choices(LEVELS, k=rng.randrange(5))
        chain: dict[str, Any] = {"dnssec_chain": {"version": 3}} if rng.random() < 0.3 else {}
        outcome = record(*levels, at=NOON + timedelta(minutes=rng.randrange(90)), score=rng.randrange(100), **chain)
        make_run(store, f"d{rng.randrange(7)}.example", outcome, batch_id=rng.choice(batch_ids))


def test_preview_counts_exactly_what_the_deletion_removes(store: Store) -> None:
    batch_id, other = make_batch(store, tag="gov", snapshot_intent=True), make_batch(store)
    random_runs(store, batch_id, batch_id, other, None)
    before, entries_before = counts(store), count_entries(store)
    with store.read_only() as session:
        preview = deletion.preview_batch_deletion(session, batch_id)
    assert (preview.queued_jobs, preview.running_jobs) == (0, 0)
    assert (preview.batch.tag, preview.batch.snapshot_intent) == ("gov", True)
    with store.transaction() as session:
        assert deletion.delete_batch(session, batch_id).entries == preview.entries
    after = counts(store)
    removed = {model: before[model] - after[model] for model in before}
    assert removed[Batch] == 1
    assert removed[Run] == preview.completed_runs
    assert entries_before - count_entries(store) == preview.entries
    assert 0 < removed[Run] < before[Run]
    assert 0 < removed[RunDocument] < before[RunDocument]
    assert removed[Domain] == 0
    assert shown(store) == recounted(store)
    with store.transaction() as session, pytest.raises(BatchNotFound):
        deletion.delete_batch(session, batch_id)


def test_a_batch_with_unfinished_jobs_is_not_deleted(store: Store) -> None:
    batch_id = make_batch(store)
    make_run(store, batch_id=batch_id)
    claim(store, queue_job(store, batch_id=batch_id).id)
    queue_job(store, batch_id=batch_id)
    before = counts(store)
    with store.read_only() as session:
        preview = deletion.preview_batch_deletion(session, batch_id)
        assert (preview.queued_jobs, preview.running_jobs, preview.completed_runs) == (1, 1, 1)
    with pytest.raises(JobsNotTerminal) as refused, store.transaction() as session:
        deletion.delete_batch(session, batch_id)
    assert refused.value.unfinished == 2
    assert counts(store) == before


def test_purge_by_age_works_in_steps_and_updates_domains(store: Store) -> None:
    random_runs(store, None)
    queue_job(store, now=NOON - timedelta(days=9))
    cutoff = NOON + timedelta(minutes=60)
    with store.read_only() as session:
        old = session.scalar(select(func.count()).select_from(Run).where(Run.finished_at < cutoff)) or 0
    removed: list[int] = []
    while not removed or removed[-1]:
        with store.transaction() as session:
            removed.append(deletion.purge_finished_before(session, cutoff, limit=7))
        assert shown(store) == recounted(store)
    assert sum(removed) == old > 14
    assert max(removed) == 7
    with store.read_only() as session:
        assert session.scalars(select(func.min(Run.finished_at))).one() >= cutoff
    assert counts(store)[Job] == 1
    assert count_entries(store) == sum(line.entry_count for line in all_runs(store))


def test_runs_that_graduate_while_others_are_purged_are_counted(store: Store) -> None:
    for _ in range(24):
        make_run(store, outcome=record("ERROR", at=NOON))
    jobs = [claim(store, queue_job(store).id, worker=f"w{number}") for number in range(12)]

    def purge() -> int:
        cutoff = NOON + timedelta(minutes=1)
        portions = [
            store.run_in_transaction(lambda s: deletion.purge_finished_before(s, cutoff, limit=3)) for _ in range(12)
        ]
        return sum(portions)

    def graduate(mine: list[Job]) -> None:
        outcome = record("INFO", at=NOON + timedelta(hours=1))
        for job in mine:
            store.run_in_transaction(
                partial(graduate_job, job_id=job.id, worker=job.worker or "", attempt=1, record=outcome)
            )

    answers = together(purge, lambda: graduate(jobs[::2]), purge, lambda: graduate(jobs[1::2]))
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert len(all_runs(store)) == 12
    assert shown(store) == recounted(store)


def all_runs(store: Store) -> list[Run]:
    with store.read_only() as session:
        return list(session.scalars(select(Run)))


def test_purge_by_tag_keeps_other_runs(store: Store) -> None:
    make_run(store, "in.example", config={"tags": ["gov"]})
    make_run(store, "in.example")
    make_run(store, "out.example")
    with store.transaction() as session:
        assert deletion.purge_tag(session, "gov", limit=1) == 1
        assert deletion.purge_tag(session, "gov") == 1
        assert deletion.purge_tag(session, "gov") == 0
    assert [run.domain for run in all_runs(store)] == ["out.example"]
    assert shown(store) == recounted(store)


def test_a_purge_by_tag_starts_over_for_skipped_runs(store: Store) -> None:
    for number in (0, 1, 2, 0, 1):
        make_run(store, f"d{number}.example", config={"tags": ["gov"]})
    purge = deletion.TagPurge("gov")
    removed: list[int] = []
    while not removed or removed[-1]:
        with store.transaction() as session:
            removed.append(purge(session, 2))
        if removed == [2]:
            make_run(store, "d0.example")  # the run of a domain that was already purged
    assert sum(removed) == 6
    assert not all_runs(store)
    assert shown(store) == recounted(store)


def test_a_late_score_is_shown_with_run_and_domain(store: Store) -> None:
    old, new = (make_run(store, outcome=record(at=NOON + timedelta(hours=n))) for n in range(2))
    with store.transaction() as session:
        set_score(session, old.id, score=10, grade="F")
        set_score(session, new.id, score=90, grade="A")
    assert {run.score for run in all_runs(store)} == {10, 90}
    assert shown(store)["example.com"][-1] == 90


def test_throughput_is_measured_from_runs_that_were_started(store: Store) -> None:
    ends = [NOON + timedelta(seconds=10 * number) for number in range(5)]
    now, window = ends[-1], timedelta(hours=1)
    with store.read_only() as session:
        assert measure_throughput(session, now=now, window=window) is None
    for end in ends:
        make_run(store, outcome=record(at=end))
    with store.transaction() as session:
        found = measure_throughput(session, now=now, window=window)
        assert found is not None
        assert (found.per_second, found.mean_duration) == (5 / 40, timedelta(seconds=5))
        assert measure_throughput(session, now=now, window=timedelta(seconds=15)) is None


def test_two_runs_differ_in_added_cleared_and_changed_findings(store: Store) -> None:
    def line(tag: str, level: str = "NOTICE", **args: Any) -> list[Any]:
        return entries_of(level, tag=tag, args=args)

    old = make_run(store, outcome=record(entries=[*line("SAME", ns="a"), *line("GONE"), *line("LEVEL"), *line("ARGS")]))
    new = make_run(
        store,
        outcome=record(
            entries=[
                *line("NEW"),
                *line("LEVEL", "ERROR"),
                *line("ARGS", ns="b"),
                *line("SAME", ns="a"),
                *line("QUIET", "DEBUG"),
            ]
        ),
    )
    with store.read_only() as session:
        found = comparison.diff_runs(session, old.id, new.id, with_args=True)
        assert [change.tag for change in found.added] == ["NEW"]
        assert [change.tag for change in found.cleared] == ["GONE"]
        assert [change.tag for change in found.changed] == ["ARGS", "LEVEL"]
        before, after = found.changed[0].before[0], found.changed[0].after[0]
        assert (before.args, after.args, after.level) == ({}, {"ns": "b"}, "NOTICE")
        levels = comparison.diff_runs(session, old.id, new.id)
        assert [change.tag for change in levels.changed] == ["LEVEL"]
        assert not comparison.diff_runs(session, old.id, old.id)
        assert [c.tag for c in comparison.diff_runs(session, old.id, new.id, min_level="ERROR").added] == ["LEVEL"]


def test_values_of_an_argument_are_grouped_by_domain(store: Store) -> None:
    batch_id = make_batch(store)
    values: list[tuple[str, Any, int | None]] = [
        ("a", "ns1.example", 90),
        ("b", "ns1.example", 80),
        ("c", "ns2.example", 10),
        ("d", 53, None),
        ("e", True, None),
        ("f", ["x", 1], None),
        ("g", "it's", None),
    ]
    for letter, value, score in values:
        lines = entries_of("NOTICE", "NOTICE", tag="T", args={"ns": value}) + entries_of("INFO", tag="T")
        outcome = record(entries=lines + entries_of("INFO", tag="OTHER", args={"ns": "no"}), score=score)
        make_run(store, f"{letter}.example", outcome, batch_id=batch_id)
    make_run(store, "x.example", record(entries=entries_of("INFO", tag="T", args={"ns": "elsewhere"})))
    with store.read_only() as session:

        def listed(**options: Any) -> list[tuple[str, int, float | None, list[str]]]:
            found = list_tag_values(session, batch_id, message_tag="T", argument="ns", **options)
            return [(v.value, v.count, v.avg_score, [d[0] for d in v.sample_domains]) for v in found]

        assert listed()[0] == ("ns1.example", 2, 85.0, ["a", "b"])
        rest = {("ns2.example", 1, 10.0, "c"), ("53", 1, None, "d"), ("true", 1, None, "e")}
        rest |= {('["x",1]', 1, None, "f"), ("it's", 1, None, "g")}
        assert {(value, count, score, "".join(domains)) for value, count, score, domains in listed()[1:]} == rest
        assert [value for value, *_ in listed(weight_by_score=True)][:2] == ["ns2.example", "ns1.example"]
        assert len(listed(min_count=2)) == 1
        assert len(listed(limit=3)) == 3
        assert list_tag_values(session, batch_id, message_tag="T", argument="none") == []


def test_a_batch_keeps_counts_and_times_of_purged_runs(store: Store) -> None:
    batch_id, other = make_batch(store, tag="gov"), make_batch(store)
    last = NOON + timedelta(hours=5)
    make_run(store, "a.example", record("ERROR", at=NOON, score=50, grade="D"), batch_id=batch_id)
    make_run(store, "b.example", record("ERROR", at=NOON + timedelta(hours=1), score=50, grade="D"), batch_id=batch_id)
    make_run(store, "c.example", record(at=NOON + timedelta(hours=2), status=RunStatus.FAILED), batch_id=batch_id)
    make_run(store, "d.example", record("INFO", at=last, score=90, grade="A"), batch_id=batch_id)
    make_run(store, "e.example", record("INFO", at=NOON, score=90, grade="A"), batch_id=other)

    def seen() -> tuple[Any, ...]:
        with store.read_only() as session:
            summary = batches.summarise_batch(session, batch_id)
            listed = next(item for item in batches.list_batches(session, tag="gov").items)
            facts = (summary.status_counts, summary.grades, summary.worst_levels)
            assert batches.count_statuses(session, batch_id) == summary.status_counts
            assert (listed.completed, listed.total, listed.purged) == (4, 4, summary.purged_runs)
            assert (listed.started_at, listed.finished_at) == (summary.started_at, summary.finished_at)
            return (*facts, summary.started_at, summary.finished_at)

    whole = seen()
    assert whole[3:] == (NOON - timedelta(seconds=5), last)
    for cutoff, left in ((NOON + timedelta(minutes=1), 3), (NOON + timedelta(hours=3), 1), (last + timedelta(1), 0)):
        with store.transaction() as session:
            deletion.purge_finished_before(session, cutoff)
        assert counts(store)[Run] == left
        assert seen() == whole
        with store.read_only() as session:
            kept = batches.summarise_batch(session, batch_id).kept
            assert sum(kept.status_counts.values()) == left
            assert sum(kept.worst_levels.values()) == left - kept.status_counts["failed"]
    with store.transaction() as session:
        assert deletion.delete_batch(session, batch_id).completed_runs == 0
        assert [row.batch_key for row in session.scalars(select(PurgedRunCounter))] == [batch_key(other)]


def test_purges_at_the_same_time_lose_no_count_of_a_batch(store: Store) -> None:
    made = [make_batch(store, at=number) for number in range(3)]
    for number in range(60):
        level = LEVELS[number % 5]
        outcome = record(level, at=NOON + timedelta(minutes=number), score=9, grade="F")
        make_run(store, f"d{number % 7}.example", outcome, batch_id=made[number % 3])

    def purge() -> None:
        while store.run_in_transaction(lambda s: deletion.purge_finished_before(s, NOON + timedelta(days=1), limit=5)):
            pass

    together(purge, purge, purge)
    with store.read_only() as session:
        for number, batch_id in enumerate(made):
            summary = batches.summarise_batch(session, batch_id)
            assert (summary.purged_runs, summary.status_counts["succeeded"]) == (20, 20)
            assert summary.started_at == NOON + timedelta(minutes=number, seconds=-5)
            assert summary.finished_at == NOON + timedelta(minutes=57 + number)


def test_all_batches_are_walked_through_newest_first(store: Store) -> None:
    made = [make_batch(store, at=number // 2, tag="gov" if number % 2 else "") for number in range(7)]
    for label, selected in (("", made), ("go", made[1::2])):
        last, found = None, list[str]()
        with store.read_only() as session:
            while part := batches.batches_before(session, last, label=label, limit=2):
                found += [batch.id for batch in part]
                last = part[-1]
        assert found == selected[::-1]
