"""Registries: find or create the IDs of name servers, addresses, prefixes and ASes.

A process caches the IDs that it used last. The time when an object was last seen is written at most once a day.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gonemaster_db.core.chunks import chunks
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import AnalysisAddress, AnalysisAsn, AnalysisNameserver, AnalysisPrefix
from gonemaster_db.runs.documents.caches import RecentValues, after_commit, caches_of, mark_created

_CHUNK = 1000
_SEEN_INTERVAL = timedelta(days=1)


class _Known(NamedTuple):
    number: int
    last_seen_at: datetime


@dataclass(frozen=True)
class _Registry:
    """The columns of a registry table: `key` has the text (or the number of an AS)."""

    table: Any
    key: str
    number: str = "id"
    others: Callable[[Any], Mapping[str, Any]] = lambda _key: {}


def _family(text: str) -> Mapping[str, Any]:
    return {"family": 6 if ":" in text else 4}


NAMESERVERS = _Registry(AnalysisNameserver, "name")
ADDRESSES = _Registry(AnalysisAddress, "address", others=_family)
PREFIXES = _Registry(AnalysisPrefix, "prefix", others=_family)
ASNS = _Registry(AnalysisAsn, "asn", number="asn", others=lambda _asn: {"label": ""})


def register(session: Session, registry: _Registry, keys: Collection[Any], *, now: datetime) -> dict[Any, int]:
    """Return the IDs of keys, and record that they were seen.

    Rows are written in order of key, so that two transactions cannot deadlock; no row is ever removed.
    """
    remembered: RecentValues[Any, _Known] = caches_of(session).registries[registry.key]
    known = remembered.find(set(keys))
    if missing := sorted(set(keys) - known.keys()):
        known |= _ensure(session, registry, missing, now)
    stale = sorted(key for key, entry in known.items() if entry.last_seen_at < now - _SEEN_INTERVAL)
    for some in chunks(stale, _CHUNK):
        known |= _record_seen(session, registry, some, now, known)
    if missing or stale:
        fresh = {key: known[key] for key in (*missing, *stale)}
        after_commit(session, lambda: remembered.add(fresh))
    return {key: entry.number for key, entry in known.items()}


def _ensure(session: Session, registry: _Registry, keys: Collection[Any], now: datetime) -> dict[Any, _Known]:
    found = _read(session, registry, keys)
    if missing := [key for key in keys if key not in found]:
        mark_created(session)
        times = {"first_seen_at": now, "last_seen_at": now}
        rows = [{registry.key: key, **times, **registry.others(key)} for key in missing]
        for some in chunks(rows, _CHUNK):
            session.execute(insert(session, registry.table).on_conflict_do_nothing(), some)
        found |= _read(session, registry, missing)
    return found


def _read(session: Session, registry: _Registry, keys: Collection[Any]) -> dict[Any, _Known]:
    table = registry.table
    key, number = getattr(table, registry.key), getattr(table, registry.number)
    found: dict[Any, _Known] = {}
    for some in chunks(keys, _CHUNK):
        rows = session.execute(select(key, number, table.last_seen_at).where(key.in_(some)))
        found |= {value: _Known(at, seen) for value, at, seen in rows}
    return found


def _record_seen(
    session: Session, registry: _Registry, keys: Collection[Any], now: datetime, known: Mapping[Any, _Known]
) -> dict[Any, _Known]:
    """Record when keys were last seen; rows are locked in order of key."""
    table = registry.table
    key = getattr(table, registry.key)
    session.execute(select(key).where(key.in_(keys)).order_by(key).with_for_update()).all()
    seen = update(table).where(key.in_(keys), table.last_seen_at < now).values(last_seen_at=now)
    session.execute(seen, execution_options={"synchronize_session": False})
    return {value: _Known(known[value].number, now) for value in keys}
