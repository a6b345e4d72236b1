"""Commands about the service itself: queue, login, completion."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from gonemaster_client.calls import service
from gonemaster_client.cli import UsageError
from gonemaster_client.cli.configuration import store_token
from gonemaster_client.cli.session import Session


def pause(session: Session, options: argparse.Namespace) -> None:
    """Pause the queue."""
    until = datetime.now(UTC) + timedelta(seconds=options.duration) if options.duration else None
    wishes = {"tier": options.tier, "reason": options.reason, "until": until and until.isoformat(timespec="seconds")}
    request: Any = {name: value for name, value in wishes.items() if value}
    session.output.document(session.client.send(service.pause_queue(**request)))


def resume(session: Session, options: argparse.Namespace) -> None:
    """Resume the queue."""
    request: Any = {"tier": options.tier} if options.tier else {}
    session.output.document(session.client.send(service.resume_queue(**request)))


def login(session: Session, options: argparse.Namespace) -> None:
    """Check a token and store it."""
    token = (options.token or _asked(options)).strip()
    if not token:
        raise UsageError("the token is empty; 'gonemaster-server auth add-token' creates one")
    with session.client_with(token) as client:
        caller = client.send(service.whoami())
    if caller["mode"] == "open":
        raise UsageError(f"{session.server} needs no token: nothing was stored")
    if "scope" not in caller:
        raise UsageError(f"{session.server} does not accept this token: nothing was stored")
    file = store_token(session.server, token)
    session.output.document({"server": session.server, **caller, "stored_in": str(file)})


def _asked(options: argparse.Namespace) -> str:
    if options.stdin or not sys.stdin.isatty():
        return sys.stdin.readline()
    from getpass import getpass

    return getpass("Token: ")


def logout(session: Session, options: argparse.Namespace) -> None:
    """Delete the stored token."""
    file = store_token(session.server, "")
    session.output.document({"server": session.server, "deleted_from": str(file)})


def completion(session: Session, options: argparse.Namespace) -> None:
    """Print the script for completion."""
    import shtab

    from gonemaster_client.cli.parser import build_parser

    parser = build_parser()
    _complete_files(parser)
    session.output.stream.write(f"{shtab.complete(parser, shell=options.shell)}\n")


def _complete_files(parser: argparse.ArgumentParser) -> None:
    import shtab

    for action in parser._actions:  # noqa: SLF001 - argparse has no other list
        if isinstance(action.choices, dict):
            for child in action.choices.values():
                _complete_files(child)
        elif action.metavar in ("FILE", "DIR"):
            action.complete = shtab.FILE if action.metavar == "FILE" else shtab.DIRECTORY  # type: ignore[attr-defined]
