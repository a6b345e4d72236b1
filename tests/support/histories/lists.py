"""Responses of the lists of the contract, computed from the reference with plain filters and sorts.

Each function takes the reference, the parameters as a client sends them and, if the response depends on it, the time.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tests.support.histories.estimates import batch_estimate, forecast, job_estimate
from tests.support.histories.reference import Reference
from tests.support.histories.rows import (
    FINISHED,
    UNFINISHED,
    BatchRow,
    DomainRow,
    JobRow,
    Line,
    RunRow,
    TagRow,
    at_least,
    instant,
    rank_of,
)

Query = Mapping[str, str]
Document = dict[str, Any]
Key = tuple[str, bool, bool]  # attribute, descending, and whether None comes first

_NEWEST: Key = ("finished", True, False)
# Contract 2.3: the sorts of jobs and runs; ties are ordered by id, ascending.
JOB_SORTS: dict[str, tuple[Key, ...]] = {
    "created_at_desc": (("created_at", True, False),),
    "created_at_asc": (("created_at", False, False),),
    "started_at_desc": (("begun", True, False), ("created_at", True, False)),
    "started_at_asc": (("begun", False, False), ("created_at", False, False)),
    "domain_asc": (("domain", False, False), _NEWEST),
    "domain_desc": (("domain", True, False), _NEWEST),
    "batch_id_asc": (("batch_id", False, True), _NEWEST),
    "batch_id_desc": (("batch_id", True, False), _NEWEST),
    "error_desc": (("severe", True, False), ("critical", True, False), _NEWEST),
    "critical_desc": (("critical", True, False), ("severe", True, False), _NEWEST),
    "finished_at_desc": (_NEWEST,),
    "finished_at_asc": (("finished", False, False),),
    "worst_level_desc": (("rank", True, False), _NEWEST),
    "worst_level_asc": (("rank", False, False), _NEWEST),
    "score_desc": (("score", True, False), _NEWEST),
    "score_asc": (("score", False, False), _NEWEST),
    "duration_desc": (("duration_ms", True, False), _NEWEST),
    "duration_asc": (("duration_ms", False, False), _NEWEST),
    "entry_count_desc": (("entry_count", True, False), _NEWEST),
    "entry_count_asc": (("entry_count", False, False), _NEWEST),
}
# Contract 4: the sorts of domains; ties are ordered by name.
DOMAIN_SORTS: dict[str, tuple[Key, ...]] = {
    "name_asc": (("name", False, False),),
    "name_desc": (("name", True, False),),
    "latest_level_desc": (("rank", True, False),),
    "latest_level_asc": (("rank", False, False),),
    "latest_score_desc": (("score", True, False),),
    "latest_score_asc": (("score", False, False),),
    "latest_run_at_desc": (("finished", True, False),),
    "latest_run_at_asc": (("finished", False, True),),
    "run_count_desc": (("run_count", True, False),),
    "run_count_asc": (("run_count", False, False),),
}
MAX_OFFSET = 2**31 - 1
CSV_COLUMNS = ("id", "run_id", "domain_id", "domain", "timestamp", "module", "testcase", "tag", "level", "args")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def in_order(items: Iterable[Any], keys: Sequence[Key], *, tie: str, value: Callable[[Any, str], Any] = getattr) -> Any:
    """Sort by several keys: the last key first, because Python's sort is stable."""
    found = sorted(items, key=lambda item: value(item, tie))
    for name, descending, none_first in reversed(keys):

        def place(item: Any, name: str = name, none_low: bool = none_first is not descending) -> tuple[bool, Any]:
            one = value(item, name)
            return (one is None) is not none_low, 0 if one is None else one

        found.sort(key=place, reverse=descending)
    return found


def page(items: Sequence[Any], query: Query, document: Callable[[Any], Document], *, most: int = 500) -> Document:
    """Return one page of all matches."""
    limit, offset = _slice(query, most)
    found: Document = {
        "items": [document(item) for item in items[offset : offset + limit]],
        "total": len(items),
        "limit": limit,
        "offset": offset,
    }
    if offset + limit < len(items):
        found["next_cursor"] = str(offset + limit)
    if offset:
        found["prev_cursor"] = str(max(0, offset - limit))
    return found


