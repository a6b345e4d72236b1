"""Commands about domain tags."""

from __future__ import annotations

import argparse
from itertools import islice

from gonemaster_client.calls import tags
from gonemaster_client.cli import UsageError
from gonemaster_client.cli.commands.domains import COLUMNS as DOMAIN_COLUMNS
from gonemaster_client.cli.session import Session
from gonemaster_client.sources.files import STDIN, names_of

_COLUMNS = {"Tag": "name", "Domains": "domain_count", "Description": "description", "Created": "created_at"}
_PIECE = 4_000  # names in one request: of the longest names, its body is just below 1 MiB


def search(session: Session, options: argparse.Namespace) -> None:
    """List tags."""
    session.output.items(session.client.each(tags.search()), _COLUMNS, empty="No tags.")


def create(session: Session, options: argparse.Namespace) -> None:
    """Create a tag."""
    session.output.document(session.client.send(tags.create(options.name, description=options.description)))


def delete(session: Session, options: argparse.Namespace) -> None:
    """Delete a tag."""
    session.client.send(tags.delete(options.name))
    session.output.document({"deleted": options.name})


def domains(session: Session, options: argparse.Namespace) -> None:
    """List the domains of a tag."""
    found = session.client.each(tags.domains(options.name), options.limit or None)
    session.output.items(found, DOMAIN_COLUMNS, empty="No domains.")


def summary(session: Session, options: argparse.Namespace) -> None:
    """Show the summary of a tag."""
    session.output.document(session.client.send(tags.summary(options.name)))


def add_domains(session: Session, options: argparse.Namespace) -> None:
    """Add domains to a tag, in requests of some thousand names."""
    files = [*options.file, *([STDIN] if options.stdin else [])]
    names = (name for names in (options.domains, *map(names_of, files)) for name in names)
    count = 0
    while piece := list(islice(names, _PIECE)):
        session.client.send(tags.add_domains(options.name, piece))
        count += len(piece)
    if not count:
        raise UsageError("no domains: name them, or use --file or --stdin")
    session.output.document({"tag": options.name, "added": count})
