"""Lists of jobs, runs and entries: every filter, every sort, every page, on both databases."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from gonemaster_db.batches.batches import create_batch
from gonemaster_db.core.errors import DocumentDamaged, RunNotFound
from gonemaster_db.core.filters import EntryFilter, JobFilter, RunFilter
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import EntryRecord, NewBatch
from gonemaster_db.core.session import Store
from gonemaster_db.models import Job, JobStatus, Priority, Run, RunDocument, RunStatus
from gonemaster_db.queue.jobs import hold_job
from gonemaster_db.runs.entries import PAGE_BYTES, entries_of_run, list_entries, read_entries_after
from gonemaster_db.runs.job_list import list_jobs
from gonemaster_db.runs.run_documents import read_stored_run
from gonemaster_db.runs.runs import get_dnssec_chain, get_run, list_public_configs, list_runs
from gonemaster_db.runs.sort_keys import SORTS
from tests.support.rows import NOON, claim, entries_of, make_run, queue_job, record

Item = Job | Run
FIRST = datetime(1, 1, 1, tzinfo=UTC)


def severe(item: Item) -> int:
    return item.sev_error + item.sev_critical if isinstance(item, Run) else 0


def critical(item: Item) -> int:
    return item.sev_critical if isinstance(item, Run) else 0


def finished(item: Item) -> float:
    return (item.finished_at if isinstance(item, Run) else FIRST).timestamp()


def rank(item: Item) -> int:
    return item.worst_rank if isinstance(item, Run) else 0


def known(item: Item, name: str, otherwise: int) -> int:
    value = getattr(item, name, None)
    return otherwise if value is None else value


# The sorts of the HTTP contract, implemented in Python.
REFERENCE: dict[str, Callable[[Item], tuple[Any, ...]]] = {
    "created_at_desc": lambda i: (-i.created_at.timestamp(),),
    "created_at_asc": lambda i: (i.created_at.timestamp(),),
    "started_at_desc": lambda i: (-(i.started_at or i.created_at).timestamp(), -i.created_at.timestamp()),
    "started_at_asc": lambda i: ((i.started_at or i.created_at).timestamp(), i.created_at.timestamp()),
    "domain_asc": lambda i: (i.domain, -finished(i)),
    "error_desc": lambda i: (-severe(i), -critical(i), -finished(i)),
    "critical_desc": lambda i: (-critical(i), -severe(i), -finished(i)),
    "finished_at_desc": lambda i: (-finished(i),),
    "finished_at_asc": lambda i: (finished(i),),
    "worst_level_desc": lambda i: (-rank(i), -finished(i)),
    "worst_level_asc": lambda i: (rank(i), -finished(i)),
    "score_desc": lambda i: (-known(i, "score", -1), -finished(i)),
    "score_asc": lambda i: (known(i, "score", 9999), -finished(i)),
    "duration_desc": lambda i: (-known(i, "duration_ms", -1), -finished(i)),
    "duration_asc": lambda i: (known(i, "duration_ms", 2**62), -finished(i)),
    "entry_count_desc": lambda i: (-known(i, "entry_count", 0), -finished(i)),
    "entry_count_asc": lambda i: (known(i, "entry_count", 0), -finished(i)),
    "batch_id_asc": lambda i: (i.batch_id or "", -finished(i)),
}


def reference_order(items: list[Item], sort: str) -> list[str]:
    if sort in ("domain_desc", "batch_id_desc"):
        part = "domain" if sort == "domain_desc" else "batch_id"
        by_rest = sorted(items, key=lambda i: (-finished(i), i.id))
        return [i.id for i in sorted(by_rest, key=lambda i: getattr(i, part) or "", reverse=True)]
    return [i.id for i in sorted(items, key=lambda i: (*REFERENCE[sort](i), i.id))]


@pytest.fixture
def batch_id(store: Store) -> str:
    with store.transaction() as session:
        return create_batch(session, NewBatch(domain_count=9, tag="gov"), now=NOON).id


@pytest.fixture
def items(store: Store, batch_id: str) -> list[Item]:
    """Create jobs of all states and runs of all kinds, many of them with equal sort values."""
    rng = random.Random(7)
    made: list[Item] = []
    for number in range(40):
        fields: dict[str, Any] = {"priority": Priority.BATCH, "batch_id": batch_id} if number % 3 == 0 else {}
        domain = f"d{rng.randrange(8)}.example"
        moment = NOON + timedelta(minutes=rng.randrange(6))
        if number % 4 == 0:
            job = queue_job(store, domain, now=moment, **fields)
            made.append(claim(store, job.id, now=moment + timedelta(minutes=9)) if number % 8 == 0 else job)
        else:
            levels = rng.choices(LEVELS, k=rng.randrange(4))
            graded: dict[str, Any] = (
                {"score": rng.choice((0, 50, 100)), "grade": rng.choice("AC")} if number % 5 else {}
            )
            made.append(make_run(store, domain, record(*levels, at=moment, **graded), **fields))
    with store.transaction() as session:
        hold_job(session, next(i.id for i in made if isinstance(i, Job) and i.status == JobStatus.QUEUED))
    return made


def test_every_sort_orders_jobs_and_runs_as_the_contract_says(store: Store, items: list[Item]) -> None:
    assert set(SORTS) == {*REFERENCE, "domain_desc", "batch_id_desc"}
    with store.read_only() as session:
        for sort in SORTS:
            listed = list_jobs(session, JobFilter(), sort=sort, limit=500)
            assert [item.id for item in listed.items] == reference_order(items, sort), sort
            runs = list_runs(session, RunFilter(), sort=sort, limit=500)
            only_runs: list[Item] = [item for item in items if isinstance(item, Run)]
            assert [run.id for run in runs.items] == reference_order(only_runs, sort), sort


def test_pages_join_to_the_whole_list(store: Store, items: list[Item]) -> None:
    with store.read_only() as session:
        pages = [list_jobs(session, JobFilter(), limit=7, offset=offset) for offset in range(0, 42, 7)]
    assert {page.total for page in pages} == {len(items)}
    joined = [item.id for page in pages for item in page.items]
    assert joined == reference_order(items, "started_at_desc")


def matching(items: list[Item], keep: Callable[[Item], bool]) -> set[str]:
    kept = {item.id for item in items if keep(item)}
    assert 0 < len(kept) < len(items)  # a filter that matches all or no items would prove little
    return kept


def test_job_filters_keep_what_matches(store: Store, items: list[Item], batch_id: str) -> None:
    middle = NOON + timedelta(minutes=2)
    cases: list[tuple[JobFilter, Callable[[Item], bool]]] = [
        (JobFilter(status="running"), lambda i: i.status == JobStatus.RUNNING),
        (JobFilter(status="queued"), lambda i: i.id in queued),
        (JobFilter(status="succeeded"), lambda i: i.status == RunStatus.SUCCEEDED),
        (JobFilter(batch_id=batch_id), lambda i: i.batch_id == batch_id),
        (JobFilter(domain="D3.ex"), lambda i: i.domain == "d3.example"),
        (JobFilter(severity="warnings_plus"), lambda i: rank(i) >= 2),
        (JobFilter(severity="errors_only"), lambda i: rank(i) >= 3),
        (JobFilter(created_after=middle), lambda i: i.created_at > middle),
        (JobFilter(created_before=middle), lambda i: i.created_at < middle),
        (JobFilter(domain="d3", batch_id=batch_id), lambda i: i.domain == "d3.example" and i.batch_id == batch_id),
    ]
    with store.read_only() as session:
        queued = {item.id for item in list_jobs(session, JobFilter(status="queued"), limit=500).items}
        assert len(list_jobs(session, JobFilter(status="paused")).items) == 1
        for filters, keep in cases:
            page = list_jobs(session, filters, limit=500)
            assert {item.id for item in page.items} == matching(items, keep), filters
            assert page.total == len(page.items)


def test_domain_parts_are_taken_literally(store: Store, items: list[Item]) -> None:
    with store.read_only() as session:
        for part in ("%", "_", "d_.example"):
            assert list_jobs(session, JobFilter(domain=part)).total == 0
            assert list_runs(session, RunFilter(domain=part)).total == 0


def test_an_empty_list_is_a_page(store: Store) -> None:
    with store.read_only() as session:
        page = list_jobs(session, JobFilter(status="running", severity="errors_only"))
    assert (page.items, page.total) == ([], 0)


def test_run_filters_keep_what_matches(store: Store, items: list[Item], batch_id: str) -> None:
    runs: list[Item] = [item for item in items if isinstance(item, Run)]
    middle = NOON + timedelta(minutes=2)
    tagged = make_run(store, "tagged.example", record(entries=entries_of("INFO", tag="Z01_X")), config={"tags": ["eu"]})
    failed = make_run(store, "d1.example", record(status=RunStatus.FAILED, at=NOON))
    runs += [tagged, failed]
    some_id = tagged.domain_id
    cases: list[tuple[RunFilter, Callable[[Any], bool]]] = [
        (RunFilter(domain_tag="eu"), lambda r: r.id == tagged.id),
        (RunFilter(event_tag="Z01_X"), lambda r: r.id == tagged.id),
        (RunFilter(domain="1.exam"), lambda r: r.domain == "d1.example"),
        (RunFilter(domain_exact="D1.example"), lambda r: r.domain == "d1.example"),
        (RunFilter(domain_id=some_id), lambda r: r.domain_id == some_id),
        (RunFilter(batch_id=batch_id), lambda r: r.batch_id == batch_id),
        (RunFilter(status="failed"), lambda r: r.id == failed.id),
        (RunFilter(level="ERROR"), lambda r: r.worst_level == "ERROR"),
        (RunFilter(grade="A"), lambda r: r.grade == "A"),
        (RunFilter(finished_after=middle), lambda r: r.finished_at > middle),
        (RunFilter(finished_before=middle), lambda r: r.finished_at < middle),
    ]
    with store.read_only() as session:
        for filters, keep in cases:
            page = list_runs(session, filters, limit=500)
            assert {run.id for run in page.items} == matching(runs, keep), filters
            assert page.total == len(page.items)


def test_a_run_is_read_with_profile_and_chain(store: Store) -> None:
    outcome = record(effective_profile="{}", dnssec_chain={"version": 3}, nameserver_timings=[{"count": 3}])
    run, bare = make_run(store, outcome=outcome), make_run(store)
    with store.read_only() as session:
        found = get_run(session, run.id)
        assert found.effective_profile is not None
        assert found.effective_profile.document == "{}"
        assert read_stored_run(session, run.id).full_document.nameserver_timings == [{"count": 3}]
        assert get_run(session, bare.id).effective_profile is None
        assert (get_dnssec_chain(session, run.id), get_dnssec_chain(session, bare.id)) == ({"version": 3}, None)
        assert [read_stored_run(session, r.id).full_document.has_chain for r in (run, bare)] == [True, False]
        listed = list_runs(session, RunFilter(domain_exact="example.com"), full=True).items
        assert {run.effective_profile and run.effective_profile.document for run in listed} == {None, "{}"}
        with pytest.raises(RunNotFound):
            get_run(session, "job_none")


def a_line(number: int, *, tag: str = "B01_X", level: str = "INFO", testcase: str = "basic01") -> EntryRecord:
    return EntryRecord(number / 10, testcase[:-2].upper(), testcase, tag, level, {"number": number})


@pytest.fixture
def runs_with_entries(store: Store, batch_id: str) -> list[Run]:
    kinds = [("B01_X", "INFO", "basic01"), ("B02_Y", "ERROR", "basic02"), ("Z01_Z", "NOTICE", "zone01")]
    made = []
    for number in range(6):
        lines = [
            a_line(k, tag=tag, level=level, testcase=testcase)
            for k, (tag, level, testcase) in enumerate(kinds[: 1 + number % 3])
        ]
        outcome = record(entries=lines, at=NOON + timedelta(minutes=number))
        fields: dict[str, Any] = {"batch_id": batch_id} if number == 2 else {}
        fields |= {"config": {"tags": ["eu"]}} if number == 1 else {}
        made.append(make_run(store, f"d{number % 3}.example", outcome, **fields))
    return made


def test_public_runs_of_a_domain_begin_with_the_newest(store: Store) -> None:
    kinds: list[dict[str, Any]] = [
        {"public_id": "a" * 12},
        {"public_id": "b" * 12, "config": {"tests": ["basic"]}},
        {},
    ]
    for number, order in enumerate(kinds):
        make_run(store, "a.example", record("INFO", at=NOON + timedelta(days=number)), **order)
    make_run(store, "a.example", record(status=RunStatus.FAILED, at=NOON + timedelta(days=9)), public_id="c" * 12)
    make_run(store, "b.a.example", public_id="d" * 12)
    with store.read_only() as session:
        found = list_public_configs(session, "a.example", limit=9)
        newest = list_public_configs(session, "a.example", limit=1)
    assert [config for _, config in found] == [{"tests": ["basic"]}, {}]
    assert newest == found[:1]


def test_entries_of_a_run_start_at_a_level(store: Store, runs_with_entries: list[Run]) -> None:
    run = runs_with_entries[2]
    with store.read_only() as session:
        assert [e.tag for e in entries_of_run(session, run.id)] == ["B01_X", "B02_Y", "Z01_Z"]
        assert [e.tag for e in entries_of_run(session, run.id, min_level="WARNING")] == ["B02_Y"]


def test_entry_filters_keep_what_matches(store: Store, runs_with_entries: list[Run], batch_id: str) -> None:
    run = runs_with_entries[2]
    newest = {r.id for r in runs_with_entries[3:]}
    tagged = runs_with_entries[1].domain_id
    cases: list[tuple[EntryFilter, Callable[[Any, str], bool]]] = [
        (EntryFilter(run_id=run.id), lambda e, _: e.run_id == run.id),
        (EntryFilter(domain_id=run.domain_id), lambda e, _: e.domain_id == run.domain_id),
        (EntryFilter(domain_tag="eu"), lambda e, _: e.domain_id == tagged),
        (EntryFilter(module="basic"), lambda e, _: e.module == "BASIC"),
        (EntryFilter(testcase="ZONE01"), lambda e, _: e.testcase == "zone01"),
        (EntryFilter(tag="B02_Y"), lambda e, _: e.tag == "B02_Y"),
        (EntryFilter(level="ERROR"), lambda e, _: e.level == "ERROR"),
        (EntryFilter(latest=True), lambda e, _: e.run_id in newest),
        (EntryFilter(batch_id=batch_id), lambda e, _: e.run_id == run.id),
        (EntryFilter(latest=True, tag="B01_X"), lambda e, _: e.run_id in newest and e.tag == "B01_X"),
    ]
    with store.read_only() as session:
        everything = list_entries(session, EntryFilter(), limit=500).items
        assert len(everything) == 12
        assert {(line.domain_id, line.domain) for line in everything} == {
            (r.domain_id, r.domain) for r in runs_with_entries
        }
        assert list_entries(session, EntryFilter(domain_tag="none")).total == 0
        for filters, keep in cases:
            expected = [line.id for line in everything if keep(line, line.domain)]
            assert 0 < len(expected) < len(everything)
            page = list_entries(session, filters, limit=500)
            assert [line.id for line in page.items] == expected, filters
            assert page.total == len(expected)
            assert [line.id for line in read_entries_after(session, filters, None, limit=500)] == expected


def damage(store: Store, run: Run) -> None:
    with store.transaction() as session:
        session.execute(update(RunDocument).where(RunDocument.run_key == run.key).values(document=b"broken"))


def test_damaged_document_is_reported_and_lists_continue(
    store: Store, runs_with_entries: list[Run], caplog: pytest.LogCaptureFixture
) -> None:
    broken = runs_with_entries[2]
    damage(store, broken)
    with store.read_only() as session:
        items = list_entries(session, EntryFilter(), limit=500).items
        assert len(items) == 12
        assert {(not e.args) == (e.run_id == broken.id) for e in items} == {True}
        assert list_entries(session, EntryFilter(tag="Z01_Z")).total == 2
        with pytest.raises(DocumentDamaged, match=broken.id):
            entries_of_run(session, broken.id)
    assert {record.message for record in caplog.records} == {
        "the document of a run is damaged",
        "listing an entry without arguments",
    }


def counted(
    session: Session, filters: EntryFilter, after: tuple[str, int] | None, *, limit: int
) -> Sequence[EntryRecord]:
    return list_entries(session, filters, limit=limit, after=after).items


@pytest.mark.usefixtures("runs_with_entries")
def test_entries_page_by_offset_and_by_the_last_one_seen(store: Store) -> None:
    with store.read_only() as session:
        everything = [line.id for line in list_entries(session, EntryFilter(), limit=500).items]
        by_offset = [
            line.id
            for offset in range(0, 12, 5)
            for line in list_entries(session, EntryFilter(), limit=5, offset=offset).items
        ]
        assert by_offset == everything
        for read in (counted, read_entries_after):
            seen: list[int] = []
            after: tuple[str, int] | None = None
            while items := read(session, EntryFilter(), after, limit=5):
                seen += [line.id for line in items]
                after = (items[-1].run_id, items[-1].id)
            assert seen == everything
        assert list_entries(session, EntryFilter(), limit=1, count_up_to=4).total == 4


def test_a_page_of_large_entries_is_cut_and_the_next_continues(store: Store) -> None:
    """Create eleven entries of 3 MiB in one run and small ones in others: pages of two, then one with all others."""
    large = [EntryRecord(1.0, "ZONE", "zone01", "T", "INFO", {"text": "x" * (PAGE_BYTES * 3 // 8)})] * 11
    make_run(store, "large.example", record(entries=large))
    for number in range(30):
        make_run(store, f"small{number}.example", record("INFO"))
    with store.read_only() as session:
        seen: list[int] = []
        lengths = []
        after: tuple[str, int] | None = None
        while (page := list_entries(session, EntryFilter(), limit=100, after=after)).items:
            by_offset = list_entries(session, EntryFilter(), limit=100, offset=len(seen)).items
            assert [item.id for item in by_offset] == [item.id for item in page.items]
            assert page.is_cut == (len(seen) + len(page.items) < page.total == 41)
            seen += [item.id for item in page.items]
            lengths.append(len(page.items))
            after = (page.items[-1].run_id, page.items[-1].id)
    assert lengths == [2, 2, 2, 2, 2, 31]
    assert len(set(seen)) == 41


def test_an_entry_larger_than_a_page_has_its_own_page(store: Store) -> None:
    huge = [EntryRecord(1.0, "ZONE", "zone01", "T", "INFO", {"text": "x" * (PAGE_BYTES + 1)})] * 2
    make_run(store, "huge.example", record(entries=huge))
    with store.read_only() as session:
        first = list_entries(session, EntryFilter())
        assert (len(first.items), first.is_cut) == (1, True)
        second = list_entries(session, EntryFilter(), offset=1)
        assert (len(second.items), second.is_cut) == (1, False)


def test_count_of_entries_says_when_it_stopped(store: Store) -> None:
    make_run(store, "a.example", record("INFO", "NOTICE", "ERROR"))
    with store.read_only() as session:
        for count_up_to, total, stopped in ((2, 2, True), (3, 3, False), (4, 3, False)):
            page = list_entries(session, EntryFilter(), count_up_to=count_up_to)
            assert (page.total, page.total_is_least, len(page.items)) == (total, stopped, 3)


def test_keyset_pages_of_newest_runs_join_to_all_their_entries(store: Store) -> None:
    for domain in ("a.example", "b.example"):
        make_run(store, domain, record("ERROR", at=NOON - timedelta(hours=1)))
        make_run(store, domain, record("INFO", "NOTICE", "INFO"))
    with store.read_only() as session:
        whole = [item.id for item in list_entries(session, EntryFilter(latest=True)).items]
        seen: list[int] = []
        after: tuple[str, int] | None = None
        while page := list_entries(session, EntryFilter(latest=True), limit=2, after=after).items:
            seen += [item.id for item in page]
            after = (page[-1].run_id, page[-1].id)
    assert seen == whole
    assert len(whole) == 6
