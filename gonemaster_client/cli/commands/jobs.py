"""Commands about jobs."""

from __future__ import annotations

import argparse
from typing import Any

from gonemaster_client.calls import jobs
from gonemaster_client.cli import EXIT_DIFFERENT, EXIT_OK
from gonemaster_client.cli.output import Columns
from gonemaster_client.cli.session import Session

COLUMNS: Columns = {
    "ID": "id", "Domain": "domain", "Status": "status", "Progress": lambda job: f"{job['progress']} %",
    "Grade": "grade", "Score": "score", "Created": "created_at", "Finished": "finished_at",
}  # fmt: skip


def create(session: Session, options: argparse.Namespace) -> int:
    """Queue a test, and wait for its result if asked."""
    wishes = {
        "tests": options.tests or None,
        "min_level": options.min_level,
        "profile_id": options.profile_id,
        "tags": options.tag or None,
    }
    request: Any = {name: value for name, value in wishes.items() if value is not None}
    job = session.client.send(jobs.create(domain=options.domain, **request))
    if not options.wait:
        session.output.document(job)
        return EXIT_OK
    job = follow(session, job["id"])
    if job["status"] != "succeeded":
        session.output.document(job)
        return EXIT_DIFFERENT
    from gonemaster_client.cli.views import show_result

    show_result(session.output, session.client.send(jobs.result(job["id"], locale=options.locale)), job, options.view)
    return EXIT_OK


def search(session: Session, options: argparse.Namespace) -> None:
    """List jobs."""
    query: Any = {"status": options.status}
    found = session.client.each(jobs.search(**query), options.limit or None)
    session.output.items(found, COLUMNS, empty="No jobs.")


def show(session: Session, options: argparse.Namespace) -> None:
    """Show a job."""
    session.output.document(session.client.send(jobs.show(options.id)))


def watch(session: Session, options: argparse.Namespace) -> int:
    """Follow a job; with JSON lines, write each event."""
    job = follow(session, options.id, writes_events=session.output.format == "json-stream")
    if session.output.format != "json-stream":
        session.output.document(job)
    return EXIT_OK if job["status"] == "succeeded" else EXIT_DIFFERENT


def follow(session: Session, job_id: str, *, writes_events: bool = False) -> Any:
    """Wait for the end of a job with a progress bar, and return the job."""
    with session.bar("Test") as bar:
        for event in session.client.events(jobs.events(job_id)):
            if writes_events:
                session.output.json({"event": event.kind, **event.data})
            if "progress" in event.data:
                bar.show(event.data["progress"], 100, event.data.get("status", "running"))
    return session.client.send(jobs.show(job_id))


def cancel(session: Session, options: argparse.Namespace) -> None:
    """Cancel a job."""
    session.output.document(session.client.send(jobs.cancel(options.id)))


def purge(session: Session, options: argparse.Namespace) -> None:
    """Delete old runs."""
    session.output.document(session.finished(session.client.send(jobs.purge(older_than_days=options.older_than))))
