"""The page for the second day: one link from the README, and each of its answers exists."""

from __future__ import annotations

import re
import shlex

import pytest
from flask.testing import FlaskClient

from gonemaster_api.server.parser import build_parser
from gonemaster_db.core.session import Store
from tests.support.rows import make_run
from tests.support.sources import ROOT

PAGE = (ROOT / "docs/howto/second-day.md").read_text(encoding="utf-8")
ANSWERS = dict(re.findall(r"^\| (.+\?) \| (.+) \|$", PAGE, re.MULTILINE))
PATHS = sorted(set(re.findall(r"`(?:GET )?(/[^` ]*)`", PAGE)))
COMMANDS = sorted(set(re.findall(r"`gonemaster-server ([^`]*)`|^gonemaster-server (.*)$", PAGE, re.MULTILINE)))
QUESTIONS = (
    "did a job fail", "worker ran", "machine added", "machine drained", "token rotated", "retention changed",
    "database, and how fast", "take long", "kept out", "sweep stuck", "upgrade undone",
)  # fmt: skip


def test_the_readme_links_to_the_answers_of_the_issue() -> None:
    assert "(docs/howto/second-day.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert [part for part in QUESTIONS if not any(part in question for question in ANSWERS)] == []


@pytest.mark.parametrize("question", ANSWERS)
def test_each_answer_names_a_page_a_request_or_a_command(question: str) -> None:
    assert re.search(r"`|\]\(", ANSWERS[question])


@pytest.mark.parametrize("path", PATHS)
def test_each_page_and_request_answers(path: str, client: FlaskClient, store: Store) -> None:
    run = make_run(store)
    answer = client.get(path.replace("ID", run.id))
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]


@pytest.mark.parametrize("command", sorted(filter(None, {part for found in COMMANDS for part in found})))
def test_each_command_exists_with_its_options(command: str) -> None:
    build_parser().parse_args(shlex.split(command))
