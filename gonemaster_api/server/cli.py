"""The `gonemaster-server` command, which runs the whole service or one part of it."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gonemaster_api.server import commands
from gonemaster_api.server.commands import StartRefused
from gonemaster_api.server.doctor.run import run_doctor
from gonemaster_api.server.tokens import AuthOptions
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.credential_types import LABEL_RULE, Scope
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.rendering import dump
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.masking import Masking

_AUTH = ("label", "scope", "expires_at", "only_print")
_DOCTOR = ("doctor",)
mask_in_text = Masking(())
EXIT_REFUSED = 2  # part of the contract: invalid flags, or the service cannot start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    parser = build_parser()
    given = parser.parse_intermixed_args(arguments)
    command = tuple(given.command) or ("all",)
    try:
        if given.json and command != _DOCTOR:
            raise StartRefused("--json: only doctor takes this")
        settings = load_settings(_flags(given), file=given.config)
        if given.dump_config:
            return _print_settings(settings)
        if command == _DOCTOR:
            return run_doctor(settings, (), as_document=given.json)
        return commands.run(command, settings, given.listen_descriptor, auth=_auth_options(given, command))
    except SettingsError as error:
        if command == _DOCTOR:
            return run_doctor(None, error.problems, as_document=given.json)
        return _refuse(error.problems)
    except StartRefused as error:
        return _refuse((str(error),))


def _auth_options(given: argparse.Namespace, command: tuple[str, ...]) -> AuthOptions:
    """Return the flags of `auth add-token`. Raises StartRefused if another command has such flags."""
    chosen: dict[str, Any] = {name: value for name in _AUTH if (value := getattr(given, name)) is not None}
    if chosen and command != ("auth", "add-token"):
        flags = ", ".join("--" + name.replace("_", "-") for name in chosen)
        raise StartRefused(f"{flags}: only auth add-token takes this")
    if "scope" in chosen:
        chosen["scope"] = tuple(chosen["scope"])
    return AuthOptions(**chosen)


def _print_settings(settings: Settings) -> int:
    try:
        print(json.dumps(dump(settings), indent=2), flush=True)
    except BrokenPipeError:  # the reader closed the pipe, as `head` does; avoids an error at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"gonemaster-server: {mask_in_text(problem)}", file=sys.stderr)
    return EXIT_REFUSED


def build_parser() -> argparse.ArgumentParser:
    """Return the parser, with one flag per setting; the command may appear anywhere among the flags."""
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
    parser.add_argument("--dump-config", action="store_true", help="print the settings and their sources, then exit")
    parser.add_argument(
        "--version", action="version", version=f"gonemaster-server {__version__}\nPython {sys.version.split()[0]}"
    )
    parser.add_argument("--json", action="store_true", help="doctor: print the findings as JSON")
    parser.add_argument("--listen-descriptor", type=int, help=argparse.SUPPRESS)
    auth = parser.add_argument_group("auth add-token", "Owner, scopes and expiry of the token.")
    auth.add_argument("--label", metavar="TEXT", help=f"label of the token in lists and in the audit log; {LABEL_RULE}")
    auth.add_argument("--scope", action="append", choices=list(Scope), help="scope of the token; default: admin")
    auth.add_argument(
        "--expires-at",
        metavar="TIME",
        help="when the token expires, such as 2027-01-31T12:00:00Z; default: never",
    )
    auth.add_argument(
        "--only-print",
        action="store_true",
        default=None,
        help="only print the hash for auth.admin_tokens; store nothing",
    )
    settings = parser.add_argument_group(
        "settings", "Each has an environment variable GONEMASTER_...; see docs/reference/settings.md."
    )
    for option in OPTIONS:
        _add_flag(settings, option)
    return parser


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
    """Return the settings given as flags. A list may be given in several flags."""
    flags = {option.name: getattr(given, option.name) for option in OPTIONS}
    return {
        name: ",".join(value) if isinstance(value, list) else value
        for name, value in flags.items()
        if value is not None
    }