def _slice(query: Query, most: int) -> tuple[int, int]:
    limit = min(most, int(query.get("page_size") or query.get("limit") or (20 if most < 500 else 100)))
    if "cursor" in query:
        return limit, int(query["cursor"])
    if "page" in query:
        return limit, min(MAX_OFFSET, (int(query["page"]) - 1) * limit)
    return limit, int(query.get("offset", 0))


def _between(moment: datetime, query: Query, after: str, before: str) -> bool:
    return (after not in query or moment > datetime.fromisoformat(query[after])) and (
        before not in query or moment < datetime.fromisoformat(query[before])
    )


def _is_long_enough(item: JobRow | RunRow, query: Query) -> bool:
    """Return whether it ran long enough and was started often enough; without a duration it is never long enough."""
    if item.attempt < int(query.get("min_attempts", 0)):
        return False
    return "min_duration_ms" not in query or (
        item.duration_ms is not None and item.duration_ms >= int(query["min_duration_ms"])
    )


# Jobs.


def jobs(reference: Reference, query: Query, *, now: datetime) -> Document:
    """GET /jobs: unfinished jobs and finished runs in one list."""
    everything: list[JobRow | RunRow] = [*reference.jobs.values(), *reference.runs.values()]
    chosen = [item for item in everything if _is_wanted_job(item, query)]
    sort = query.get("sort", "started_at_desc")
    outlook = forecast(reference, now)

    def shown(item: JobRow | RunRow) -> Document:
        if isinstance(item, RunRow):
            return run_as_job(item)
        return job(item) | job_estimate(reference, item, outlook)

    return page(in_order(chosen, JOB_SORTS[sort], tie="id"), query, shown) | {"sort": sort}


def _is_wanted_job(item: JobRow | RunRow, query: Query) -> bool:
    severity = {"warnings_plus": "WARNING", "errors_only": "ERROR"}.get(query.get("severity", ""))
    return (
        query.get("status", item.status) == item.status
        and ("batch_id" not in query or query["batch_id"] == item.batch_id)
        and query.get("domain", "").lower() in item.domain
        and (severity is None or item.worst_level in at_least(severity))
        and _between(item.created_at, query, "created_after", "created_before")
        and _is_long_enough(item, query)
    )


def job(item: JobRow) -> Document:
    """Return the document of a job without its estimate."""
    return _without_nulls(
        _common(item, item) | {"finished_at": None, "progress": 0, "expires_at": instant(item.expires_at)}
    )


def job_with_estimate(reference: Reference, item: JobRow, now: datetime) -> Document:
    """GET /jobs/{id} of an unfinished job."""
    return job(item) | job_estimate(reference, item, forecast(reference, now))


def run_as_job(run: RunRow) -> Document:
    """Return the run of a finished job as a job document."""
    found = {
        "finished_at": instant(run.finished),
        "progress": 100,
        "error": run.error,
        "severity_totals": run.totals,
        "score": run.score,
        "grade": run.grade,
    }
    return _without_nulls(_common(run.job, run) | found)


def _common(row: JobRow, item: JobRow | RunRow) -> Document:
    return {
        "id": row.id,
        "batch_id": row.batch_id,
        "domain": row.domain,
        "status": item.status,
        "worker": row.worker,
        "attempt": item.attempt,
        "created_at": instant(row.created_at),
        "started_at": instant(row.started_at),
        "priority": row.priority,
        "profile_id": row.profile_id,
        "profile_name": row.profile_name,
    }


def _without_nulls(document: Document) -> Document:
    optional = ("worker", "batch_id", "error", "profile_id", "profile_name", "score", "grade", "expires_at")
    return {name: value for name, value in document.items() if name not in optional or value not in (None, "")}


# Batches.


