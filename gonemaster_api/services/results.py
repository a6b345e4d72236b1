"""The result of a run: entries with their messages, in the language asked for."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gonemaster_api.errors import ApiError
from gonemaster_api.fields import LEVELS
from gonemaster_api.state import State
from gonemaster_db.models import Entry, Job, Run
from gonemaster_db.repositories.entries import entries_of_run
from gonemaster_db.repositories.jobs import find_job_or_run
from gonemaster_db.repositories.runs import has_dnssec_chain
from gonemaster_engine.messages import best_locale, message
from gonemaster_engine.registry import cases


def read(state: State, run_id: str, *, locale: str) -> dict[str, Any]:
    """Give the result of a finished job.

    Raises:
        ApiError: 404 not_found while the job is not finished; the details tell its status.
        JobNotFound: there is no such job.
    """
    with state.store.reading() as session:
        item = find_job_or_run(session, run_id)
        if isinstance(item, Job):
            raise _not_finished(item)
        entries = entries_of_run(session, run_id)
        has_chain = has_dnssec_chain(session, run_id)
        with_timings = state.settings.show_nameserver_timings_admin
        return _document(item, entries, locale=locale, with_timings=with_timings, has_chain=has_chain)


def _not_finished(job: Job) -> ApiError:
    status = job.status.value
    return ApiError(404, "not_found", f"there is no result yet, the job is {status}", details={"status": status})


def _document(
    run: Run, entries: Sequence[Entry], *, locale: str, with_timings: bool, has_chain: bool
) -> dict[str, Any]:
    language = best_locale(locale)
    document: dict[str, Any] = {
        "job_id": run.id,
        "status": run.status.value,
        "summary": _summary(entries),
        "raw": {"locale": language, "entries": [_entry(entry, language) for entry in entries]},
        "testcase_descriptions": _descriptions(entry.testcase for entry in entries),
        "has_dnssec_chain": has_chain,
    }
    if run.batch_id:
        document["batch_id"] = run.batch_id
    if with_timings and run.nameserver_timings is not None:
        document["nameserver_timings"] = run.nameserver_timings
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


def _descriptions(testcases: Iterable[str]) -> dict[str, str]:
    purposes = _purposes()
    return {name: purposes[name] for name in sorted(set(testcases)) if name in purposes}


@lru_cache(maxsize=1)
def _purposes() -> dict[str, str]:
    return {case.id: case.purpose for case in cases().values()}
