"""A cohort with snapshots, and clients that query them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.support.analysis.storage_fixtures import Files, files, sides, storage
from tests.support.analysis_world import Chance, Derived, make_cohort, make_snapshot

__all__ = ["files", "sides", "storage"]

ROOT = "/pub/api/v1/analysis"
Get = Callable[..., Any]


@pytest.fixture
def get(client: FlaskClient) -> Get:
    """Return documents: `get("/cohorts/se/trends", category="grade")` is the body of a response with status 200."""

    def ask(path: str, *, status: int = 200, **query: Any) -> Any:
        response = client.get(f"{ROOT}{path}", query_string=query)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json() if status == 200 else response.get_json()["error"]

    return ask


@pytest.fixture
def course(store: Store, sides: tuple[Files, Files]) -> list[Derived]:
    """Three snapshots of the cohort `se`, oldest first; the last one has the second storage."""
    chance = Chance(3)
    facts = [chance.snapshot()]
    for _ in range(2):
        facts.append(chance.later(facts[-1]))
    cohort = make_cohort(store, is_default=True)
    for one, side in zip(facts, (sides[0], sides[0], sides[1]), strict=True):
        make_snapshot(store, cohort, one, files=side)
    return [Derived(one) for one in facts]
