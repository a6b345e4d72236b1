"""Commands about domains."""

from __future__ import annotations

import argparse
from typing import Any

from gonemaster_client.calls import domains, runs, tags
from gonemaster_client.cli import UsageError
from gonemaster_client.cli.commands.runs import COLUMNS as RUN_COLUMNS
from gonemaster_client.cli.session import Session

COLUMNS = {
    "Domain": "name", "Level": "latest_level", "Grade": "latest_grade", "Score": "latest_score",
    "Tested": "latest_run_at", "Runs": "run_count", "Tags": "tags",
}  # fmt: skip


def search(session: Session, options: argparse.Namespace) -> None:
    """List domains."""
    query: Any = {"tag": options.tag, "name": options.name, "level": options.level}
    found = session.client.each(domains.search(**query), options.limit or None)
    session.output.items(found, COLUMNS, empty="No domains.")


def show(session: Session, options: argparse.Namespace) -> None:
    """Show a domain."""
    session.output.document(session.client.send(domains.show(_id_of(session, options.name))))


def list_runs(session: Session, options: argparse.Namespace) -> None:
    """List the runs of a domain."""
    query: Any = {"verdict": options.verdict}
    found = session.client.each(domains.runs(_id_of(session, options.name), **query), options.limit or None)
    session.output.items(found, RUN_COLUMNS, empty="No runs.")


def tag(session: Session, options: argparse.Namespace) -> None:
    """Add a domain to tags."""
    for name in options.tags:
        session.client.send(tags.add_domains(name, [options.name]))
    session.output.document({"domain": options.name, "added_to": options.tags})


def untag(session: Session, options: argparse.Namespace) -> None:
    """Remove a domain from tags."""
    for name in options.tags:
        session.client.send(tags.remove_domains(name, [options.name]))
    session.output.document({"domain": options.name, "removed_from": options.tags})


def _id_of(session: Session, name: str) -> int:
    """Return the id of a domain. The API finds runs by the exact name of the domain, and domains by a part of it.

    Raises:
        UsageError: the service does not know the domain.
    """
    for run in session.client.each(runs.search(domain_exact=name), 1):
        return run["domain_id"]
    wanted = name.lower().rstrip(".")
    for domain in session.client.each(domains.search(name=name, sort="name_asc")):
        if domain["name"] == wanted or not wanted.isascii():  # only a complete U-label matches, so it is this one
            return domain["id"]
    raise UsageError(f"the service does not know the domain {name}")
