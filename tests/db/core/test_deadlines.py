"""A read-only session with a time limit ends in time, on both databases, and its connection remains usable."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gonemaster_db.analysis.views.view_cache import cached_value
from gonemaster_db.core.connection.deadlines import check_deadline
from gonemaster_db.core.errors import StoreError, TimeLimitExceeded
from gonemaster_db.core.session import Store
from gonemaster_db.models import Setting
from tests.support.rows import NOON

LONG = timedelta(minutes=5)
SHORT = timedelta(milliseconds=50)
COUNT = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n {}) SELECT count(*) FROM n"
ENDLESS, SOME = text(COUNT.format("")), text(COUNT.format("WHERE i < 200000"))


def within(store: Store, limit: timedelta, work: Callable[[Session], None]) -> None:
    with store.read_only_within(limit) as session:
        work(session)


def names(store: Store, limit: timedelta = LONG) -> list[str]:
    with store.read_only_within(limit) as session:
        return list(session.scalars(select(Setting.key)))


def test_a_slow_statement_is_cancelled(store: Store) -> None:
    with pytest.raises(TimeLimitExceeded):
        within(store, SHORT, lambda session: session.execute(ENDLESS).close())
    assert names(store) == []


def test_later_statements_have_the_remaining_time(store: Store) -> None:
    def work(session: Session) -> None:
        while True:
            session.execute(SOME).close()

    with pytest.raises(TimeLimitExceeded):
        within(store, timedelta(seconds=1), work)


def test_computation_between_statements_is_interrupted(store: Store) -> None:
    def work(session: Session) -> None:
        while True:
            check_deadline(session)

    with pytest.raises(TimeLimitExceeded):
        within(store, SHORT, work)
    with store.read_only() as session:
        check_deadline(session)  # without a limit


def test_session_reads_one_snapshot(store: Store) -> None:
    with store.read_only_within(LONG) as session:
        assert session.scalars(select(Setting.key)).all() == []
        with store.transaction() as other:
            other.add(Setting(key="a", value=1, updated_at=NOON))
        assert session.scalars(select(Setting.key)).all() == []
    assert names(store) == ["a"]


def test_session_refuses_to_write(store: Store) -> None:
    def work(session: Session) -> None:
        session.add(Setting(key="a", value=1, updated_at=NOON))
        session.flush()

    with pytest.raises(StoreError, match="read-only"):
        within(store, LONG, work)


def test_limit_does_not_outlive_its_session(store: Store) -> None:
    with pytest.raises(TimeLimitExceeded):
        within(store, SHORT, lambda session: session.execute(ENDLESS).close())
    with store.read_only() as session:  # on the same connection
        assert session.scalar(text(COUNT.format("WHERE i < 1000000"))) == 1000000


def test_values_of_views_are_computed_once(store: Store) -> None:
    numbers = iter(range(2))
    for _ in range(2):
        with store.read_only() as session:
            assert cached_value(session, ("view", 1), lambda: next(numbers)) == 0
