"""Commands in documents: their options exist, and a page whose commands are run names its test correctly."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gonemaster_api.server.parser import build_parser
from tests.support.documented_commands import NOT_RUN, RUN_BY, Command, commands
from tests.support.sources import ROOT

COMMANDS = commands()
OURS = re.compile(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/|/opt/gonemaster/bin/)?gonemaster-server(?= |$)(?P<words>[^|]*)")


def ours() -> list[Command]:
    return [command for command in COMMANDS if OURS.match(command.text)]


def test_most_commands_are_run() -> None:
    """Raise the number when it grows; `python -m tests.support.documented_commands` prints it."""
    assert len(ours()) > 30
    assert sum(bool(command.test) for command in COMMANDS) >= 78


@pytest.mark.parametrize("page", RUN_BY)
def test_the_test_of_a_page_reads_the_page(page: str) -> None:
    assert Path(page).stem in (ROOT / RUN_BY[page]).read_text(encoding="utf-8")


def test_commands_that_are_not_run_exist() -> None:
    assert [start for start in NOT_RUN if not any(command.text.startswith(start) for command in COMMANDS)] == []


@pytest.mark.parametrize("command", ours(), ids=lambda command: command.text[:60])
def test_options_of_our_commands_exist(command: Command) -> None:
    found = OURS.match(command.text)
    assert found
    words = shlex.split(found["words"].replace("2>&1", ""), comments=True)
    try:
        build_parser().parse_args([word for word in words if word != "[NAME]"])
    except SystemExit as end:  # after --version and --help
        assert end.code == 0  # noqa: PT017
