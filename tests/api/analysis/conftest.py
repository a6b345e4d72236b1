"""A cohort with snapshots, and clients that query them."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from gonemaster_db.core.session import Store
from tests.support.analysis_world import Chance, Derived, make_cohort, make_snapshot

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
def course(store: Store) -> list[Derived]:
    """Three snapshots of the cohort `se`, oldest first."""
    chance = Chance(3)
    facts = [chance.snapshot()]
    for _ in range(2):
        facts.append(chance.later(facts[-1]))
    cohort = make_cohort(store, is_default=True)
    for one in facts:
        make_snapshot(store, cohort, one)
    return [Derived(one) for one in facts]
