"""Pages for browsers whose requests the server refuses without the application, such as under overload."""

from __future__ import annotations

import pytest

from gonemaster_api.errors import ApiError, Unavailable
from gonemaster_api.ui.shell.error_pages import refusal
from gonemaster_engine.texts import Text

BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"


def page(error: ApiError, path: str = "/", accept: str = BROWSER, language: str = "") -> str | None:
    response = refusal(error, {"PATH_INFO": path, "HTTP_ACCEPT": accept, "HTTP_ACCEPT_LANGUAGE": language})
    return response.get_data(as_text=True) if response.mimetype == "text/html" else None


OVERLOADED = Unavailable("overloaded", Text("the server is overloaded"))


@pytest.mark.parametrize(("path", "accept"), [("/api/v1/jobs", BROWSER), ("/pub/api/v1/jobs", BROWSER), ("/", "*/*")])
def test_programs_get_no_page(path: str, accept: str) -> None:
    assert page(OVERLOADED, path, accept) is None


def test_overload_has_a_page_in_the_language_of_the_browser() -> None:
    english, swedish = page(OVERLOADED), page(OVERLOADED, language="sv-SE,sv;q=0.9,en;q=0.5")
    assert english is not None
    assert swedish is not None
    assert "The service is temporarily unavailable" in english
    assert "Reload the page in a few seconds." in english
    assert '<html lang="sv">' in swedish
    assert "Reload" not in swedish
    assert "<script" not in english
    assert "style=" not in english


def test_rate_limit_has_a_page() -> None:
    found = page(ApiError(429, "too_many_requests", Text("too many requests")))
    assert found is not None
    assert "Too many requests" in found
    assert "<code>too_many_requests</code>" in found
