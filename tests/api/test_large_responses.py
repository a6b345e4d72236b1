"""Large responses are recognised before they are built, get few threads, and are written in parts."""

import json
import threading
from typing import Any

import pytest
from flask import Flask
from gonemaster_api.server.request_threads import RequestThreads
from gonemaster_api.web.large_responses import is_large
from gonemaster_api.web.light_requests import HEAVY_AT_ONCE
from hypothesis import example, given
from hypothesis import strategies as st

from gonemaster_api.rest.json_output import JsonProvider, _parts
from tests.api.conftest import MakeApp

LARGE = [
    ("GET", "/api/v1/entries", ""),
    ("HEAD", "/api/v1/entries", "limit=1"),
    ("GET", "/api/v1/%65ntries", ""),
    ("GET", "/api/v1/entries/", ""),
    ("GET", "/api/v1/entries", "format=json&format=csv"),
    ("GET", "/api/v1/jobs", "limit=500"),
    ("GET", "/api/v1/jobs", "limit=1&limit=500"),
    ("GET", "/api/v1/jobs", "li%6Dit=500"),
    ("GET", "/api/v1/runs", "page_size=101"),
    ("GET", "/api/v1/runs", "page_size=" + "9" * 5000),
    ("GET", "/api/v1/jobs/01a/result", ""),
    ("GET", "/api/v1/runs/01a/result", "locale=de"),
    ("GET", "/api/v1/runs/01a/diff/01b", ""),
    ("GET", "/api/v1/runs/01a/dnssec-chain", ""),
    ("GET", "/api/v1/batches/01a", ""),
    ("GET", "/api/v1/batches/01a/diff/01b", ""),
    ("GET", "/api/v1/batches/01a/tag-values", ""),
]
OTHERS = [
    ("GET", "/api/v1/queue", ""),
    ("GET", "/api/v1/jobs", "limit=100"),
    ("GET", "/api/v1/jobs", "limit=many"),
    ("GET", "/api/v1/jobs", "unlimited=500"),
    ("GET", "/api/v1/entries", "format=csv"),  # a stream
    ("GET", "/api/v1/entries", "format=csv&format=json&limit=500"),
    ("DELETE", "/api/v1/entries", ""),
    ("PATCH", "/api/v1/batches/01a", ""),
    ("GET", "/nowhere/%ff/%00", ""),
    ("NONE", "*", ""),
]


@pytest.mark.parametrize(("expected", "requests"), [(True, LARGE), (False, OTHERS)])
def test_large_responses_are_known_by_their_requests(
    make_app: MakeApp, expected: bool, requests: list[tuple[str, str, str]]
) -> None:
    app = make_app()
    for method, path, query in requests:
        assert is_large(app, method=method, path=path, query=query) is expected, (method, path, query)


def test_threads_for_large_responses_are_few_and_no_others_wait_for_them() -> None:
    threads = RequestThreads(4)
    go_on, lock = threading.Event(), threading.Lock()
    at_once = most = 0

    def large() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        go_on.wait(60)
        with lock:
            at_once -= 1

    held = [threads.submit(large, large=True) for _ in range(40)]
    threads.submit(lambda: None, large=False).result(60)
    assert not any(future.done() for future in held)
    go_on.set()
    for future in held:
        future.result(60)
    assert most == HEAVY_AT_ONCE
    threads.stop()


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=40) | st.dictionaries(st.text() | st.integers(), inner) | st.tuples(inner, inner)
    ),
)


@given(documents, st.sampled_from([None, (",", ":")]))
@example({"items": [{"a": [1, 2]}] * 25, 7: {"b": [0] * 11}, "empty": {}, "none": []}, (",", ":"))
def test_document_in_parts_is_the_same(document: Any, separators: tuple[str, str] | None) -> None:
    options: dict[str, Any] = {} if separators is None else {"separators": separators}
    assert JsonProvider(Flask(__name__)).dumps(document, **options) == json.dumps(document, **options)


def test_no_part_has_many_items() -> None:
    encoder = json.JSONEncoder()
    page = {"total": 1000, "raw": {"entries": [{"args": {"text": "x"}}] * 1000}}
    assert max(map(len, _parts(encoder, page, 4))) < 500
