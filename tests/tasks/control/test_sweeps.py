"""Batches that are filled from uploads and files: in chunks, once, and in the order of the lines."""

import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from gonemaster_db.batches.batches import count_statuses, create_batch, get_batch
from gonemaster_db.batches.sweeps import create_sweep, find_sweep
from gonemaster_db.batches.uploads import add_part, complete_upload, create_upload, list_parts
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import BatchNotFound, UploadConflict, UploadNotFound
from gonemaster_db.core.ids import new_batch_id
from gonemaster_db.core.records import NewBatch
from gonemaster_db.domains.tags import ensure_tags
from gonemaster_db.models import Job, Operation, OperationKind, OperationStatus, Priority, Upload
from gonemaster_db.queue.queue import iter_queued_ids
from gonemaster_db.service.operations import create_operation, get_operation
from gonemaster_tasks.control import order
from gonemaster_tasks.control.batches import cancel_batch
from gonemaster_tasks.control.order_changes import refill_tier
from gonemaster_tasks.control.parts import QueueParts, SweepLimits
from gonemaster_tasks.control.sweeps.scan import BitMap, scan
from gonemaster_tasks.control.sweeps.source import Block, lines_of
from gonemaster_tasks.errors import SourceInvalid
from gonemaster_tasks.maintenance.operations import perform_due_operations
from gonemaster_tasks.maintenance.retention import _purge_small_tables
from gonemaster_tasks.queues import BATCH
from tests.support.examples import examples
from tests.support.redis import confirm_tiers, raw
from tests.support.sources import ROOT

LIFE = timedelta(hours=1)
LEASE = timedelta(seconds=30)


@pytest.fixture
def parts(parts: QueueParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> QueueParts:
    """Return a queue that writes ten jobs at once and allows files of a folder."""
    monkeypatch.setattr("gonemaster_tasks.control.sweeps.filling.MAX_SLAB_SIZE", 10)
    confirm_tiers(parts.broker)
    return replace(parts, sweeps=SweepLimits(str(tmp_path), 1000, LIFE, tmp_path))


def uploaded(parts: QueueParts, content: bytes, *, part_size: int = 50) -> dict[str, Any]:
    """Upload a content in parts; return the source."""
    pieces = [content[start : start + part_size] for start in range(0, len(content), part_size)] or [b""]
    with parts.store.transaction() as session:
        upload_id = create_upload(session, name="names", now=utcnow(), life=LIFE).id
        for number, piece in enumerate(pieces, 1):
            add_part(session, upload_id, number, piece, now=utcnow(), life=LIFE)
        complete_upload(session, upload_id, len(pieces), now=utcnow(), life=LIFE)
    return {"upload_id": upload_id, "parts": len(pieces)}


def sweep(parts: QueueParts, source: dict[str, Any], **options: Any) -> Operation:
    """Store a sweep and its operation, as the API does."""
    batch_id, now = new_batch_id(), utcnow()
    fields = {"name": "tld", "tags": [], "tag": ""} | options.pop("batch", {})
    skip_invalid = options.pop("skip_invalid", False)
    with parts.store.transaction() as session:
        operation = create_operation(
            session, OperationKind.FILL_BATCH, target=batch_id, total=0, who="ops", now=now, parameters={}
        )
        create_sweep(
            session,
            operation,
            source=source,
            batch=fields,
            options={"config": {"origin": "batch"}} | options,
            skip_invalid=skip_invalid,
        )
    return operation


def perform(parts: QueueParts, **named: Any) -> None:
    perform_due_operations(parts, worker="w", now=parts.clock.now, lease=LEASE, **named)


def ended(parts: QueueParts, operation: Operation) -> Operation:
    perform(parts)
    with parts.store.read_only() as session:
        return get_operation(session, operation.id)


def result(operation: Operation) -> Any:
    return operation.result


def domains(parts: QueueParts) -> list[str]:
    """Return the domains of the batch tier in order, after checking that each has a message."""
    with parts.store.read_only() as session:
        rows = session.execute(select(Job.domain).where(Job.priority == Priority.BATCH).order_by(Job.position, Job.id))
        found = [row.domain for row in rows]
        ids = list(iter_queued_ids(session, Priority.BATCH))
    waiting = list(parts.broker.lists.waiting_ids(BATCH))
    assert waiting == ids[: len(waiting)]
    return found


def names(count: int) -> list[str]:
    return [f"n{number}.example" for number in range(count)]


def text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress], ids=["plain", "gzip"])
def test_a_batch_is_filled_in_the_order_of_the_lines(parts: QueueParts, pack: Any) -> None:
    lines = [*names(25), "", "# a comment", "N3.example.", '"j.example"', '{"domain": "o.example"}', "last.example # x"]
    operation = sweep(parts, uploaded(parts, pack(text(lines)[:-1])))
    done = ended(parts, operation)
    assert (done.status, done.done, done.total) == (OperationStatus.SUCCEEDED, 28, 28)
    expected = [*names(25), "j.example", "o.example", "last.example"]
    assert sorted(domains(parts)) == sorted(expected)
    assert domains(parts)[:20] == expected[:20]
    assert result(done)["duplicate_count"] == 1
    assert result(done)["duplicates"][0]["index"] == 27
    with parts.store.read_only() as session:
        batch = get_batch(session, operation.target)
        assert (batch.name, batch.domain_count, batch.pending) == ("tld", 28, 0)
        assert session.scalars(select(Upload.id)).all() == []
        assert find_sweep(session, operation.id) is None