def batches(reference: Reference, query: Query, *, now: datetime, tag: str | None = None) -> Document:
    """GET /batches and GET /tags/{name}/batches."""
    label = query.get("label", "").lower()
    chosen = [
        batch
        for batch in reference.batches.values()
        if label in batch.tag.lower()
        and (tag is None or batch.tag == tag)
        and ("search" not in query or _found(batch, query["search"]))
    ]
    chosen.sort(key=lambda batch: (batch.created_at, batch.id), reverse=True)
    return page(chosen, query, lambda batch: _batch_summary(reference, batch, now), most=100)


def _found(batch: BatchRow, search: str) -> bool:
    texts = (batch.name, batch.description, batch.tag, *batch.tags)
    return batch.id.startswith(search) or any(search.lower() in text.lower() for text in texts)


def _batch_summary(reference: Reference, batch: BatchRow, now: datetime) -> Document:
    left = reference.jobs_of(batch.id)
    begun = _first_start(run.job for run in _ended(reference, batch.id)) or _first_start(left)
    return _batch_progress(reference, batch) | batch_estimate(reference, left, begun, forecast(reference, now))


def _ended(reference: Reference, batch_id: str) -> list[RunRow]:
    """Return the runs that a batch has counted, including purged runs."""
    return [*reference.runs_of(batch_id), *reference.purged_of(batch_id)]


def _batch_progress(reference: Reference, batch: BatchRow) -> Document:
    left, runs = reference.jobs_of(batch.id), _ended(reference, batch.id)
    everything = len(left) + len(runs)
    return {
        "batch_id": batch.id,
        "name": batch.name,
        "tag": batch.tag,
        "tags": list(batch.tags),
        "description": batch.description,
        "status": "running" if left else "done",
        "total": everything,
        "completed": len(runs),
        "purged_runs": len(reference.purged_of(batch.id)),
        "completion": round(100 * len(runs) / everything, 1) if everything else 100.0,
        "created_at": instant(batch.created_at),
        "finished_at": None if left else instant(max((run.finished for run in runs), default=None)),
        "origin": "",
    }


def _first_start(rows: Iterable[JobRow]) -> datetime | None:
    return min((row.started_at for row in rows if row.started_at is not None), default=None)


def batch(reference: Reference, batch_id: str, query: Query, *, now: datetime) -> Document:
    """GET /batches/{id}."""
    row, left, runs = reference.batches[batch_id], reference.jobs_of(batch_id), _ended(reference, batch_id)
    begun = _first_start([*left, *(run.job for run in runs)])
    found = _batch_progress(reference, row) | batch_estimate(reference, left, begun, forecast(reference, now))
    counts = {
        "domain_count": row.domain_count,
        "snapshot_intent": row.snapshot_intent,
        "keep": "full",
        "reduced_runs": 0,
        "started_at": instant(begun),
        "status_counts": _count(
            (*UNFINISHED, *FINISHED), (*(job.status for job in left), *(run.status for run in runs))
        ),
        "grades": _count((), (run.grade for run in runs)),
        "worst_levels": _count((), (run.worst_level for run in runs)),
        "verdicts": {},
    }
    # This comes last because its `total` is that of the filter.
    return found | counts | jobs(reference, {**query, "batch_id": batch_id}, now=now)


def _count(always: Iterable[str], names: Iterable[str | None]) -> dict[str, int]:
    """Count names; names that are always present may have 0."""
    found = dict.fromkeys(always, 0)
    for name in names:
        if name is not None:
            found[name] = found.get(name, 0) + 1
    return found


# Runs.


def runs(reference: Reference, query: Query, *, domain: str | None = None) -> Document:
    """GET /runs and GET /domains/{id}/runs."""
    chosen = [
        run for run in reference.runs.values() if domain in (None, run.domain) and _is_wanted_run(reference, run, query)
    ]
    sort = query.get("sort", "finished_at_desc")
    ordered = in_order(chosen, JOB_SORTS[sort], tie="id")
    return page(ordered, query, lambda run: run_document(reference, run)) | {"sort": sort}


