"""The browser leaves the thread of the tests unchanged."""

import asyncio
import os

import pytest
from playwright.sync_api import Page


@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="there are groups in pytest-xdist only")
def test_those_in_the_browser_are_one_group(page: Page, request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@browser")


def test_a_page(page: Page) -> None:
    page.set_content("<title>here</title>")
    assert page.title() == "here"


def test_an_event_loop_can_be_run_after_a_test_in_the_browser() -> None:
    asyncio.run(asyncio.sleep(0))


def test_another_page(page: Page) -> None:
    page.set_content("<title>there</title>")
    assert page.title() == "there"
