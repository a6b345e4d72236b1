"""Comparison of runs and of batches: the exit code is 0 if they are the same, 1 if they differ."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gonemaster_client.calls import batches as batch_calls
from gonemaster_client.calls import runs as run_calls
from gonemaster_client.cli import EXIT_DIFFERENT, EXIT_OK
from gonemaster_client.cli.session import Session

_CHANGES = {"added": "appeared", "cleared": "cleared", "changed": "level changed"}
_FINDINGS = {
    "Change": "change", "Test case": "testcase", "Tag": "tag", "Before": "before", "After": "after",
}  # fmt: skip
_ROLL_UP = {"Tag": "tag", **{text.capitalize(): name for name, text in _CHANGES.items()}}


def runs(session: Session, options: argparse.Namespace) -> int:
    """Compare the findings of two runs."""
    found = session.client.send(run_calls.diff(options.a, options.b, locale=options.locale))
    differs = any(found[kind] for kind in ("added", "cleared", "changed"))
    if not options.quiet:
        if session.output.format == "json":
            session.output.json(found)
        else:
            _write_causes(session, found["causes"])
            session.output.items(_findings(found), _FINDINGS, empty="No difference.")
    return EXIT_DIFFERENT if differs else EXIT_OK


def _write_causes(session: Session, causes: Mapping[str, Any]) -> None:
    if session.output.is_pretty:
        for kind in ("appeared", "cleared"):
            for cause in causes[kind]:
                session.output.line(f"{kind}: {cause['title']}")


def _findings(found: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the changed findings, each with its levels before and after."""
    for kind, text in _CHANGES.items():
        for each in found[kind]:
            sides = {side: ", ".join(line["level"] for line in each[side]) for side in ("before", "after")}
            yield {"change": text, "module": each["module"], "testcase": each["testcase"], "tag": each["tag"], **sides}


def batches(session: Session, options: argparse.Namespace) -> int:
    """Compare the domains of two batches."""
    first = session.client.send(batch_calls.diff(options.a, options.b, limit=1))
    counts = first["counts"]
    differs = any(counts[name] for name in ("differing", "only_before", "only_after", "not_comparable"))
    if not options.quiet:
        limit = options.limit or None
        items = list(session.client.each(batch_calls.differences(options.a, options.b), limit))
        _write(session, options, counts, items)
    return EXIT_DIFFERENT if differs else EXIT_OK


def _write(session: Session, options: argparse.Namespace, counts: Any, items: list[Any]) -> None:
    roll_up = _roll_up(items)
    output = session.output
    if not output.is_pretty:
        if output.format == "json":
            domains = {"domains": items} if options.per_domain else {}
            output.json({"counts": counts, "tags": roll_up, "read": len(items), **domains})
        else:
            output.json({"counts": counts})
            output.items(items if options.per_domain else roll_up, {}, empty="")
        return
    names = {"same": "identical", "differing": "different", "only_before": f"only in {options.a}",
             "only_after": f"only in {options.b}", "not_comparable": "not comparable (a run failed)"}  # fmt: skip
    output.table(("", ""), ((text, counts[name]) for name, text in names.items()), has_head=False)
    if roll_up:
        output.line()
        output.items(roll_up, _ROLL_UP, empty="")
    if options.per_domain:
        for item in items:
            output.line(f"\n{item['domain']}: {item['kind'].replace('_', ' ')}")
            output.items(_findings(item), _FINDINGS, empty="No findings to compare.")
    if options.limit and len(items) == options.limit:
        output.line(f"\nOnly the first {options.limit} differing domains were read; --limit 0 reads all of them.")


def _roll_up(items: list[Any]) -> list[dict[str, Any]]:
    """Return for each message tag the number of domains at which it appeared, was cleared or changed its level."""
    counts = {kind: Counter(each["tag"] for item in items for each in item[kind]) for kind in _CHANGES}
    tags = sorted(set().union(*counts.values()), key=lambda tag: (-sum(of[tag] for of in counts.values()), tag))
    return [{"tag": tag, **{kind: of[tag] for kind, of in counts.items()}} for tag in tags]
