"""Commands about batches."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

from gonemaster_client.calls import batches
from gonemaster_client.cli import EXIT_OK, UsageError
from gonemaster_client.cli.commands.jobs import COLUMNS as JOB_COLUMNS
from gonemaster_client.cli.progress import Bar
from gonemaster_client.cli.session import Session
from gonemaster_client.sources.files import STDIN, names_of
from gonemaster_client.sources.parts import Part, parts_of
from gonemaster_client.sources.unique import UniqueNames
from gonemaster_client.sources.zone_files import delegated_names

COLUMNS = {
    "ID": "batch_id", "Name": "name", "Tags": "tags", "Status": "status", "Completed": "completed", "Total": "total",
    "Created": "created_at", "Finished": "finished_at",
}  # fmt: skip
_DETAILS = COLUMNS | {
    "Total": "domain_count", "Started": "started_at", "Expected finish": "expected_finish_at",
    "Jobs": "status_counts", "Worst levels": "worst_levels", "Grades": "grades",
}  # fmt: skip
_FINISHED = COLUMNS | {"Total": "domain_count", "Jobs": "status_counts"}
_ACCEPTED = {
    "Batch": "batch_id", "Jobs": "job_count", "Duplicates": "duplicate_count", "Invalid": "invalid_count",
}  # fmt: skip


def create(session: Session, options: argparse.Namespace) -> int:
    """Submit all names as one or more batches, and wait for them if asked."""
    accepted = list(_submitted(session, options))
    if not options.wait:
        session.output.items(accepted, _ACCEPTED, empty="")
        return EXIT_OK
    found = [follow(session, each["batch_id"]) for each in accepted]
    if not options.per_job:
        session.output.items(found, _FINISHED, empty="")
    elif session.output.is_pretty:
        for batch in found:
            session.output.items([batch], _FINISHED, empty="")
            session.output.items(_jobs(session, batch), JOB_COLUMNS, empty="No jobs.")
    else:
        session.output.items(({**batch, "jobs": list(_jobs(session, batch))} for batch in found), {}, empty="")
    return EXIT_OK


def _jobs(session: Session, batch: Any) -> Iterator[Any]:
    return session.client.each(batches.jobs(batch["batch_id"]))


def _submitted(session: Session, options: argparse.Namespace) -> Iterator[Any]:
    """Submit the parts one after the other, and yield the response to each; invalid examples are written by `main`."""
    request = _request(options)
    if options.from_tag:
        if _sources(options):
            raise UsageError("--from-tag excludes --domain, --file, --stdin, --zone-file and --axfr")
        yield session.client.send(batches.create(key=options.key, from_tag=options.from_tag, **request))
        return
    if not _sources(options):
        raise UsageError("no domains: use --domain, --file, --stdin, --zone-file, --axfr or --from-tag")
    with ExitStack() as stack, session.bar("Submission", unit="names") as bar:
        names = _names(session, options, stack, bar)
        number = sent = 0
        for number, part in enumerate(parts_of(names, request, size=options.batch_size), 1):
            yield _submit(session, options, part, number)
            sent += part.names
            bar.show(sent, None, "names submitted")
        if not number:
            raise UsageError("the sources have no domains")


def _submit(session: Session, options: argparse.Namespace, part: Part, number: int) -> Any:
    """Submit one part. Its key differs from those of the other parts, and is the same when the command is repeated."""
    key = f"{options.key}-{number}" if options.key else ""
    return session.client.send(batches.create_from_json(part.body, key=key))


def _request(options: argparse.Namespace) -> Any:
    wishes = {
        "tests": options.tests,
        "min_level": options.min_level,
        "profile_id": options.profile_id,
        "tags": options.tag,
        "name": options.name,
        "description": options.description,
        "snapshot_intent": options.snapshot,
        "keep": options.keep,
        "skip_invalid": options.skip_invalid,
    }
    return {name: value for name, value in wishes.items() if value}


def _sources(options: argparse.Namespace) -> bool:
    return bool(options.domain or options.file or options.stdin or options.zone_file or options.axfr)


def _names(session: Session, options: argparse.Namespace, stack: ExitStack, bar: Bar) -> Iterator[str]:
    """Yield the names of all sources: lists in their order, then delegated names, sorted and without duplicates."""
    yield from options.domain
    for path in [*options.file, *([STDIN] if options.stdin else [])]:
        yield from names_of(path)
    if not options.zone_file and not options.axfr:
        return
    unique = stack.enter_context(UniqueNames())
    for path in options.zone_file:
        for count, name in enumerate(delegated_names(path)):
            unique.add(name)
            if count % 10_000 == 0:
                bar.show(count, None, "NS records read")
    if options.axfr:
        from gonemaster_client.sources.transfers import transfer

        server, zone = options.axfr
        transfer(server, zone, unique.add, tsig_file=options.tsig, timeout_s=options.timeout)
    yield from unique


def search(session: Session, options: argparse.Namespace) -> None:
    """List batches."""
    query: Any = {"verdict": options.verdict}
    found = session.client.each(batches.search(**query), options.limit or None)
    session.output.items(found, COLUMNS, empty="No batches.")


def show(session: Session, options: argparse.Namespace) -> None:
    """Show a batch."""
    session.output.document(_without_jobs(session.client.send(batches.show(options.id))), _DETAILS)


def _without_jobs(batch: Any) -> Any:
    """Return a batch without the page of its jobs."""
    pages = ("items", "limit", "offset", "sort", "next_cursor", "prev_cursor")
    return {name: value for name, value in batch.items() if name not in pages}


def watch(session: Session, options: argparse.Namespace) -> None:
    """Follow a batch; with JSON lines, write each event."""
    batch = follow(session, options.id, writes_events=session.output.format == "json-stream")
    if session.output.format != "json-stream":
        session.output.document(batch, _DETAILS)


def follow(session: Session, batch_id: str, *, writes_events: bool = False) -> Any:
    """Wait for the end of a batch with a progress bar, and return the batch."""
    with session.bar("Batch") as bar:
        for event in session.client.events(batches.events(batch_id)):
            if writes_events:
                session.output.json({"event": event.kind, **event.data})
            if "total" in event.data:
                bar.show(event.data["completed"], event.data["total"], "jobs")
    return _without_jobs(session.client.send(batches.show(batch_id)))


def cancel(session: Session, options: argparse.Namespace) -> None:
    """Cancel a batch."""
    session.output.document(session.finished(session.client.send(batches.cancel(options.id))))


def remove(session: Session, options: argparse.Namespace) -> None:
    """Delete a batch; unfinished jobs are only canceled with --cancel-running."""
    preview = session.client.send(batches.preview_removal(options.id))
    unfinished = preview["queued_jobs"] + preview["running_jobs"]
    if unfinished and not options.cancel_running:
        raise UsageError(f"the batch has {unfinished} unfinished jobs: wait, or add --cancel-running")
    session.client.send(batches.remove(options.id))
    session.output.document(
        preview, {"Batch": "batch_id", "Deleted runs": "completed_runs", "Canceled": lambda _: unfinished}
    )
