"""Issues of the servers: disk and memory of Redis, locks in PostgreSQL, lost commits."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gonemaster_db.service.probes import LockHolder, lock_holders
from gonemaster_engine.texts import Text, joined
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.parts import QueueParts
from gonemaster_tasks.monitoring.issues import Issue

_MAX_LATENESS = timedelta(seconds=6)
_WAITS = timedelta(seconds=1)
_WRITES = {"aof_last_write_status": "append-only file", "rdb_last_bgsave_status": "snapshot"}


def find_redis_issues(parts: QueueParts, _settings: Settings, _now: datetime) -> Iterator[Issue]:
    """Yield the issues of the disk and memory of Redis, and the losses that workers have recorded."""
    facts = parts.broker.facts()
    failed = [description for name, description in _WRITES.items() if facts.get(name, "ok") != "ok"]
    if failed:
        yield Issue("disk_full", "redis", Text("Redis could not write its {files}", files=" and its ".join(failed)))
    used = facts.get("used_memory", 0) - facts.get("mem_not_counted_for_evict", 0)
    if 0 < facts.get("maxmemory", 0) < used:
        text = Text(
            "its memory is full: {used} MB of {maximum} MB (maxmemory)",
            used=format(used / 1e6, ".1f"),
            maximum=format(facts["maxmemory"] / 1e6, ".1f"),
        )
        yield Issue("redis_memory", "redis", text)
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction":
        text = Text(
            "maxmemory-policy is {policy} but must be noeviction, otherwise messages may be lost", policy=policy
        )
        yield Issue("may_evict", "redis", text)


def find_lost_jobs(parts: QueueParts, _settings: Settings, _now: datetime) -> Iterator[Issue]:
    """Yield accepted jobs that are lost."""
    lost = parts.broker.losses.found()
    if lost is not None:
        jobs = ", ".join(lost.job_ids) + ", ..." * (lost.count > 3)
        if lost.count == 1:
            text = Text("1 accepted job is no longer in the database: {jobs}", jobs=jobs)
        else:
            text = Text("{number} accepted jobs are no longer in the database: {jobs}", number=lost.count, jobs=jobs)
        since = datetime.fromtimestamp(lost.since, UTC)
        yield Issue("commits_lost", "database", text, since, count=lost.count)


def find_long_locks(parts: QueueParts, _settings: Settings, now: datetime) -> Iterator[Issue]:
    """Yield transactions on PostgreSQL that have held locks for too long; reads none of our tables."""
    with parts.store.read_only() as session:
        holders = lock_holders(session, longest=_MAX_LATENESS, waits=_WAITS)
    for holder in holders:
        since = None if holder.age_s is None else now - timedelta(seconds=holder.age_s)
        yield Issue("lock_held", f"pid {holder.pid}", _text(holder), since, count=max(1, holder.waiting))


def _text(holder: LockHolder) -> str:
    who = f"role {holder.role or 'unknown'}, {holder.application or 'no name'}, {holder.address or 'local'}"
    span = Text("for some time") if holder.age_s is None else Text("for {age_s} s", age_s=format(holder.age_s, ".0f"))
    state = holder.state or "state unknown"
    text = Text("a transaction ({who}; {state}) has held locks {span}", who=who, state=state, span=span)
    if not holder.waiting:
        return text
    waiting = (
        Text("1 transaction is waiting for it")
        if holder.waiting == 1
        else Text("{number} transactions are waiting for it", number=holder.waiting)
    )
    return joined("; ", (text, waiting))
