"""The command `results`: results of several jobs, or of a batch."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gonemaster_client.calls import batches, jobs
from gonemaster_client.cli import UsageError
from gonemaster_client.cli.arguments import LEVELS
from gonemaster_client.cli.output import Output
from gonemaster_client.cli.session import Session
from gonemaster_client.cli.views import show_result
from gonemaster_client.errors import NotFound

_SUFFIXES = {"json": "json", "json-stream": "jsonl"}


def show(session: Session, options: argparse.Namespace) -> None:
    """Show results one after the other, count them, or write each to a file."""
    if bool(options.job_id) == bool(options.batch_id):
        raise UsageError("use either --job-id, which is repeatable, or --batch-id")
    if options.aggregate and options.split_dir:
        raise UsageError("use either --aggregate or --split-dir")
    found = _results(session, options)
    if options.aggregate:
        _write_totals(session.output, found)
    elif options.split_dir:
        _split(session, options, found)
    elif session.output.format == "json" or (session.output.is_pretty and options.view == "json"):
        session.output.array({"domain": job["domain"], **result} for job, result in found)
    else:
        for number, (job, result) in enumerate(found):
            if number and session.output.is_pretty:
                session.output.line()
            show_result(session.output, result, job, options.view)


def _results(session: Session, options: argparse.Namespace) -> Iterator[tuple[Any, Any]]:
    """Yield each finished job with its result; jobs of a batch that did not succeed have none."""
    client = session.client
    if options.job_id:
        for job_id in options.job_id:
            yield client.send(jobs.show(job_id)), client.send(jobs.result(job_id, locale=options.locale))
        return
    total = client.send(batches.show(options.batch_id))["domain_count"]
    with session.bar("Results", unit="jobs") as bar:
        for number, job in enumerate(client.each(batches.jobs(options.batch_id))):
            bar.show(number, total, "jobs")
            if job["finished_at"]:
                try:
                    yield job, client.send(jobs.result(job["id"], locale=options.locale))
                except NotFound:  # purged meanwhile
                    continue


def _write_totals(output: Output, found: Iterator[tuple[Any, Any]]) -> None:
    results, levels, tags, domains = 0, Counter[str](), Counter[str](), Counter[str]()
    worst: dict[str, str] = {}
    for results, (_, result) in enumerate(found, 1):  # noqa: B007 - the number of results
        entries = result["raw"]["entries"]
        levels.update(entry["level"] for entry in entries)
        tags.update(entry["tag"] for entry in entries)
        domains.update({entry["tag"] for entry in entries})
        for entry in entries:
            worst[entry["tag"]] = max(entry["level"], worst.get(entry["tag"], "DEBUG3"), key=LEVELS.index)
    by_level = {level: levels[level] for level in reversed(LEVELS) if levels[level]}
    by_tag = [
        {"tag": tag, "level": worst[tag], "domains": domains[tag], "entries": tags[tag]}
        for tag in sorted(tags, key=lambda tag: (-LEVELS.index(worst[tag]), -domains[tag], tag))
    ]
    if not output.is_pretty:
        output.json({"results": results, "levels": by_level, "tags": by_tag})
        return
    output.document({"results": results, **by_level})
    output.line()
    output.items(
        by_tag, {"Tag": "tag", "Level": "level", "Domains": "domains", "Entries": "entries"}, empty="No entries."
    )


def _split(session: Session, options: argparse.Namespace, found: Iterator[tuple[Any, Any]]) -> None:
    """Write each result to a file that is named after domain and job."""
    folder, format = Path(options.split_dir), session.output.format
    folder.mkdir(parents=True, exist_ok=True)
    suffix = "json" if options.view == "json" and format == "pretty" else _SUFFIXES.get(format, "txt")
    count = 0
    for count, (job, result) in enumerate(found, 1):  # noqa: B007 - the number of files
        # A name can contain a slash, as in reverse zones of less than a /24.
        file = folder / f"{quote(job['domain'], safe='')}_{quote(job['id'], safe='')}.{suffix}"
        with file.open("w", encoding="utf-8") as stream:
            show_result(Output(stream, format, has_color=False), result, job, options.view)
    session.output.document({"folder": str(folder), "files": count})
