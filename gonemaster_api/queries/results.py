"""The result of a run: entries with their messages, in the language asked for."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gonemaster_api.errors import ApiError
from gonemaster_api.rest.fields import LEVELS
from gonemaster_api.state import State
from gonemaster_api.use_cases import run_scores as scores
from gonemaster_db.models import Entry, Job, Run
from gonemaster_db.repositories.entries import entries_of_run
from gonemaster_db.repositories.jobs import find_job_or_run
from gonemaster_db.repositories.runs import has_dnssec_chain
from gonemaster_engine.messages import best_locale, description, message
from gonemaster_engine.registry import cases
from gonemaster_engine.scoring.score import Score
from gonemaster_tasks.config.scoring import current_scoring


def read(state: State, run_id: str, *, locale: str) -> dict[str, Any]:
    """Give the result of a finished job.

    Raises:
        ApiError: 404 not_found while the job is not finished; the details tell its status.
        JobNotFound: there is no such job.
    """
    scoring = current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        item = find_job_or_run(session, run_id)
        if isinstance(item, Job):
            raise _not_finished(item)
        entries = entries_of_run(session, run_id)
        has_chain = has_dnssec_chain(session, run_id)
    score = scores.score_of(item, entries, scoring)
    scores.keep_missing(state, item, score)
    document = _document(item, entries, locale=locale, has_chain=has_chain)
    return document | _where_shown(state, item, score)


def _where_shown(state: State, run: Run, score: Score | None) -> dict[str, Any]:
    """Give what the settings can hide."""
    found: dict[str, Any] = {}
    if score is not None and state.settings.show_score_admin:
        found["score"] = score.as_dict()
    if run.nameserver_timings is not None and state.settings.show_nameserver_timings_admin:
        found["nameserver_timings"] = run.nameserver_timings
    return found


def _not_finished(job: Job) -> ApiError:
    status = job.status.value
    return ApiError(404, "not_found", f"there is no result yet, the job is {status}", details={"status": status})


def _document(run: Run, entries: Sequence[Entry], *, locale: str, has_chain: bool) -> dict[str, Any]:
    language = best_locale(locale)
    document: dict[str, Any] = {
        "job_id": run.id,
        "status": run.status.value,
        "summary": _summary(entries),
        "raw": {"locale": language, "entries": [_entry(entry, language) for entry in entries]},
        "testcase_descriptions": _descriptions((entry.testcase for entry in entries), language),
        "has_dnssec_chain": has_chain,
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