def test_a_window_smaller_than_the_batch_is_refilled(parts: QueueParts) -> None:
    parts.broker.window.size = 7
    ended(parts, sweep(parts, uploaded(parts, text(names(40)))))
    assert parts.broker.lists.depth(BATCH) == 7
    assert domains(parts)[:7] == names(7)
    raw(parts.broker).delete(BATCH)
    assert refill_tier(parts.store, parts.broker, BATCH) == 7


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([*names(3), "x" * 300, "ok.example"], "line 4 (part 1): 'xxxxx"),
        (["a.example", "{broken"], "line 2 (part 1): '{broken' is not a valid domain name: the line is not valid JSON"),
        (["a.example", '{"name": "b.example"}'], "the line has no text in domain"),
        (["a.example", "y" * 5000], "the line has more than 4096 bytes"),
        (["192.0.2.1"], "line 1 (part 1): '192.0.2.1' is not a valid domain name"),
        (["", "# nothing"], "the source has no names"),
        ([f"n{number}" for number in range(1001)], "line 1001: at most 1000 lines are allowed"),
    ],
)
def test_invalid_lines_are_refused_with_their_place(parts: QueueParts, lines: list[str], error: str) -> None:
    source = uploaded(parts, text(lines))
    done = ended(parts, sweep(parts, source))
    assert done.status == OperationStatus.FAILED
    assert error in done.error
    assert domains(parts) == []
    with parts.store.read_only() as session, pytest.raises(BatchNotFound):
        get_batch(session, done.target)
    with parts.store.transaction() as session:  # The upload can be used again.
        complete_upload(session, source["upload_id"], source["parts"], now=utcnow(), life=LIFE)


def test_invalid_lines_can_be_skipped_and_are_reported(parts: QueueParts) -> None:
    done = ended(parts, sweep(parts, uploaded(parts, text(["a.example", "a b", "c.example"])), skip_invalid=True))
    assert domains(parts) == ["a.example", "c.example"]
    assert (result(done)["invalid_count"], result(done)["invalid"][0]["index"]) == (1, 1)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: content[:-9], "the end is missing"),
        (lambda content: content[:60] + b"\0\0\0\0" + content[64:], "part "),
        (lambda content: content + b"garbage", "damaged gzip content"),
    ],
)
def test_damaged_gzip_is_refused_with_its_part(parts: QueueParts, damage: Any, reason: str) -> None:
    content = damage(gzip.compress(text(os.urandom(8).hex() + ".example" for _ in range(60))))
    done = ended(parts, sweep(parts, uploaded(parts, content)))
    assert done.status == OperationStatus.FAILED
    assert reason in done.error
    assert "damaged gzip content" in done.error
    assert "upload it again" in done.error
    assert domains(parts) == []


def test_a_gzip_bomb_needs_little_memory() -> None:
    bomb = gzip.compress(b"x" * 50_000_000)
    sizes = [len(line.content) for line in lines_of([Block("part 1", bomb)])]
    assert sizes == [4097]


