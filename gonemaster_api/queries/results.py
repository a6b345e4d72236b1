"""The result of a run: entries with their messages, in the requested language."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from gonemaster_api.errors import ApiError
from gonemaster_api.request_counts import LOCALES
from gonemaster_api.state import State
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import Entry
from gonemaster_db.models import Job, Run, RunStatus
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.runs.run_documents import entries_of, read_stored_run
from gonemaster_engine.entries import Level
from gonemaster_engine.findings.messages import best_locale, description, message
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import Score, compute_score
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings


@dataclass(frozen=True, kw_only=True)
class FinishedRun:
    """A run with all that its result shows; `score` is None where the run did not succeed."""

    run: Run
    entries: Sequence[Entry]
    nameserver_timings: Sequence[Mapping[str, Any]] | None
    has_chain: bool
    score: Score | None


class Shown(NamedTuple):
    """Which of the parts that settings can hide a reader sees."""

    score: bool
    timings: bool


class _ScoredEntry(NamedTuple):
    """What scoring reads of a stored entry."""

    module: str
    tag: str
    level: Level


def read_finished_run(state: State, run_id: str) -> FinishedRun:
    """Read the run of a finished job and compute its score from the stored entries.

    Raises:
        ApiError: 404 not_found while the job is not finished; its status is in the details.
        JobNotFound: there is no such job.
        DocumentDamaged: what the run found cannot be read.
    """
    scoring = current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        item = find_job_or_run(session, run_id)
        if isinstance(item, Job):
            raise not_finished(item)
        stored = read_stored_run(session, run_id)
        entries = entries_of(session, stored)
    document = stored.whole_document
    return FinishedRun(
        run=item,
        entries=entries,
        nameserver_timings=document.nameserver_timings,
        has_chain=document.has_chain,
        score=score_run(item, entries, scoring),
    )


def score_run(run: Run, entries: Iterable[Entry], config: ScoringConfig) -> Score | None:
    """Compute the score of a run; None where it did not succeed."""
    if run.status is not RunStatus.SUCCEEDED:
        return None
    lines = [_ScoredEntry(entry.module, entry.tag, Level[entry.level]) for entry in entries]
    return compute_score(run.domain, lines, config)


def shown_to_operators(settings: Settings) -> Shown:
    """Return what the admin API shows."""
    return Shown(settings.show_score_admin, settings.show_nameserver_timings_admin)


def shown_to_public(settings: Settings) -> Shown:
    """Return what the public API shows."""
    return Shown(settings.show_score_public, settings.show_nameserver_timings_public)


def result_document(state: State, finished: FinishedRun, *, locale: str, shown: Shown) -> dict[str, Any]:
    """Return the result in the locale nearest to the one that was requested."""
    spoken = best_locale(locale)
    state.counts.add(LOCALES, spoken)
    return _document(finished, spoken) | _optional_parts(finished, shown)


def _optional_parts(finished: FinishedRun, shown: Shown) -> dict[str, Any]:
    """Return what the settings can hide."""
    parts: dict[str, Any] = {}
    if finished.score is not None and shown.score:
        parts["score"] = finished.score.as_dict()
    if finished.nameserver_timings is not None and shown.timings:
        parts["nameserver_timings"] = finished.nameserver_timings
    return parts


def not_finished(job: Job) -> ApiError:
    """Return the refusal of what only a finished job has."""
    status = job.status.value
    return ApiError(404, "not_found", f"the job has no result yet; its status is {status}", details={"status": status})


def _document(finished: FinishedRun, locale: str) -> dict[str, Any]:
    run, entries = finished.run, finished.entries
    document: dict[str, Any] = {
        "job_id": run.id,
        "status": run.status.value,
        "summary": _summary(entries),
        "raw": {"locale": locale, "entries": [_entry(entry, locale) for entry in entries]},
        "testcase_descriptions": _descriptions((entry.testcase for entry in entries), locale),
        "has_dnssec_chain": finished.has_chain,
    }
    if run.batch_id:
        document["batch_id"] = run.batch_id
    return document


def _summary(entries: Iterable[Entry]) -> dict[str, int]:
    """Count entries by level, from least to most."""
    found = Counter(entry.level for entry in entries)
    return {level: found[level] for level in LEVELS if found[level]}


def _entry(entry: Entry, locale: str) -> dict[str, Any]:
    return {
        "timestamp": round(entry.timestamp, 6),
        "module": entry.module,
        "testcase": entry.testcase,
        "tag": entry.tag,
        "level": entry.level,
        "args": entry.args,
        "message": message(entry.tag, entry.module, entry.args, locale=locale),
        "raw": raw_line(entry.tag, entry.args),
    }


def raw_line(tag: str, args: Mapping[str, Any]) -> str:
    """Write tag and arguments on one line: `TAG key=value; key=value`, keys in alphabetical order."""
    pairs = (f"{key}={value if isinstance(value, str) else _compact(value)}" for key, value in sorted(args.items()))
    return f"{tag} {'; '.join(pairs)}".rstrip()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _descriptions(testcases: Iterable[str], locale: str) -> dict[str, str]:
    known = cases()
    return {name: description(known[name].purpose, locale=locale) for name in sorted(set(testcases)) if name in known}
