"""Requests with an Idempotency-Key: each is carried out once, and a repetition gets the first response."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import marshmallow as ma
from flask import g, request
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_api.web.body_limits import request_digest
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import StoreConflict
from gonemaster_db.service.idempotency import find_response, forget_key, store_response
from gonemaster_engine.texts import Text

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_MAX_LENGTH = 255

Keep = Callable[[Session, Mapping[str, Any]], None]
Answer = tuple[Any, int, dict[str, str]]


@dataclass(frozen=True)
class _Request:
    """The key of the current request, and a digest of its path and body."""

    key: str
    digest: str


def answer_once(
    state: State,
    schema: type[ma.Schema],
    status: int,
    submit: Callable[[Keep], Any],
    *,
    owner: str = "",
    is_final: Callable[[Any], bool] = lambda _: True,
) -> Answer:
    """Return the answer of `submit`, or the first answer to the same request with the same key.

    The keys belong to the `owner`, by default to the token of the request: other clients cannot use them or learn
    anything from them.

    A first answer for which `is_final` is False has no effect any longer: the request is carried out again.

    `submit` calls its argument with the session and the response document before it commits. Key and work are stored in
    one transaction, so that a crash cannot leave one without the other.

    Raises:
        BadRequest: invalid_idempotency_key.
        IdempotencyConflict: the key was used with a different request in the last 24 hours.
    """
    current = _read_request(owner)
    if current is None:
        return submit(_store_nothing), status, {}
    found = _first_answer(state, current)
    if found is not None and not is_final(found[0]):
        state.store.run_in_transaction(lambda session: forget_key(session, current.key))
        found = None
    if found is None:
        try:
            return submit(_keeper(current, schema, status)), status, {}
        except StoreConflict:  # a concurrent duplicate committed first: its unique key made this transaction fail
            found = _first_answer(state, current)
            if found is None:
                raise
    return found


def _read_request(owner: str) -> _Request | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not key.strip() or len(key) > _MAX_LENGTH or not key.isascii() or not key.isprintable():
        raise BadRequest(
            "invalid_idempotency_key",
            Text(
                "{header} must be 1 to {max_length} printable ASCII characters", header=HEADER, max_length=_MAX_LENGTH
            ),
        )
    identity = g.get("identity")
    owner = owner or (identity.token.digest if identity else "")
    if owner:
        key = f"of:{hashlib.sha256(f'{owner} {key}'.encode()).hexdigest()}"
    return _Request(key, request_digest(request))


def _first_answer(state: State, current: _Request) -> Answer | None:
    with state.store.read_only() as session:
        found = find_response(session, current.key, request_hash=current.digest, now=utcnow())
        return (found.response, found.status_code, {REPLAYED: "true"}) if found is not None else None


def _keeper(current: _Request, schema: type[ma.Schema], status: int) -> Keep:
    def keep(session: Session, document: Mapping[str, Any]) -> None:
        response = schema().dump(document)
        store_response(
            session, current.key, request_hash=current.digest, status_code=status, response=response, now=utcnow()
        )

    return keep


def _store_nothing(_session: Session, _document: Mapping[str, Any]) -> None:
    """Do nothing, because the request has no key."""