def test_several_gzip_files_may_follow_each_other(parts: QueueParts) -> None:
    content = gzip.compress(b"a.example\n") + gzip.compress(b"b.example\n") + b"\0" * 30
    ended(parts, sweep(parts, uploaded(parts, content, part_size=7)))
    assert domains(parts) == ["a.example", "b.example"]


def test_parts_are_accepted_again_and_refused_if_they_differ(parts: QueueParts) -> None:
    now = utcnow()
    with parts.store.transaction() as session:
        upload_id = create_upload(session, name="", now=now, life=LIFE).id
        first = add_part(session, upload_id, 1, b"a", now=now, life=LIFE)
        assert add_part(session, upload_id, 1, b"a", now=now, life=LIFE) == first
        add_part(session, upload_id, 3, b"c", now=now, life=LIFE)
    with pytest.raises(UploadConflict, match="another content"), parts.store.transaction() as session:
        add_part(session, upload_id, 1, b"b", now=now, life=LIFE)
    with pytest.raises(UploadConflict, match="missing: 2;"), parts.store.transaction() as session:
        complete_upload(session, upload_id, 3, now=now, life=LIFE)
    with parts.store.transaction() as session:
        assert [part.number for part in list_parts(session, upload_id)] == [1, 3]
        add_part(session, upload_id, 2, b"b", now=now, life=LIFE)
        complete_upload(session, upload_id, 3, now=now, life=LIFE)
    with pytest.raises(UploadConflict, match="complete"), parts.store.transaction() as session:
        add_part(session, upload_id, 4, b"d", now=now, life=LIFE)


def test_an_abandoned_upload_expires(parts: QueueParts) -> None:
    now = utcnow()
    with parts.store.transaction() as session:
        upload_id = create_upload(session, name="", now=now - 2 * LIFE, life=LIFE).id
    with pytest.raises(UploadNotFound), parts.store.transaction() as session:
        add_part(session, upload_id, 1, b"late", now=now, life=LIFE)
    with parts.store.transaction() as session:
        _purge_small_tables(session, now)
    with parts.store.read_only() as session:
        assert session.scalars(select(Upload.id)).all() == []


def test_a_file_of_the_folder_is_read(parts: QueueParts, tmp_path: Path) -> None:
    (tmp_path / "se.txt").write_bytes(text(names(12)))
    done = ended(parts, sweep(parts, {"file": "se.txt"}))
    assert (done.status, len(domains(parts))) == (OperationStatus.SUCCEEDED, 12)


@pytest.mark.parametrize("name", ["absent.txt", "../x", "/etc/passwd", "link"])
def test_other_files_are_refused(parts: QueueParts, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    done = ended(parts, sweep(parts, {"file": name}))
    assert done.status == OperationStatus.FAILED
    assert "sweep_files" in done.error or "No such file" in done.error


def test_a_file_that_changes_meanwhile_ends_the_sweep(parts: QueueParts, tmp_path: Path) -> None:
    file = tmp_path / "se.txt"
    file.write_bytes(text(names(35)))
    operation = sweep(parts, {"file": "se.txt"})
    perform(parts, stopped=stop_after(parts, jobs=20))
    file.write_bytes(text(names(36)))
    done = ended(parts, operation)
    assert done.status == OperationStatus.FAILED
    assert "has changed" in done.error
    with parts.store.read_only() as session:
        assert (get_batch(session, done.target).domain_count, len(domains(parts))) == (20, 20)


def stop_after(parts: QueueParts, *, jobs: int) -> Any:
    def stopped() -> bool:
        with parts.store.read_only() as session:
            return (session.scalar(select(func.count()).select_from(Job)) or 0) >= jobs

    return stopped


def test_a_stopped_worker_hands_over_at_a_chunk(parts: QueueParts) -> None:
    operation = sweep(parts, uploaded(parts, text(names(45))))
    perform(parts, stopped=stop_after(parts, jobs=20))
    with parts.store.read_only() as session:
        counts = count_statuses(session, operation.target)
        assert (counts["queued"], get_batch(session, operation.target).pending) == (45, 25)
    assert result(ended(parts, operation))["job_count"] == 45
    assert domains(parts)[:40] == names(40)
    assert len(domains(parts)) == 45


@pytest.mark.parametrize("place", ["scan", "commit", "message", "end"])
def test_a_killed_worker_leaves_nothing_twice_and_nothing_lost(parts: QueueParts, place: str) -> None:
    operation = sweep(parts, uploaded(parts, text(names(45))))
    kill_while_filling(parts, place)
    with parts.store.transaction() as session:  # The lease ends at once instead of after a minute.
        session.execute(update(Operation).values(lease_until=utcnow() - LEASE))
    done = ended(parts, operation)
    assert (done.status, done.done) == (OperationStatus.SUCCEEDED, 45)
    order.move_jobs(parts, [], to="front")
    with parts.store.read_only() as session:
        found = list(session.scalars(select(Job.domain).order_by(Job.position)))
    assert sorted(found) == sorted(names(45))
    assert found[:40] == names(40)


def kill_while_filling(parts: QueueParts, place: str) -> None:
    settings = parts.store.settings
    environ = {
        "GONEMASTER_BROKER_URL": parts.broker.address.url,
        "GONEMASTER_DB_DRIVER": settings.driver,
        "GONEMASTER_DB_DSN": settings.dsn,
    }
    command = [sys.executable, "-m", "tests.support.killed_filling", place]
    process = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **environ}, timeout=60, check=False, capture_output=True, text=True
    )
    assert process.returncode == -signal.SIGKILL, process.stderr


