"""Stores with the tables of migration 0007, and what a store holds of runs, whichever tables it has."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import groupby, zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.session import Store
from gonemaster_db.migrations.runner import current_revision, upgrade
from gonemaster_db.models import Batch, Domain, EffectiveProfile, Job, Run
from gonemaster_db.runs.run_documents import entries_of, read_stored_runs
from tests.support.rows import NOON

OLD = "0007"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_KINDS = (
    ("SYSTEM", "", "GLOBAL_VERSION", "INFO"),
    ("BASIC", "basic01", "B01_CHILD_FOUND", "INFO"),
    ("BASIC", "basic02", "B02_AUTH_RESPONSE_SOA", "INFO"),
    ("ADDRESS", "address01", "A01_NO_GLOBALLY_REACHABLE_ADDR", "ERROR"),
    ("ZONE", "zone02", "REFRESH_MINIMUM_VALUE_LOWER", "WARNING"),
    ("ZONE", "zone02", "REFRESH_MINIMUM_VALUE_LOWER", "NOTICE"),
    ("NAMESERVER", "nameserver01", "IS_A_RECURSOR", "CRITICAL"),
    ("BASIC", "basic01", "DEBUGGED", "DEBUG3"),
    ("MINE", "mine99", "A_TAG_THAT_NOBODY_KNOWS", "DEBUG"),
)
_ODD_ARGS: tuple[Any, ...] = (
    {},
    [],
    None,
    "text",
    {"ns": "ns1.example.", "address": "192.0.2.1"},
    {"umlaut": "grün ☃ \U0001f600", "replaced": "a�b", "escaped": 'tab\t line\n\r quote" back\\slash \\u0000 \\N'},
    {"servers": [{"ns": "a.", "address": "2001:db8::1"}, {"ns": "b.", "address": None}], "deep": [[[{}]]]},
    {"number": 12345678901234567890, "real": 0.1, "small": 1e-9, "yes": True},
    {"large": "x" * 100_000},
)
_CHAIN = {"zones": [{"name": ".", "keys": [1, 2]}, {"name": "example.", "status": "sécure"}], "version": 1}
_TIMINGS: tuple[Any, ...] = (
    None,
    [],
    [{"nameserver": "ns1.example", "address": "192.0.2.1", "avg_ms": 1.25, "count": 3}],
    [{"nameserver": f"ns{number}", "avg_ms": None, "status": "ok"} for number in range(3)],
    [{"nameserver": "a"}, {"address": "b", "other": [1]}],
)


class OldTables:
    """The tables as the database has them."""

    def __init__(self, store: Store) -> None:
        metadata = sa.MetaData()
        metadata.reflect(store.engine)
        self.named = metadata.tables

    def insert(self, session: Session, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            session.execute(sa.insert(self.named[table]), rows)


def make_old_store(store: Store, *, runs: int, seed: int = 1) -> None:
    """Fill an empty store with runs of every state and odd rows, as migration 0007 has them; the same for a seed."""
    upgrade(store, revision=OLD)
    tables, rng = OldTables(store), random.Random(seed)
    rows = _Rows(rng, runs)
    with store.transaction() as session:
        if store.engine.dialect.name == "postgresql":
            session.execute(sa.text("SET CONSTRAINTS ALL DEFERRED"))
        for table in ("effective_profiles", "batches", "domains", "runs", "jobs", "run_dnssec_chain", "entries"):
            tables.insert(session, table, getattr(rows, table))


class _Rows:
    """The rows of each table."""

    def __init__(self, rng: random.Random, count: int) -> None:
        self.rng = rng
        self.large_share = min(0.02, 20 / count)
        documents = [dump_json({"net": {"ipv4": bool(number % 2)}, "name": f"prøfile {number}"}) for number in range(3)]
        self.effective_profiles = [
            {"digest": sha256(text.encode()).hexdigest(), "document": text, "created_at": NOON} for text in documents
        ]
        self.batches = [self._batch(number) for number in range(3)]
        names = ("d1.example", "d2.example", "d3.example")
        self.domains = [_domain(number, name) for number, name in enumerate(names, 1)]
        self.runs = [self._run(number) for number in range(count)]
        rng.shuffle(self.runs)  # rows are not in the order of ids
        self.jobs = [_job(self.batches[0]["id"])]
        self.run_dnssec_chain = [
            {"run_id": run["id"], "chain": _CHAIN} for number, run in enumerate(self.runs) if number % 3 == 0
        ]
        self.entries = self._entries()
        for domain in self.domains:
            self._finish(domain)

    def _id(self, number: int) -> str:
        return f"{number:09d}" + "".join(self.rng.choices(_DIGITS, k=10))

    def _batch(self, number: int) -> dict[str, Any]:
        return {
            "id": f"batch_{self._id(number)}", "tag": "tld" if number else "", "created_at": NOON, "domain_count": 3,
            "description": f"bätch {number}", "snapshot_intent": bool(number), "origin": "schedule" if number else "",
        }  # fmt: skip

    def _run(self, number: int) -> dict[str, Any]:
        status = ("succeeded", "failed", "canceled", "expired", "succeeded")[number % 5]
        created = NOON + timedelta(seconds=number, microseconds=number)
        domain = self.domains[number % 3]
        return {
            "id": f"job_{self._id(number)}", "public_id": None if number % 2 else f"p{number:011d}",
            "domain": domain["name"], "domain_id": domain["id"],
            "batch_id": None if number % 4 == 0 else self.batches[number % 3]["id"], "status": status,
            "priority": number % 2, "created_at": created, "started_at": None if status == "expired" else created,
            "finished_at": created + timedelta(milliseconds=number), "duration_ms": number if number % 3 else None,
            "attempt": number % 3, "worker": None if number % 4 else f"w{number}@host",
            "error": "" if number % 2 else "bröken",
            "sev_notice": 0, "sev_warning": 0, "sev_error": 0, "sev_critical": 0, "entry_count": 0, "worst_level": None,
            "score": None if number % 3 else number % 101, "grade": (None, "A", "A+", "F")[number % 4],
            "findings_hash": None if number % 2 else -(2**63) + number, "profile": "", "profile_id": None,
            "profile_name": "default" if number % 2 else "",
            "effective_profile_digest": None if number % 4 == 1 else self.effective_profiles[number % 3]["digest"],
            "nameserver_timings": _TIMINGS[number % len(_TIMINGS)],
            "config": {"ipv6_disabled": True, "origin": "ü"} if number % 2 else {},
        }  # fmt: skip

    def _entries(self) -> list[dict[str, Any]]:
        """Entries of two runs follow one another in turn, as two workers have written them."""
        lists = [self._entries_of(run) for run in self.runs]
        pairs = (zip_longest(*lists[place : place + 2]) for place in range(0, len(lists), 2))
        found = [entry for pair in pairs for both in pair for entry in both if entry]
        return [{"id": number, **entry} for number, entry in enumerate(found, 10)]

    def _entries_of(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        if run["status"] in ("canceled", "expired"):
            return []
        kinds = self.rng.choices(_KINDS, k=self.rng.randint(0, 12)) if self.rng.random() < 0.7 else _KINDS[:4]
        for level in ("NOTICE", "WARNING", "ERROR", "CRITICAL"):
            run[f"sev_{level.lower()}"] = sum(kind[3] == level for kind in kinds)
        run["entry_count"] = len(kinds)
        order = ("DEBUG3", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL")
        run["worst_level"] = max((kind[3] for kind in kinds), key=order.index, default=None)
        return [
            {
                "run_id": run["id"], "domain_id": run["domain_id"], "timestamp": round(place * 1.2345678, 6),
                "module": module, "testcase": testcase, "tag": tag, "level": level,
                "args": self._args(),
            }
            for place, (module, testcase, tag, level) in enumerate(kinds)
        ]  # fmt: skip

    def _args(self) -> Any:
        return _ODD_ARGS[-1] if self.rng.random() < self.large_share else self.rng.choice(_ODD_ARGS[:-1])

    def _finish(self, domain: dict[str, Any]) -> None:
        runs = [run for run in self.runs if run["domain_id"] == domain["id"]]
        domain["run_count"] = len(runs)
        if newest := max(runs, key=lambda run: run["finished_at"], default=None):
            domain |= {f"latest_{name}": newest[name] for name in ("status", "score", "grade")}
            domain |= {"latest_run_id": newest["id"], "latest_run_at": newest["finished_at"]}
            domain["latest_level"] = newest["worst_level"]


def _domain(number: int, name: str) -> dict[str, Any]:
    latest = ("run_id", "run_at", "status", "level", "score", "grade")
    return {"id": number, "name": name, "created_at": NOON, **{f"latest_{column}": None for column in latest}}


def _job(batch_id: str) -> dict[str, Any]:
    return {
        "id": "job_waiting", "domain": "waiting.example", "batch_id": batch_id, "status": "queued", "priority": 1,
        "position": 1, "created_at": NOON, "progress": 0, "error": "", "attempt": 0, "releases": 0, "profile": "",
        "profile_name": "", "config": {},
    }  # fmt: skip


def contents(store: Store) -> Mapping[str, Any]:
    """Return what a store holds of runs, in the same form whichever tables it has."""
    return contents_of_old_tables(store) if current_revision(store) == OLD else contents_of_current_tables(store)


def fingerprint(store: Store) -> str:
    """Return a digest of what `contents` returns."""
    digest = sha256()
    for name, rows in contents(store).items():
        for row in rows:
            digest.update(_text({name: row}).encode())
    return digest.hexdigest()


def contents_of_old_tables(store: Store) -> Mapping[str, Any]:
    """Read the tables of migration 0007 as they are."""
    tables = OldTables(store).named
    with store.read_only() as session:
        chains = {row.run_id: row.chain for row in session.execute(sa.select(tables["run_dnssec_chain"]))}
        query = sa.select(tables["entries"]).order_by(tables["entries"].c.run_id, tables["entries"].c.id)
        entries = {
            run_id: [_entry(row) for row in rows]
            for run_id, rows in groupby(session.execute(query), key=lambda row: row.run_id)
        }
        runs = _rows(session, tables["runs"])
        for run in runs:
            run |= {"chain": chains.get(run["id"]), "entries": entries.get(run["id"], [])}
        others = {name: _rows(session, tables[name]) for name in ("batches", "domains", "effective_profiles", "jobs")}
    return {"runs": runs, **others}


def contents_of_current_tables(store: Store) -> Mapping[str, Any]:
    """Read through the functions that the service reads with, where there are some."""
    with store.read_only() as session:
        stored = read_stored_runs(session, session.scalars(sa.select(Run.id)).all())
        runs = [_current_run(session, run, stored[run.id]) for run in session.scalars(sa.select(Run).order_by(Run.id))]
        batches = _attributes(session, Batch, without={"key", "promote_snapshot"})  # of a later migration
        profiles = _attributes(session, EffectiveProfile, without={"id"}, order="digest")
        domains = _attributes(session, Domain, without={"latest_outcome_id", "latest_outcome_run_id"})  # of later ones
        jobs = _attributes(session, Job)
    return {"runs": runs, "batches": batches, "domains": domains, "effective_profiles": profiles, "jobs": jobs}


def _current_run(session: Session, run: Run, stored: Any) -> dict[str, Any]:
    columns = _fields(run, without={"key", "batch_key", "outcome_id", "effective_profile_id"})
    document = stored.whole_document
    return columns | {
        "batch_id": run.batch_id,
        "effective_profile_digest": run.effective_profile and run.effective_profile.digest,
        "nameserver_timings": document.nameserver_timings,
        "chain": document.chain,
        "entries": [_entry(entry) for entry in entries_of(session, stored)],
    }


def _entry(entry: Any) -> tuple[Any, ...]:
    time = round(entry.timestamp * 1_000_000)
    return time, entry.domain_id, entry.module, entry.testcase, entry.tag, entry.level, entry.args


def _rows(session: Session, table: sa.Table) -> list[dict[str, Any]]:
    order = next(iter(table.primary_key))
    return [_plain(row._mapping) for row in session.execute(sa.select(table).order_by(order))]


def _attributes(session: Session, model: Any, *, without: Sequence[str] | set[str] = (), order: str = "id") -> Any:
    return [_fields(row, without=without) for row in session.scalars(sa.select(model).order_by(getattr(model, order)))]


def _fields(row: Any, *, without: Sequence[str] | set[str] = ()) -> dict[str, Any]:
    names = [column.key for column in sa.inspect(type(row)).columns if column.key not in without]
    return _plain({name: getattr(row, name) for name in names if name in row.__table__.c})


def _plain(values: Mapping[Any, Any]) -> dict[str, Any]:
    return {name: _utc(value) for name, value in values.items()}


def _utc(value: Any) -> Any:
    """SQLite has no time zones, and the type that adds them belongs to the models."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value


def schema(store: Store) -> Mapping[str, Any]:
    """Describe all tables with their indexes and constraints."""
    inspector = sa.inspect(store.engine)
    parts: Sequence[Callable[[str], Any]] = (
        inspector.get_columns,
        inspector.get_indexes,
        inspector.get_pk_constraint,
        inspector.get_unique_constraints,
        inspector.get_foreign_keys,
    )
    return {table: [_sorted(part(table)) for part in parts] for table in inspector.get_table_names()}


def _sorted(found: Any) -> Any:
    return sorted(map(_text, found)) if isinstance(found, list) else _text(found)


def _text(description: Any) -> str:
    return json.dumps(description, default=str, sort_keys=True)
