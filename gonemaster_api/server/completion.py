"""The command `gonemaster-server completion`: scripts for shells, created by shtab from the parsers."""

import argparse
from collections.abc import Callable, Mapping

import shtab

from gonemaster_api.server import parser
from gonemaster_engine.cli import nagios, options

_PARSERS: Mapping[str, Callable[[], argparse.ArgumentParser]] = {
    "gonemaster": options.build_parser,
    "gonemaster-nagios": nagios.build_parser,
    parser.PROGRAM: lambda: parser.build_parser(shows_settings=True),
}


def completion_script(shell: str, *, program: str) -> str:
    """Return the script that completes commands, options and file names of a program in a shell."""
    found = _PARSERS[program]()
    _complete_files(found)
    return str(shtab.complete(found, shell=shell))


def _complete_files(found: argparse.ArgumentParser) -> None:
    for action in found._actions:  # noqa: SLF001 - argparse has no other list
        if isinstance(action.choices, dict):
            for each in {id(each): each for each in action.choices.values()}.values():
                _complete_files(each)
        elif action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # read by shtab
