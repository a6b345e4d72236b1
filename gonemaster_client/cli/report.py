"""The report about two snapshots as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from gonemaster_client.cli.texts import cell

_SPECIAL = re.compile(r"([\\`*_\[\]<>|#])")


def as_markdown(report: Any) -> Iterator[str]:
    """Yield the lines of the report."""
    before, after, totals = report["from"], report["to"], report["totals"]
    yield f"# {_text(report['dataset_tag'])}: {_text(before['slug'])} to {_text(after['slug'])}"
    yield ""
    yield from _table(
        ("", "before", "after"),
        [
            ("snapshot", before["label"] or before["slug"], after["label"] or after["slug"]),
            ("captured", before["captured_at"], after["captured_at"]),
            ("engine", report["engine"]["from_engine_version"], report["engine"]["to_engine_version"]),
            ("domains", totals["from_domain_count"], totals["to_domain_count"]),
            ("mean score", totals["from_mean_score"], totals["to_mean_score"]),
            ("grades", totals["from_grades"], totals["to_grades"]),
        ],
    )
    yield from ("", f"Scoring configuration changed: {report['scoring_config_changed']}.")
    yield f"Findings are compared from {report['tag_floor']}."
    yield from _section("Domains", ("", "domains"), _counts(totals))
    causes = ((c["title"], c["harm"], c["from_domain_count"], c["to_domain_count"]) for c in report["causes"])
    yield from _section("Root causes", ("cause", "harm", "before", "after"), causes)
    tags = (
        (t["tag"], t["testcase"], t["change"], t["class"], t["from_domain_count"], t["to_domain_count"])
        for t in report["tags"]
    )
    yield from _section("Message tags", ("tag", "test case", "change", "class", "before", "after"), tags)
    domains = (
        (d["domain"], f"{d['from_score']} to {d['to_score']}", f"{d['delta']:+}", d["explained"], d["category"])
        for d in report["domains"]
    )
    title = f"Changed domains ({len(report['domains'])} of {report['domain_total']})"
    yield from _section(title, ("domain", "score", "change", "explained", "category"), domains)
    clusters = (
        (c["direction"], [f"{key['key']} {key['value']}" for key in c["keys"]], c["domain_count"],
         f"{c['min_delta']:+} to {c['max_delta']:+}", c["domains"][:5])
        for c in report["clusters"]
    )  # fmt: skip
    yield from _section("Clusters", ("direction", "in common", "domains", "change", "examples"), clusters)


def _counts(totals: Any) -> Iterator[tuple[str, Any]]:
    for name in ("compared", "improved", "regressed", "identical_score", "added", "removed"):
        yield name.replace("_", " "), totals[name]
    for name, count in totals["domain_categories"].items():
        yield f"change is {name}", count


def _section(title: str, head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    found = list(rows)
    yield from ("", f"## {title}", "")
    yield from _table(head, found) if found else ("None.",)


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(map(_text, row))} |"


def _text(value: Any) -> str:
    """Return a value without effect on the Markdown around it: labels and names come from other people."""
    return _SPECIAL.sub(r"\\\1", cell(value))