def _is_wanted_run(reference: Reference, run: RunRow, query: Query) -> bool:
    exact = query.get("domain_exact", "").lower().removesuffix(".")
    return (
        all(
            name not in query or query[name] == value
            for name, value in (("batch", run.batch_id), ("status", run.status), ("grade", run.grade))
        )
        and ("level" not in query or query["level"].upper() == run.worst_level)
        and ("tag" not in query or query["tag"] in reference.tags_of(run.domain))
        and ("event_tag" not in query or any(line.tag == query["event_tag"] for line in run.lines))
        and query.get("domain", "").lower() in run.domain
        and exact in ("", run.domain)
        and _between(run.finished, query, "finished_after", "finished_before")
        and _is_long_enough(run, query)
    )


def run_document(reference: Reference, run: RunRow) -> Document:
    """Return a run as lists show it: without its profile and its timings."""
    return {
        "id": run.id,
        "domain_id": reference.domains[run.domain].id,
        "domain": run.domain,
        "batch_id": run.batch_id,
        "public_id": None,
        "status": run.status,
        "created_at": instant(run.created_at),
        "started_at": instant(run.job.started_at),
        "finished_at": instant(run.finished),
        "duration_ms": run.duration_ms,
        **{f"sev_{level.lower()}": count for level, count in run.totals.items()},
        "severity_totals": run.totals,
        "worst_level": run.worst_level,
        "entry_count": run.entry_count,
        "priority": run.job.priority,
        "profile": "",
        "profile_id": run.job.profile_id,
        "profile_name": run.job.profile_name,
        "effective_profile": None,
        "policy": None,
        "policy_version": None,
        "verdict": None,
        "score": run.score,
        "grade": run.grade,
        "error": run.error,
        "worker": run.job.worker or None,
        "attempt": run.attempt,
    }


# Domains and tags.


def domains(reference: Reference, query: Query, *, tag: str | None = None) -> Document:
    """GET /domains and GET /tags/{name}/domains."""
    chosen = [row for row in reference.domains.values() if _is_wanted_domain(reference, row, query, tag)]
    sort = query.get("sort", "name_asc")
    ordered = in_order(chosen, DOMAIN_SORTS[sort], tie="name", value=lambda row, name: _of_domain(reference, row, name))
    return page(ordered, query, lambda row: domain_document(reference, row)) | {"sort": sort}


def _of_domain(reference: Reference, row: DomainRow, name: str) -> Any:
    if name == "name":
        return row.name
    if name == "run_count":
        return len(reference.runs_of_domain(row.name))
    latest = reference.latest(row.name)
    return getattr(latest, name) if latest else (0 if name == "rank" else None)


def _is_wanted_domain(reference: Reference, row: DomainRow, query: Query, tag: str | None) -> bool:
    tag = tag or query.get("tag")
    tags, latest = reference.tags_of(row.name), reference.latest(row.name)
    level = latest.worst_level if latest else None
    return (
        (tag is None or (not tags if tag == "__none__" else tag in tags))
        and query.get("name", "").lower() in row.name
        and ("level" not in query or query["level"].upper() == level)
        and ("min_level" not in query or rank_of(level) >= rank_of(query["min_level"].upper()))
    )


def domain_document(reference: Reference, row: DomainRow) -> Document:
    """Return a domain with the outcome of its newest run."""
    latest = reference.latest(row.name)
    return {
        "id": row.id,
        "name": row.name,
        "latest_run_id": latest.id if latest else None,
        "latest_run_at": instant(latest.finished) if latest else None,
        "latest_status": latest.status if latest else None,
        "latest_level": latest.worst_level if latest else None,
        "latest_score": latest.score if latest else None,
        "latest_grade": latest.grade if latest else None,
        "created_at": instant(row.created_at),
        "run_count": len(reference.runs_of_domain(row.name)),
        "tags": reference.tags_of(row.name),
    }


def tags(reference: Reference, query: Query) -> list[Document]:
    """GET /tags."""
    limit, offset = _slice(query, 500)
    ordered = sorted(reference.tags.values(), key=lambda tag: tag.name)
    return [tag_document(tag) for tag in ordered[offset : offset + limit]]


def tag_document(tag: TagRow) -> Document:
    """Return the document of a tag."""
    found = {
        "name": tag.name,
        "description": tag.description,
        "created_at": instant(tag.created_at),
        "domain_count": len(tag.members),
    }
    return found if tag.profile_id is None else found | {"default_profile_id": tag.profile_id}


