"""Times in the reader's time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from gonemaster_api.ui.shell.texts.formats import clock, day, instant, instant_utc, minute

MOMENT = datetime(2026, 11, 26, 23, 30, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        ("", ("26 Nov 2026 23:30:05 UTC", "26 Nov 2026", "23:30:05", "23:30")),
        ("Europe/Stockholm", ("27 Nov 2026 00:30:05", "27 Nov 2026", "00:30:05", "00:30")),
        ("../../etc/passwd", ("26 Nov 2026 23:30:05 UTC", "26 Nov 2026", "23:30:05", "23:30")),
        ("Nowhere/Land", ("26 Nov 2026 23:30:05 UTC", "26 Nov 2026", "23:30:05", "23:30")),
    ],
)
def test_times_follow_the_cookie(cookie: str, expected: tuple[str, ...]) -> None:
    app = Flask(__name__)
    with app.test_request_context(headers={"Cookie": f"gm_zone={cookie}"}):
        assert (instant(MOMENT), day(MOMENT), clock(MOMENT), minute(MOMENT)) == expected
        assert instant_utc(MOMENT) == "26 Nov 2026 23:30:05 UTC"
