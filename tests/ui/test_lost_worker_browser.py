"""A worker is killed while its job is open in a browser: the page keeps updating and finally shows the result."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.browser import check_screen
from tests.support.dnsworld import World
from tests.support.service import Service, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def own_service(demo_world: World, demo_hints: Path) -> Iterator[Service]:
    """Start a service with one worker process in the demo world."""
    environ = {
        "GONEMASTER_ROOT_HINTS": str(demo_hints),
        "GONEMASTER_DNS_PORT": str(demo_world.port),
        "GONEMASTER_ALLOW_NON_GLOBAL": "true",
    }
    with Service(environ=environ, worker_processes=1, lease_seconds=5, reap_interval_seconds=2) as service:
        yield service.wait_until_ready()


def test_a_job_survives_its_worker_while_its_page_is_open(page: Page, own_service: Service) -> None:
    job = own_service.submit("silent.xa")  # These servers do not respond, so there is time to kill the worker.
    page.goto(f"{own_service.url}/jobs/{job}")
    wait_for(lambda: own_service.get(f"/jobs/{job}")["status"] == "running", what="the job runs")
    os.kill(own_service.pids("worker-1")[-1], signal.SIGKILL)
    page.get_by_role("heading", name="Findings").wait_for(timeout=200_000)  # The page refreshes on its own.
    check_screen(page)
    run = own_service.get(f"/jobs/{job}")
    assert run["status"] == "succeeded"
    page.goto(f"{own_service.url}/")
    wait_for(lambda: page.reload() and page.get_by_text("worker-1").count() == 1, what="one worker, the new one")
    check_screen(page)
