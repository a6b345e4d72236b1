"""Responses about single runs and batches, computed from the reference: results, differences, values of a tag."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes import registry
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.sentences import sentence, worst_harm
from gonemaster_engine.findings.messages import best_locale, description, message
from gonemaster_engine.findings.references import reference
from gonemaster_engine.findings.verdict import verdict_of
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.score import Score, compute_score
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_tasks.control.verdicts import StoredTiming
from tests.support.histories.lists import Document, run_document
from tests.support.histories.reference import Reference
from tests.support.histories.rows import LEVELS, Line, RunRow, at_least, instant

_SAMPLES = 10


def score_of(run: RunRow) -> Score | None:
    """Return the score that a run has when it is read; None if it did not succeed or judges no zone."""
    if run.status != "succeeded":
        return None
    return compute_score(run.domain, entries_of(run), DEFAULT_CONFIG, timings=timings_of(run))


def causes_of(run: RunRow) -> list[Cause]:
    """Return the root causes of a run, none if it did not succeed."""
    return registry.causes_of(run.domain, entries_of(run), timings_of(run)) if run.status == "succeeded" else []


def entries_of(run: RunRow) -> list[Entry]:
    """Return the entries as the engine reported them."""
    return [
        Entry(line.timestamp, line.module, line.testcase, line.tag, Level[line.level], dict(line.args))
        for line in run.lines
    ]


def timings_of(run: RunRow) -> list[StoredTiming]:
    """Return the response times of the name servers."""
    return [StoredTiming.of(row) for row in run.timings or ()]


def read_run(reference: Reference, run: RunRow) -> Document:
    """GET /runs/{id}, which stores a missing score."""
    backfill(run)
    found = run_document(reference, run)
    return found | {"kept": "full", "effective_profile": run.effective_profile, "nameserver_timings": run.timings}


def backfill(run: RunRow) -> None:
    """Add the missing score to a run that succeeded, as a read does."""
    score = score_of(run)
    if score is not None and run.score is None:
        run.score, run.grade = score.score, score.grade


def result(run: RunRow, locale: str) -> Document:
    """GET /runs/{id}/result and GET /jobs/{id}/result, which store a missing score."""
    backfill(run)
    locale = best_locale(locale)
    levels = Counter(line.level for line in run.lines)
    known = cases()
    names = {line.testcase for line in run.lines if line.testcase in known}
    found: Document = {
        "job_id": run.id,
        "status": run.status,
        "summary": {level: levels[level] for level in LEVELS if levels[level]},
        "raw": {"locale": locale, "entries": [_result_entry(line, locale) for line in run.lines]},
        "testcase_descriptions": {name: description(known[name].purpose, locale=locale) for name in names},
        "has_dnssec_chain": run.chain is not None,
        "kept": "full",
    }
    causes = causes_of(run)
    found["root_causes"] = [cause.as_dict(locale=locale) for cause in causes]
    score = score_of(run)
    optional = {
        "verdict": _verdict(run, causes, locale),
        "batch_id": run.batch_id,
        "score": None if score is None else json.loads(json.dumps(score.as_dict(locale=locale))),
        "nameserver_timings": run.timings,
    }
    return found | {name: value for name, value in optional.items() if value is not None}


def _verdict(run: RunRow, causes: Sequence[Cause], locale: str) -> Document | None:
    if verdict := verdict_of(entries_of(run)):
        return verdict.as_dict(locale=locale)
    if run.status != "succeeded":
        return None
    harm = worst_harm(causes)
    return {"harm": harm and harm.value, "sentence": sentence(causes, locale=locale), "test_instead": None}


def _result_entry(line: Line, locale: str) -> Document:
    pairs = (
        f"{key}={value if isinstance(value, str) else _compact(value)}" for key, value in sorted(line.args.items())
    )
    about = reference(line.tag, line.testcase)
    return {
        "timestamp": line.timestamp,
        "module": line.module,
        "testcase": line.testcase,
        "tag": line.tag,
        "level": line.level,
        "args": line.args,
        "message": message(line.tag, line.module, line.args, locale=locale),
        "reference": about and about.url,
        "raw": f"{line.tag} {'; '.join(pairs)}".rstrip(),
    }


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Differences.


def run_difference(before: RunRow, after: RunRow, min_level: str, *, args: bool = False) -> Document:
    """GET /runs/{id}/diff/{other}."""
    old, new = _findings(before, min_level), _findings(after, min_level)
    found: dict[str, list[Document]] = {"added": [], "cleared": [], "changed": []}
    for key in sorted({*old, *new}):
        was, now = old.get(key, []), new.get(key, [])
        kind = "added" if not was else "cleared" if not now else "changed"
        if args and sorted(line.content for line in was) != sorted(line.content for line in now):
            found[kind].append(_change(key, was, now))
        elif not args and _levels(was) != _levels(now):
            found[kind].append(_level_change(key, was, now))
    return found


def with_causes(found: Document, before: RunRow, after: RunRow) -> Document:
    """Return the differences of two runs with the root causes that only one of them has."""
    old, new = causes_of(before), causes_of(after)
    changes = {"appeared": (new, old), "cleared": (old, new)}
    return found | {
        "causes": {
            name: [cause.as_dict(locale="en") for cause in those if cause.id not in {each.id for each in others}]
            for name, (those, others) in changes.items()
        }
    }


def _findings(run: RunRow, min_level: str) -> dict[tuple[str, str, str], list[Line]]:
    found: dict[tuple[str, str, str], list[Line]] = {}
    for line in run.lines:
        if line.level in at_least(min_level):
            found.setdefault(line.kind, []).append(line)
    return found


def _change(key: tuple[str, str, str], was: Sequence[Line], now: Sequence[Line]) -> Document:
    module, testcase, tag = key
    before, after = ([{"level": line.level, "args": line.args} for line in lines] for lines in (was, now))
    return {"module": module, "testcase": testcase, "tag": tag, "before": before, "after": after}


def _level_change(key: tuple[str, str, str], was: Sequence[Line], now: Sequence[Line]) -> Document:
    return {**_change(key, [], []), "before": _levels(was), "after": _levels(now)}


def _levels(lines: Sequence[Line]) -> list[Document]:
    """Return the worst level of a finding; None without lines."""
    return [{"level": max((line.level for line in lines), key=LEVELS.index)}] if lines else []


def batch_difference(reference: Reference, before: str, after: str, min_level: str, *, args: bool = False) -> Document:
    """GET /batches/{id}/diff/{other} as a whole; pages of it may be cut at any position."""
    old, new = ({run.domain: run for run in reference.runs_of(batch)} for batch in (before, after))
    items = [
        _domain_difference(name, old.get(name), new.get(name), min_level, args=args) for name in sorted({*old, *new})
    ]
    both = [(old[name], new[name]) for name in old.keys() & new.keys()]
    comparable = [pair for pair in both if all(run.status == "succeeded" for run in pair)]
    same = sum(not any(run_difference(*pair, "NOTICE").values()) for pair in comparable)
    return {
        "before": _compared(reference, before),
        "after": _compared(reference, after),
        "min_level": min_level,
        "items": [item for item in items if item is not None],
        "causes": _changed_causes(old, new),
        "counts": {
            "before": len(old),
            "after": len(new),
            "in_both": len(both),
            "only_before": len(old) - len(both),
            "only_after": len(new) - len(both),
            "same": same,
            "differing": len(comparable) - same,
            "not_comparable": len(both) - len(comparable),
        },
    }


def _changed_causes(old: Mapping[str, RunRow], new: Mapping[str, RunRow]) -> list[Document]:
    """Return the causes with another number of domains, or that appeared or were cleared at a domain."""
    both = [(old[name].causes, new[name].causes) for name in old.keys() & new.keys()]
    known = [(was, now) for was, now in both if was is not None and now is not None]
    found = []
    for rule in sorted(registry.RULES, key=lambda rule: rule.harm.rank):
        before, after = (sum(rule.id in (run.causes or ()) for run in runs.values()) for runs in (old, new))
        appeared = sum(rule.id in now - was for was, now in known)
        cleared = sum(rule.id in was - now for was, now in known)
        if before != after or appeared or cleared:
            found.append(
                {
                    "cause": rule.id,
                    "title": rule.as_dict(locale="en")["title"],
                    "harm": rule.harm.value,
                    "from_domain_count": before,
                    "to_domain_count": after,
                    "domain_delta": after - before,
                    "domains_appeared": appeared,
                    "domains_cleared": cleared,
                }
            )
    return found


def _only_in(run: RunRow | None, other: RunRow | None) -> list[str]:
    if run is None or other is None or run.causes is None or other.causes is None:
        return []
    left = run.causes - other.causes
    return [rule.id for rule in sorted(registry.RULES, key=lambda rule: rule.harm.rank) if rule.id in left]


def _compared(reference: Reference, batch_id: str) -> Document:
    batch = reference.batches[batch_id]
    return {
        "batch_id": batch.id,
        "tag": batch.tag,
        "created_at": instant(batch.created_at),
        "status": "running" if reference.jobs_of(batch_id) else "done",
    }


def _domain_difference(
    name: str, old: RunRow | None, new: RunRow | None, min_level: str, *, args: bool
) -> Document | None:
    nothing: dict[str, list[Document]] = {"added": [], "cleared": [], "changed": []}
    kind, found = "only_after" if old is None else "only_before", nothing
    if old and new:
        kind = "not_comparable"
        if old.status == new.status == "succeeded":
            kind, found = "changed", run_difference(old, new, min_level, args=args)
            if found == nothing:
                return None
    causes = {"appeared": _only_in(new, old), "cleared": _only_in(old, new)}
    return {"domain": name, "kind": kind, "before": _side(old), "after": _side(new), **found, "causes": causes}


def _side(run: RunRow | None) -> Document | None:
    return None if run is None else {"run_id": run.id, "status": run.status}


# Deletion and values.


def deletion_preview(reference: Reference, batch_id: str) -> Document:
    """GET /batches/{id}/delete-preview."""
    batch, left, runs = reference.batches[batch_id], reference.jobs_of(batch_id), reference.runs_of(batch_id)
    running = sum(job.status == "running" for job in left)
    return {
        "batch_id": batch.id,
        "tag": batch.tag,
        "created_at": instant(batch.created_at),
        "snapshot_intent": batch.snapshot_intent,
        "exists": True,
        "queued_jobs": len(left) - running,
        "running_jobs": running,
        "completed_runs": len(runs),
        "entries": sum(run.entry_count for run in runs),
        "fact_rows": 0,
        "snapshots": [],
    }


def tag_values(reference: Reference, batch_id: str, query: Mapping[str, str]) -> Document:
    """GET /batches/{id}/tag-values of a finished batch."""
    tag, argument = query["tag"], query["arg"]
    weighted = query.get("weight_by_score") == "true"
    # No argument of a test case has a quotation mark in its name; the store does not check for one.
    groups = {} if '"' in argument else _domains_by_value(reference.runs_of(batch_id), tag, argument)
    least = int(query.get("min_count", 1))
    chosen = [(text, found) for text, found in groups.items() if len(found) >= least]
    chosen.sort(key=lambda group: (-_lacking(group[1].values()) if weighted else 0, -len(group[1]), group[0]))
    return {
        "batch_id": batch_id,
        "tag": tag,
        "arg": argument,
        "min_count": least,
        "weight_by_score": weighted,
        "values": [_tag_value(text, found) for text, found in chosen[: int(query.get("limit", 50))]],
    }


def _domains_by_value(runs: Iterable[RunRow], tag: str, argument: str) -> dict[str, dict[str, int | None]]:
    """Return domains and their scores by the JSON text of the value."""
    found: dict[str, dict[str, int | None]] = {}
    for run in runs:
        for line in run.lines:
            if line.tag == tag and argument in line.args:
                found.setdefault(_compact(line.args[argument]), {})[run.domain] = run.score
    return found


def _lacking(scores: Iterable[int | None]) -> int:
    return sum(100 - score for score in scores if score is not None)


def _tag_value(text: str, found: Mapping[str, int | None]) -> Document:
    value = json.loads(text)
    scores = [score for score in found.values() if score is not None]
    return {
        "value": value if isinstance(value, str) else text,
        "count": len(found),
        "avg_score": round(sum(scores) / len(scores), 1) if scores else None,
        "sample_domains": sorted(found)[:_SAMPLES],
    }
