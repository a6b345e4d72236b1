"""Commands about checks before delegation."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

from gonemaster_client.calls import checks
from gonemaster_client.cli import EXIT_DIFFERENT, EXIT_OK, EXIT_UNDECIDED, UsageError
from gonemaster_client.cli.commands.batches import follow
from gonemaster_client.cli.output import Columns
from gonemaster_client.cli.session import Session
from gonemaster_client.sources.files import STDIN, open_source

_EXITS = {"pass": EXIT_OK, "fail": EXIT_DIFFERENT}
_ANSWER: Columns = {
    "Domain": "domain", "Verdict": "verdict", "Policy": lambda answer: answer["policy"]["name"], "Run": "run_id",
    "Reason": lambda answer: " ".join(answer["explanations"]),
    "Time": lambda answer: f"{answer['timings']['total_ms']} ms",
}  # fmt: skip
_VERDICTS: Columns = {
    "Domain": "domain", "Status": "status", "Verdict": "verdict", "Run": "run_id",
    "Findings": lambda line: ", ".join(finding["tag"] for finding in line.get("findings", ())),
}  # fmt: skip
_ACCEPTED: Columns = {"Batch": "batch_id", "Jobs": "job_count"}


def check(session: Session, options: argparse.Namespace) -> int:
    """Check a delegation, and show the verdict with what to fix."""
    request: Any = {
        "domain": options.domain,
        "nameservers": options.ns,
        "ds_info": options.ds or None,
        "policy": options.policy,
        "deadline_seconds": options.deadline,
        "locale": options.locale,
    }
    given: Any = {name: value for name, value in request.items() if value is not None}
    answer = session.client.send(checks.check(key=options.key, **given))
    session.output.document(answer, _ANSWER)
    if session.output.is_pretty:
        for cause in answer["root_causes"]:
            if cause["decisive"]:
                session.output.line(f"{cause['level']}: {cause['title']}. {cause['remedy']}")
        for finding in answer["findings"]:
            session.output.line(f"{finding['level']}: {finding['testcase']} {finding['tag']}: {finding['message']}")
    return _EXITS.get(answer["verdict"], EXIT_UNDECIDED)


def submit(session: Session, options: argparse.Namespace) -> int:
    """Queue a batch of checks, and wait for the verdicts if asked."""
    query: Any = {"policy": options.policy, "name": options.name, "description": options.description}
    with open_source(STDIN if options.stdin else _file(options)) as lines:
        body = b"".join(lines)
    batch = session.client.send(checks.check_many(body, key=options.key, **query))
    if not options.wait:
        session.output.items([batch], _ACCEPTED, empty="")
        return EXIT_OK
    follow(session, batch["batch_id"])
    return _show(session, batch["batch_id"], {})


def _file(options: argparse.Namespace) -> str:
    if not options.file:
        raise UsageError("use either --file or --stdin")
    return str(options.file)


def verdicts(session: Session, options: argparse.Namespace) -> int:
    """List the verdicts of a batch."""
    return _show(session, options.id, {"policy": options.policy})


def _show(session: Session, batch_id: str, query: Any) -> int:
    found = set[str]()

    def lines() -> Iterator[Any]:
        for line in _lines(session.client.download(checks.verdicts(batch_id, locale=session.options.locale, **query))):
            found.add(line["verdict"] or "undecided")
            yield line

    session.output.items(lines(), _VERDICTS, empty="No jobs.")
    worst = next((name for name in ("fail", "undecided") if name in found), "pass")
    return _EXITS.get(worst, EXIT_UNDECIDED)


def _lines(pieces: Iterator[bytes]) -> Iterator[Any]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from map(json.loads, whole)
    if rest:
        yield json.loads(rest)
