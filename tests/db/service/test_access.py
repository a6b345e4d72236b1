"""Tokens and sessions in the database."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.errors import TokenExists
from gonemaster_db.core.session import Store, open_store
from gonemaster_db.service.access import (
    SESSIONS_OF_TOKEN,
    add_token,
    clear_tokens,
    close_session,
    find_session,
    has_tokens,
    last_uses,
    list_tokens,
    open_session,
    record_uses,
    revoke_token,
)
from tests.support.stores import MakeSettings

HOUR = timedelta(hours=1)


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


def add(store: Store, number: int, label: str) -> None:
    with store.transaction() as session:
        add_token(session, digest(number), label=label, scopes=["read"], now=utcnow())


def revoke(store: Store, number: int) -> bool:
    with store.transaction() as session:
        return revoke_token(session, digest(number), label="x", scopes=[], now=utcnow())


def labels(store: Store) -> list[tuple[str, bool]]:
    with store.read_only() as session:
        return [(token.label, token.revoked_at is None) for token in list_tokens(session)]


def test_a_label_can_be_reused_after_its_token_is_revoked(store: Store) -> None:
    assert not has_tokens(store)
    add(store, 1, "ci")
    with pytest.raises(TokenExists):
        add(store, 2, "ci")
    assert revoke(store, 1)
    assert not revoke(store, 1), "it was before"
    add(store, 2, "ci")
    assert labels(store) == [("ci", False), ("ci", True)]
    with pytest.raises(TokenExists):
        add(store, 1, "again")  # a revoked token stays revoked


def test_a_token_of_the_configuration_can_be_revoked(store: Store) -> None:
    assert revoke(store, 7)
    assert labels(store) == [("x", False)]
    assert has_tokens(store), "revoked ones count: the door must not open"
    with store.transaction() as session:
        assert clear_tokens(session) == 1
    assert not has_tokens(store)


def test_concurrent_operators_lose_no_changes(store: Store) -> None:
    for number in range(10):
        add(store, number, f"old{number}")

    def work(number: int) -> bool:
        try:
            add(store, 100 + number, f"new{number // 2}")  # two threads request each label
        except TokenExists:
            return False
        finally:
            revoke(store, number % 10)
        return True

    with ThreadPoolExecutor(8) as threads:
        added = list(threads.map(work, range(20)))
    assert sum(added) == 10
    assert sorted(label for label, valid in labels(store) if valid) == sorted(f"new{number}" for number in range(10))
    assert sum(not valid for _, valid in labels(store)) == 10


def test_sessions_end_by_time_logout_and_revocation(store: Store) -> None:
    now = utcnow()

    def enter(number: int, token: int, life: timedelta = HOUR) -> None:
        with store.transaction() as session:
            open_session(session, digest(number), token_digest=digest(token), now=now, expires_at=now + life)

    def alive(*numbers: int) -> list[int]:
        with store.read_only() as session:
            return [number for number in numbers if find_session(session, digest(number), now=now)]

    add(store, 1, "a")
    add(store, 2, "b")
    enter(10, 1)
    enter(11, 1)
    enter(12, 2)
    enter(13, 2, timedelta(0))
    assert alive(10, 11, 12, 13) == [10, 11, 12]
    with store.transaction() as session:
        close_session(session, digest(10))
        close_session(session, digest(10))
    revoke(store, 2)
    assert alive(10, 11, 12) == [11]


def test_a_token_keeps_its_newest_sessions(store: Store) -> None:
    now = utcnow()
    with store.transaction() as session:
        for number in range(SESSIONS_OF_TOKEN + 5):
            at = now + timedelta(seconds=number)
            open_session(session, digest(number), token_digest=digest(0), now=at, expires_at=at + HOUR)
        session.flush()
    with store.read_only() as session:
        kept = [n for n in range(SESSIONS_OF_TOKEN + 5) if find_session(session, digest(n), now=now)]
    assert kept == list(range(5, SESSIONS_OF_TOKEN + 5))


def test_a_database_without_the_table_has_no_tokens(make_store_settings: MakeSettings) -> None:
    for driver in ("sqlite", "postgres"):
        store = open_store(make_store_settings(driver, empty=True))
        assert not has_tokens(store)
        store.close()


def test_a_use_is_written_at_most_once_a_minute(store: Store) -> None:
    """The database decides, so that many processes write no more often than one."""
    now = utcnow()

    def use(*numbers: int, after_s: int) -> dict[str, int]:
        with store.transaction() as session:
            record_uses(session, map(digest, numbers), now=now + timedelta(seconds=after_s))
        with store.read_only() as session:
            return {key: round((at - now).total_seconds()) for key, at in last_uses(session).items()}

    assert use(1, after_s=0) == {digest(1): 0}
    assert use(1, 2, after_s=59) == {digest(1): 0, digest(2): 59}
    assert use(1, 2, after_s=60) == {digest(1): 60, digest(2): 59}
    with store.transaction() as session:
        clear_tokens(session)
        assert last_uses(session) == {}
