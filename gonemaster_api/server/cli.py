"""The `gonemaster-server` command: the whole service, or one part of it."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gonemaster_api.server import commands
from gonemaster_api.server.commands import DemoOptions, StartRefused
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.rendering import dump
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.demo_data.story import MOST_DOMAINS
from gonemaster_tasks.errors import SettingsError

_DEMO = ("domains", "snapshots", "seed", "beside_others")
EXIT_REFUSED = 2  # contract: bad flags, or the start is refused


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and give its exit status."""
    parser = build_parser()
    given = parser.parse_intermixed_args(arguments)
    try:
        settings = load_settings(_flags(given), file=given.config)
        if given.dump_config:
            return _print_settings(settings)
        command = tuple(given.command) or ("all",)
        return commands.run(command, settings, given.listen_descriptor, demo=_demo_options(given, command))
    except SettingsError as error:
        return _refuse(error.problems)
    except StartRefused as error:
        return _refuse((str(error),))


def _demo_options(given: argparse.Namespace, command: tuple[str, ...]) -> DemoOptions:
    """Return what demo-data was given, and refuse it for other commands. Raises StartRefused."""
    chosen = {name: value for name in _DEMO if (value := getattr(given, name)) is not None}
    if chosen and command != ("demo-data",):
        flags = ", ".join("--" + name.replace("_", "-") for name in chosen)
        raise StartRefused(f"{flags}: only demo-data takes this")
    return DemoOptions(**chosen)


def _print_settings(settings: Settings) -> int:
    try:
        print(json.dumps(dump(settings), indent=2), flush=True)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does; otherwise Python complains at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"gonemaster-server: {problem}", file=sys.stderr)
    return EXIT_REFUSED


def build_parser() -> argparse.ArgumentParser:
    """Make the parser: one flag for each setting, and the command anywhere among them."""
    parser = argparse.ArgumentParser(
        prog="gonemaster-server",
        usage="gonemaster-server [COMMAND] [--SETTING VALUE ...]",
        description="Tests the DNS health of domains: API, queue and workers.",
        epilog=commands.HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="what to run; default: all")
    parser.add_argument("--config", type=Path, metavar="FILE", help="JSON file with settings")
    parser.add_argument("--dump-config", action="store_true", help="print the settings with their sources and exit")
    parser.add_argument(
        "--version", action="version", version=f"gonemaster-server {__version__}\nPython {sys.version.split()[0]}"
    )
    parser.add_argument("--listen-descriptor", type=int, help=argparse.SUPPRESS)
    demo = parser.add_argument_group("demo-data", "What is made up, and where it may be written.")
    demo.add_argument("--domains", type=_whole(1, MOST_DOMAINS), metavar="N", help="number of domains; 500")
    demo.add_argument("--snapshots", type=_whole(1, 120), metavar="N", help="number of months; 12")
    demo.add_argument("--seed", type=_whole(0, 2**31), metavar="N", help="another number makes another story; 0")
    demo.add_argument("--beside-others", action="store_true", default=None, help="write into a store that has runs")
    settings = parser.add_argument_group(
        "settings", "Each has an environment variable GONEMASTER_...; see docs/reference/settings.md."
    )
    for option in OPTIONS:
        _add_flag(settings, option)
    return parser


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) < 12 and low <= int(text) <= high):
            raise argparse.ArgumentTypeError(f"{text[:40]!r} is not an integer from {low} to {high}")
        return int(text)

    return parse


def _add_flag(group: Any, option: Option) -> None:
    names = [option.flag, *_ALIASES.get(option.name, ())]
    facts = f"refused: this version has no {option.awaits}" if option.awaits else option.type.allowed
    about = f"{option.description}; {facts}".replace("%", "%%")
    if option.is_switch:
        group.add_argument(*names, dest=option.name, action=argparse.BooleanOptionalAction, default=None, help=about)
    elif isinstance(option.default, tuple):
        group.add_argument(*names, dest=option.name, action="append", metavar="LIST", help=about)
    else:
        group.add_argument(*names, dest=option.name, metavar="VALUE", help=about)


_ALIASES = {"worker_queues": ("--queues",)}


def _flags(given: argparse.Namespace) -> dict[str, Any]:
    """Return the settings among the flags; a list may be given in parts."""
    flags = {option.name: getattr(given, option.name) for option in OPTIONS}
    return {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in flags.items()
        if value is not None
    }
