"""Covering indexes of runs for lists: each has a complete sort order and the columns that lists filter by.

A page is found by an index-only scan. Rows that do not match are skipped within the index, which is much cheaper than
looking them up in the table, so a filter that does not fit the sort order stays cheap.
"""

from typing import Any

from sqlalchemy import ColumnElement, Index

from gonemaster_db.core.states import RunStatus
from gonemaster_db.runs.models.runs import Run

_NEWEST = Run.finished_at.desc()
_ID = Run.id.expression
_FILTERS = (Run.status, Run.worst_level, Run.grade, Run.batch_key, Run.domain_id, Run.outcome_id)
_OF_BATCHES = (Run.created_at, Run.status, Run.worst_level, Run.grade, Run.domain_id, Run.outcome_id)


def _by(name: str, *order: Any, **options: Any) -> None:
    Index(f"ix_runs_by_{name}", *order, *_FILTERS, **options)


def _down(column: Any) -> ColumnElement[Any]:
    found: ColumnElement[Any] = column.desc().nulls_last()
    return found


# The other times are included because a range of one time sorted by another skips half of the runs.
_by("created", Run.created_at.desc(), _ID, Run.finished_at)
_by("domain", Run.domain, _NEWEST, _ID)
_by("error", Run.sev_severe.desc(), Run.sev_critical.desc(), _NEWEST, _ID)
# Lists in the other direction read these indexes backwards or in parts (runs/sort_keys.py), and sort runs with the same
# value again. Each index starts with the end that has many of those: most runs have a high score, many have no entries.
_by("rank_up", Run.worst_rank, _NEWEST, _ID)
_by("score_down", _down(Run.score), _NEWEST, _ID)
_by("duration_down", _down(Run.duration_ms), _NEWEST, _ID)
_by("entries_up", Run.entry_count, _NEWEST, _ID)
# Few runs have critical findings, and few did not succeed.
_IS_CRITICAL = Run.sev_critical > 0
_by(
    "critical_count",
    Run.sev_critical.desc(),
    Run.sev_severe.desc(),
    _NEWEST,
    _ID,
    postgresql_where=_IS_CRITICAL,
    sqlite_where=_IS_CRITICAL,
)
_NOT_SUCCEEDED = Run.status != RunStatus.SUCCEEDED
Index(
    "ix_runs_unsuccessful",
    Run.status,
    Run.finished_at,
    postgresql_where=_NOT_SUCCEEDED,
    sqlite_where=_NOT_SUCCEEDED,
)
# These have the reversed order of their lists, which read them backwards. New runs are then at the end of the index or
# of their batch. PostgreSQL fills pages that grow at their end, and leaves others half empty. The runs of other groups,
# such as scores, do not follow each other, so for them the order makes no difference.
_by("begun_reversed", Run.begun_at, Run.created_at, _ID.desc(), Run.finished_at)
_by("finished_reversed", Run.finished_at, _ID.desc(), Run.created_at)
_OF_BATCH = (Run.finished_at, _ID.desc(), *_OF_BATCHES)
Index("ix_runs_by_batch_up_reversed", _down(Run.batch_key), *_OF_BATCH, Run.domain)
Index("ix_runs_by_batch_down_reversed", Run.batch_key.asc().nulls_first(), *_OF_BATCH)
# Few runs have more than one attempt.
_IS_REPEATED = Run.attempt > 1
Index(
    "ix_runs_repeated",
    Run.attempt,
    _NEWEST,
    postgresql_where=_IS_REPEATED,
    sqlite_where=_IS_REPEATED,
)
# Few runs have a verdict; the counts of a batch are an index-only scan.
_HAS_VERDICT = Run.verdict.is_not(None)
Index(
    "ix_runs_by_verdict",
    Run.verdict,
    _NEWEST,
    _ID,
    *(Run.policy, Run.batch_key),
    postgresql_where=_HAS_VERDICT,
    sqlite_where=_HAS_VERDICT,
)
Index(
    "ix_runs_verdicts_of_batch",
    Run.batch_key,
    Run.verdict,
    postgresql_where=_HAS_VERDICT,
    sqlite_where=_HAS_VERDICT,
)
# Lists of entries are in order of run ID: all entries, those of one outcome, those of a batch.
Index("ix_runs_by_id", _ID, Run.outcome_id, Run.key, Run.domain_id, Run.batch_key)
Index("ix_runs_of_outcome", Run.outcome_id, _ID)
Index("ix_runs_of_batch_by_id", Run.batch_key, _ID, Run.outcome_id)
# The first start of a batch; the other values of its summary are counters.
Index("ix_runs_of_batch", Run.batch_key, Run.started_at)
# A comparison of two batches is a merge join along this index.
_IN_BATCH = Run.batch_key.is_not(None)
Index(
    "ix_runs_in_batch_by_domain",
    Run.batch_key,
    Run.domain,
    Run.findings_hash,
    Run.status,
    postgresql_where=_IN_BATCH,
    sqlite_where=_IN_BATCH,
)
