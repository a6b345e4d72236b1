"""The result of a run: entries with their messages, in the language asked for."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gonemaster_api.fields import LEVELS
from gonemaster_db.models import Entry, Run
from gonemaster_engine.messages import best_locale, message
from gonemaster_engine.registry import cases


def show(run: Run, entries: Sequence[Entry], *, locale: str, with_timings: bool, has_chain: bool) -> dict[str, Any]:
    """Give the document of a result."""
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
    """Write tag and arguments on one line: `TAG key=value; key=value`."""
    pairs = (f"{key}={value if isinstance(value, str) else _compact(value)}" for key, value in args.items())
    return f"{tag} {'; '.join(pairs)}".rstrip()


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _descriptions(testcases: Iterable[str]) -> dict[str, str]:
    purposes = _purposes()
    return {name: purposes[name] for name in sorted(set(testcases)) if name in purposes}


@lru_cache(maxsize=1)
def _purposes() -> dict[str, str]:
    return {case.id: case.purpose for case in cases().values()}


def read(*_a, **_k):  # filled below
    raise NotImplementedError
