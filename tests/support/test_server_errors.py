"""The check that fails tests with server errors."""

import pytest
from flask import Flask, Response

from tests.support.server_errors import server_errors


def test_lines_of_a_log_that_report_a_server_error() -> None:
    failed = "event='http_request' status=500 path='/'", '{"event": "http_request", "status": 500}'
    log = "\n".join((*failed, "status=200 bytes=500", "x Traceback (most recent call last):", "  File 500"))
    assert server_errors(log) == [*failed, "x Traceback (most recent call last):"]


@pytest.mark.expects_500
def test_an_expected_server_error_passes() -> None:
    app = Flask("failing")
    app.add_url_rule("/", view_func=lambda: Response(status=500))
    assert app.test_client().get("/").status_code == 500
