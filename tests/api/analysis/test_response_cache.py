"""Responses about snapshots are cached until their sources change."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event, update

from gonemaster_api.response_cache import ResponseCache
from gonemaster_db.core.clock import utcnow
from gonemaster_db.core.session import Store
from gonemaster_db.models import CohortSnapshot
from tests.api.analysis.conftest import ROOT
from tests.api.conftest import MakeApp
from tests.support.analysis_world import Derived


@pytest.fixture
def statements(store: Store) -> list[str]:
    """Record the statements that are executed from now on."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found.append(statement)

    for engine in {store._read_only_engine, store._transaction_engine}:
        event.listen(engine, "before_cursor_execute", note)
    return found


@pytest.mark.usefixtures("course")
@pytest.mark.parametrize("path", ["/domains?sort=score_desc", "/overview", "/trends", "/snapshots"])
def test_the_second_request_reads_no_view(client: FlaskClient, statements: list[str], path: str) -> None:
    first = client.get(f"{ROOT}{path}")
    read = len(statements)
    statements.clear()
    second = client.get(f"{ROOT}{path}")
    assert (second.status_code, second.data) == (200, first.data)
    assert second.headers["Content-Type"] == first.headers["Content-Type"]
    assert [second.headers[name] for name in ("ETag", "Cache-Control")] == [
        first.headers[name] for name in ("ETag", "Cache-Control")
    ]
    assert len(statements) < read or path == "/snapshots"  # the request reads this list in any case, for its version
    assert not any("snapshot_domains" in one for one in statements)


@pytest.mark.usefixtures("course")
def test_what_has_changed_is_read_again(client: FlaskClient, store: Store, make_app: MakeApp) -> None:
    before = client.get(f"{ROOT}/overview")
    assert make_app(show_score_public="false").test_client().get(f"{ROOT}/overview").data != before.data
    with store.transaction() as session:
        session.execute(update(CohortSnapshot).values(label="renamed", updated_at=utcnow()))
    after = client.get(f"{ROOT}/overview")
    assert after.get_json()["snapshot"]["label"] == "renamed"
    assert after.headers["ETag"] != before.headers["ETag"]


def test_errors_are_not_kept(client: FlaskClient, course: list[Derived]) -> None:
    assert course
    for _ in range(2):
        assert client.get(f"{ROOT}/nameservers/unknown.example").status_code == 404
        assert client.get(f"{ROOT}/domains?sort=x").status_code == 400


def test_memory_is_bounded() -> None:
    kept = ResponseCache(max_octets=10_000)
    for number in range(20):
        kept.keep(("v", f"/{number}", b""), b"x" * 1000)
        assert kept.octets <= 10_000
        assert kept.find(("v", "/0", b"")) is not None, "it is used all the time"
    assert kept.find(("v", "/19", b"")) == b"x" * 1000
    assert kept.find(("v", "/1", b"")) is None
    kept.keep(("v", "/19", b""), b"y")
    assert kept.find(("v", "/19", b"")) == b"y"
    kept.keep(("v", "/large", b""), b"x" * 10_000)
    assert kept.find(("v", "/large", b"")) is None
