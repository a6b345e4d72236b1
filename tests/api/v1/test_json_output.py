"""JSON of responses: a client parses exactly the value that a view returned."""

import json
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from hypothesis import example, given
from hypothesis import strategies as st

from gonemaster_api.rest.json_output import JsonProvider
from gonemaster_db.core.states import JobStatus
from gonemaster_engine.texts import Text

PROVIDER = JsonProvider(Flask("json"))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


@given(VALUES)
@example({"b": 1, "a": 2**200, "text": "\ud800\u2028\0 å"})
def test_a_document_survives(value: Any) -> None:
    assert json.loads(PROVIDER.dumps(value)) == value


def test_members_keep_their_order_and_values_their_meaning() -> None:
    found = PROVIDER.dumps({"b": JobStatus.QUEUED, "a": (1, 2), "at": datetime(2026, 1, 2, tzinfo=UTC), 3: None})
    assert found == '{"b":"queued","a":[1,2],"at":"2026-01-02T00:00:00Z","3":null}'


def test_a_text_is_written_as_a_string() -> None:
    assert PROVIDER.dumps({"message": Text("no job {id}", id=3)}) == '{"message":"no job 3"}'


def test_options_of_the_standard_library_hold() -> None:
    assert PROVIDER.dumps({"b": 1, "a": 2}, indent=1, sort_keys=True) == '{\n "a": 2,\n "b": 1\n}'
