"""Answers to requests with an Idempotency-Key, so that a repeated request does nothing twice."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.errors import IdempotencyConflict, StoreConflict
from gonemaster_db.models import IdempotencyKey
from gonemaster_db.upsert import insert

KEPT_FOR = timedelta(hours=24)


def find_answer(session: Session, key: str, *, request_hash: str, now: datetime) -> IdempotencyKey | None:
    """Read the first answer to this request, if it came within 24 hours.

    Raises:
        IdempotencyConflict: the key came with another request.
    """
    query = select(IdempotencyKey).where(IdempotencyKey.key == key, IdempotencyKey.created_at > now - KEPT_FOR)
    found = session.scalar(query, execution_options={"populate_existing": True})
    if found is not None and found.request_hash != request_hash:
        raise IdempotencyConflict(f"the key {key} was used with another request")
    return found


def keep_answer(
    session: Session, key: str, *, request_hash: str, status_code: int, response: Any, now: datetime
) -> None:
    """Store the answer in the transaction of what it tells of.

    Raises:
        StoreConflict: the same key came at the same time and was first; repeated, find_answer sees its answer.
    """
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.key == key, _is_old(now)))
    row = {
        "key": key,
        "request_hash": request_hash,
        "status_code": status_code,
        "response": response,
        "created_at": now,
    }
    statement = insert(session, IdempotencyKey).values(row).on_conflict_do_nothing().returning(IdempotencyKey.key)
    if session.execute(statement).first() is None:
        raise StoreConflict(f"idempotency key {key} is in use")


def purge_answers(session: Session, *, now: datetime) -> int:
    """Remove answers older than 24 hours; returns their number."""
    deleted = delete(IdempotencyKey).where(_is_old(now)).returning(IdempotencyKey.key)
    return len(session.scalars(deleted, execution_options={"synchronize_session": False}).all())


def _is_old(now: datetime) -> Any:
    return IdempotencyKey.created_at <= now - KEPT_FOR
