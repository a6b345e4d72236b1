"""The rows of facts in columns, built from the facts of runs, and the runs of which an export consists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gonemaster_db.analysis.facts import RunFacts, counts_of
from gonemaster_db.batches.batches import get_batch
from gonemaster_db.core.errors import TagNotFound
from gonemaster_db.models import Batch, DomainTag, Run, RunStatus, Tag
from gonemaster_db.runs.documents.caches import EntryType

_MAX_SMALL = 2**15 - 1


@dataclass(frozen=True, slots=True)
class RunSelection:
    """Which finished runs to export: of one batch, of the members of a tag, finished at or after a time."""

    batch_id: str | None = None
    tag: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunOrigin:
    """The columns of a run that its facts lack."""

    batch_id: str | None
    duration_ms: int | None


def check_selection(session: Session, selection: RunSelection) -> None:
    """Check that batch and tag exist.

    Raises:
        BatchNotFound, TagNotFound: they do not.
    """
    if selection.batch_id is not None:
        get_batch(session, selection.batch_id)
    if selection.tag is not None and session.get(Tag, selection.tag) is None:
        raise TagNotFound(selection.tag)


def run_keys_after(session: Session, selection: RunSelection, last_key: int, *, limit: int) -> Sequence[int]:
    """Return the keys of the next succeeded runs in order of key, which is the order of their IDs."""
    query = _selected(select(Run.key), selection).where(Run.key > last_key)
    return session.scalars(query.order_by(Run.key).limit(limit)).all()


def _selected(query: Select[Any], selection: RunSelection) -> Select[Any]:
    query = query.where(Run.status == RunStatus.SUCCEEDED)
    if selection.batch_id is not None:
        query = query.where(Run.batch_key == select(Batch.key).where(Batch.id == selection.batch_id).scalar_subquery())
    if selection.tag is not None:
        query = query.join(DomainTag, (DomainTag.domain_id == Run.domain_id) & (DomainTag.tag == selection.tag))
    return query if selection.since is None else query.where(Run.finished_at >= selection.since)


def read_origins(session: Session, keys: Sequence[int]) -> dict[int, RunOrigin]:
    """Return batch and duration of runs by key."""
    query = select(Run.key, Batch.id, Run.duration_ms).outerjoin(Batch, Batch.key == Run.batch_key)
    return {key: RunOrigin(batch_id, ms) for key, batch_id, ms in session.execute(query.where(Run.key.in_(keys)))}


def facts_row(
    run: RunFacts, origin: RunOrigin, causes: Sequence[str] | None, kinds: Mapping[int, EntryType]
) -> dict[str, Any]:
    """Return the row of a run, with the columns of `schema.COLUMNS`."""
    counts = counts_of(run)
    return {
        "domain": run.name,
        "run_id": run.run_id,
        "batch_id": origin.batch_id,
        "finished_at": run.finished_at,
        "duration_ms": origin.duration_ms,
        "score": run.score,
        "grade": run.grade,
        "worst_level": run.worst_level,
        "profile": run.profile_name,
        "engine_version": run.engine_version,
        "causes": None if causes is None else list(causes),
        "nameserver_count": _small(counts.nameservers),
        "ipv4_ns_count": _small(counts.with_ipv4),
        "ipv6_ns_count": _small(counts.with_ipv6),
        "prefix_count": _small(counts.prefixes),
        "findings": [
            {"module": kind.module, "testcase": kind.testcase, "tag": kind.tag, "level": kind.level, "count": number}
            for kind, number in sorted((kinds[kind_id], number) for kind_id, number in run.kinds.items())
        ],
        "endpoints": [
            {
                "nameserver": each.nameserver,
                "address": each.address,
                "avg_ms": each.avg_ms,
                "min_ms": each.min_ms,
                "max_ms": each.max_ms,
                "responses": each.query_count,
                "unreachable": each.unreachable,
                "source": each.source,
            }
            for each in run.endpoints
        ],
        "origins": [
            {"address": each.address, "asns": list(each.asns), "prefix": each.prefix, "status": each.status}
            for each in run.origins
        ],
        "asns": [{"asn": asn, "family": family} for asn, family in sorted(run.asns)],
        "categories": [{"category": name, "key": key, "value": value} for name, key, value in run.categories],
    }


def stored_row(
    run: RunFacts,
    origin: RunOrigin,
    causes: Sequence[str] | None,
    kinds: Mapping[int, EntryType],
    *,
    projected_at: datetime,
) -> dict[str, Any]:
    """Return the row of a run in a file of a snapshot, with the columns of `schema.COLUMNS` and `schema.STORED`."""
    counts = counts_of(run)
    return facts_row(run, origin, causes, kinds) | {
        "domain_id": run.domain_id,
        "run_key": run.run_key,
        "profile_id": run.profile_id,
        "effective_profile_id": run.effective_profile_id,
        "cause_set_id": run.cause_set_id,
        "endpoint_count": _small(counts.endpoints),
        "asn_count": _small(counts.asns),
        "projected_at": projected_at,
    }


def _small(number: int) -> int:
    return min(number, _MAX_SMALL)
