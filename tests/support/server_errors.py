"""Fails every test in which an application or a service answers 500 or logs a traceback.

A test that causes one on purpose carries `@pytest.mark.expects_500`; a service that must log one is created with
`Service(..., may_fail=True)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask, Response, request_finished
from flask import request as current

# Lines of a service's access log for a 500, and of its loggers for an unexpected exception.
_FAILURE = re.compile(r"""^.*\bstatus["']?[=:]\s?500\b.*$|^.*Traceback \(most recent call last\).*$""", re.MULTILINE)
_MOST_SHOWN = 5
_LINE = 600


def server_errors(log: str) -> list[str]:
    """Return the lines of a service's log that report a 500 or begin a traceback, shortened; at most five."""
    return [found[0][:_LINE] for found in list(_FAILURE.finditer(log))[:_MOST_SHOWN]]


@pytest.fixture(autouse=True)
def _no_server_error(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which an application of this process answers 500."""
    failed: list[str] = []

    def note(_: Flask, response: Response, **__: Any) -> None:
        if response.status_code == 500:
            failed.append(f"{current.method} {current.full_path}")

    with request_finished.connected_to(note):
        yield
    expected = request.node.get_closest_marker("expects_500") is not None
    assert bool(failed) == expected, failed or "the test expects a 500, and there was none"