def tag_summary(reference: Reference, name: str) -> Document:
    """GET /tags/{name}/summary of a tag with domains."""
    latest = [reference.latest(domain) for domain in reference.tags[name].members]
    ranks = [run.rank if run else 0 for run in latest]
    words = ("ok", "notice", "warning", "error", "critical")
    return {
        "tag": name,
        "domain_count": len(latest),
        **{word: ranks.count(rank) for rank, word in enumerate(words)},
        "grades": _count((), (run.grade for run in latest if run)),
    }


# Entries.

Found = tuple[RunRow, int, Line]  # run, entry id, line


def matching_entries(reference: Reference, query: Query) -> list[Found]:
    """Return the matching entries in the order of the list: run id, then entry id."""
    return [
        (run, number, line)
        for run in sorted(reference.runs.values(), key=lambda run: run.id)
        if _is_run_of_entries(reference, run, query)
        for number, line in zip(run.entry_ids, run.lines, strict=True)
        if _is_wanted_line(line, query)
    ]


def _is_run_of_entries(reference: Reference, run: RunRow, query: Query) -> bool:
    return (
        query.get("run", run.id) == run.id
        and ("batch" not in query or query["batch"] == run.batch_id)
        and ("domain" not in query or int(query["domain"]) == reference.domains[run.domain].id)
        and ("tag" not in query or query["tag"] in reference.tags_of(run.domain))
        and (query.get("latest") not in ("1", "true") or reference.latest(run.domain) is run)
    )


def _is_wanted_line(line: Line, query: Query) -> bool:
    return (
        query.get("module", line.module).upper() == line.module
        and query.get("testcase", line.testcase).lower() == line.testcase
        and query.get("entry_tag", line.tag) == line.tag
        and query.get("level", line.level).upper() == line.level
    )


def entries(reference: Reference, query: Query, *, count_up_to: int) -> Document:
    """GET /entries: `total` stops at `count_up_to`; `after` is a position in the order, whether or not it exists."""
    found = matching_entries(reference, query)
    total = len(found)
    if "after" in query:
        run_id, _, number = query["after"].rpartition(".")
        found = [item for item in found if (item[0].id, item[1]) > (run_id, int(number))]
    limit, offset = _slice(query, 500)
    part = found[offset : offset + limit]
    document: Document = {
        "items": [entry_document(reference, item) for item in part],
        "total": min(total, count_up_to),
        "limit": limit,
        "offset": offset,
        "total_is_least": total > count_up_to,
    }
    if len(part) == limit:
        document["next_after"] = f"{part[-1][0].id}.{part[-1][1]}"
    if "after" not in query:
        document |= _entry_cursors(document, full=len(part) == limit)
    return document


def _entry_cursors(document: Document, *, full: bool) -> Document:
    limit, offset = document["limit"], document["offset"]
    more = offset + limit < document["total"] or (document["total_is_least"] and full)
    return ({"next_cursor": str(offset + limit)} if more else {}) | (
        {"prev_cursor": str(max(0, offset - limit))} if offset else {}
    )


def entry_document(reference: Reference, item: Found) -> Document:
    """Return the document of an entry in a list."""
    run, number, line = item
    return {
        "id": number,
        "run_id": run.id,
        "domain_id": reference.domains[run.domain].id,
        "domain": run.domain,
        "timestamp": line.timestamp,
        "module": line.module,
        "testcase": line.testcase,
        "tag": line.tag,
        "level": line.level,
        "args": line.args,
    }


def entries_csv(reference: Reference, query: Query) -> str:
    """GET /entries?format=csv."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(CSV_COLUMNS)
    for item in matching_entries(reference, query):
        cells = entry_document(reference, item)
        cells["timestamp"] = f"{cells['timestamp']:.3f}"
        cells["args"] = json.dumps(cells["args"], ensure_ascii=False, sort_keys=True)
        writer.writerow([_harmless(str(cells[name])) for name in CSV_COLUMNS])
    return text.getvalue()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
