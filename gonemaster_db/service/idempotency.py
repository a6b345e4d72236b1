"""Stored responses to requests with an Idempotency-Key, so that a repeated request has no second effect."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gonemaster_db.core.errors import IdempotencyConflict, StoreConflict
from gonemaster_db.core.upsert import insert
from gonemaster_db.models import IdempotencyKey

KEPT_FOR = timedelta(hours=24)


def find_response(session: Session, key: str, *, request_hash: str, now: datetime) -> IdempotencyKey | None:
    """Return the stored response to this request, if it is not older than 24 hours.

    Raises: IdempotencyConflict: The key was used with a different request.
    """
    query = select(IdempotencyKey).where(IdempotencyKey.key == key, IdempotencyKey.created_at > now - KEPT_FOR)
    found = session.scalar(query, execution_options={"populate_existing": True})
    if found is not None and found.request_hash != request_hash:
        raise IdempotencyConflict(f"the key {key} was used with a different request")
    return found


def store_response(
    session: Session, key: str, *, request_hash: str, status_code: int, response: Any, now: datetime
) -> None:
    """Store the response in the transaction of the change that it reports.

    Raises: StoreConflict: A concurrent request with the same key was first; on a retry find_response returns its
    response.
    """
    # An expired key that has not been purged yet must not block a new use of the key.
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.key == key, _is_expired(now)))
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


def forget_response(session: Session, key: str, *, created_at: datetime) -> None:
    """Remove a stored response, unless a newer one has replaced it."""
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.key == key, IdempotencyKey.created_at == created_at),
        execution_options={"synchronize_session": False},
    )


def forget_key(session: Session, key: str) -> None:
    """Remove the stored response of a key."""
    session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.key == key), execution_options={"synchronize_session": False}
    )


def purge_expired_responses(session: Session, *, now: datetime) -> int:
    """Remove responses older than 24 hours; return their number."""
    deleted = delete(IdempotencyKey).where(_is_expired(now)).returning(IdempotencyKey.key)
    return len(session.scalars(deleted, execution_options={"synchronize_session": False}).all())


def _is_expired(now: datetime) -> Any:
    return IdempotencyKey.created_at <= now - KEPT_FOR