def test_cancel_ends_the_filling(parts: QueueParts) -> None:
    operation = sweep(parts, uploaded(parts, text(names(45))))
    perform(parts, stopped=stop_after(parts, jobs=20))
    assert cancel_batch(parts, operation.target).canceled == 20
    done = ended(parts, operation)
    assert done.status == OperationStatus.SUCCEEDED
    with parts.store.read_only() as session:
        counts = count_statuses(session, operation.target)
        assert (counts["canceled"], sum(counts.values())) == (20, 20)
        assert get_batch(session, operation.target).domain_count == 20


def test_profiles_and_tags_are_those_of_a_batch(parts: QueueParts) -> None:
    with parts.store.transaction() as session:
        ensure_tags(session, ["se"], now=utcnow())
    options = {"config": {"origin": "batch", "tags": ["se"]}, "expires_at": "2099-01-01T00:00:00+00:00"}
    operation = sweep(parts, uploaded(parts, text(names(3))), batch={"tag": "se", "tags": ["se"]}, **options)
    ended(parts, operation)
    with parts.store.read_only() as session:
        jobs = session.scalars(select(Job)).all()
        assert {job.config["tags"][0] for job in jobs} == {"se"}
        assert all(job.expires_at is not None for job in jobs)
        assert get_batch(session, operation.target).tag == "se"


def test_a_batch_that_is_being_filled_counts_its_names_as_queued(parts: QueueParts) -> None:
    with parts.store.transaction() as session:
        batch = create_batch(session, NewBatch(5, pending=5))
        assert count_statuses(session, batch.id)["queued"] == 5


@given(st.lists(st.sampled_from(["a.example", "b.example", "B.example.", "", "#", "c.example", "bad name", '"d.de"'])))
def test_a_scan_finds_the_same_as_a_set(lines: list[str]) -> None:
    found = scan(lines_of([Block("part 1", text(lines))]), max_lines=1000)
    assert found is not None
    seen, expected = set[str](), list[int]()
    for number, line in enumerate(lines, 1):
        name = json.loads(line) if line.startswith('"') else line.partition("#")[0].rstrip(".").lower()
        if name and " " not in name and name not in seen:
            seen.add(name)
            expected.append(number)
    assert [number for number in range(1, len(lines) + 1) if number not in found.skipped] == expected
    assert found.names == len(expected)


@given(st.sets(st.integers(1, 300_000), max_size=examples(20, 100)))
def test_a_bit_map_is_a_set(numbers: set[int]) -> None:
    bits = BitMap()
    for number in numbers:
        bits.add(number)
    again = BitMap(bits.content())
    assert {number for number in range(1, 300_002) if number in again} == numbers if len(numbers) < 3 else True
    assert all(number in again for number in numbers)


def test_a_full_disk_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gonemaster_tasks.control.sweeps.scan.Digests.add", full)
    with pytest.raises(SourceInvalid, match=f"No space left.*free space in {tmp_path}"):
        scan(lines_of([Block("part 1", b"a.example\n")]), max_lines=10, directory=tmp_path)
