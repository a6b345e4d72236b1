"""The `gonemaster-server` command, which runs the whole service or one part of it."""

import argparse
import json
import os
import sys
from collections.abc import Sequence

from gonemaster_api.server import commands, settings_help
from gonemaster_api.server.commands import StartRefused
from gonemaster_api.server.doctor.reference import check_reference_data
from gonemaster_api.server.doctor.run import run_doctor
from gonemaster_api.server.parser import PROGRAM, build_parser, flags_of
from gonemaster_api.server.setup import run_setup
from gonemaster_api.server.tokens import AuthOptions
from gonemaster_engine.cli.parsing import UsageError
from gonemaster_tasks.config.environment import own_unknown_variables
from gonemaster_tasks.config.loader import load_settings
from gonemaster_tasks.config.rendering import dump
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.masking import Masking

mask_in_text = Masking(())
EXIT_REFUSED = 2  # part of the contract: invalid flags, or the service cannot start


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    command: tuple[str, ...] = ()
    try:
        given = build_parser().parse_args(arguments)
        command = getattr(given, "command", ("all",))
        return _run(command, given)
    except SettingsError as error:
        if command == ("doctor",):
            return run_doctor(None, error.problems, as_document=given.json)
        return _refuse(error.problems)
    except UsageError as error:
        return _refuse((f"{error}\nTry '{error.program} --help'.",))
    except StartRefused as error:
        return _refuse((str(error),))
    except BrokenPipeError:  # the reader closed the pipe, as `head` does; avoids an error at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(command: tuple[str, ...], given: argparse.Namespace) -> int:
    if command == ("completion",):
        from gonemaster_api.server.completion import completion_script

        print(completion_script(given.argument, program=given.program), flush=True)
        return 0
    settings = load_settings(flags_of(given), file=getattr(given, "config", None))
    if hasattr(given, "dump_config"):
        return _print_settings(settings)
    match command:
        case ("settings",):
            return settings_help.show(settings, given.argument)
        case ("demo",):
            chosen = ("--listen", settings.listen_addr) if settings.source("listen_addr") != "default" else ()
            os.execv(sys.executable, (sys.executable, "-m", "gonemaster_api.demo", *chosen))  # noqa: S606
        case ("setup",):
            return run_setup(settings, given)
        case ("doctor",):
            return run_doctor(settings, (), as_document=given.json)
        case ("export",):
            from gonemaster_api.server.exports import run_export  # of no use to the service

            return run_export(settings, given)
        case ("reference-data", "check"):
            return check_reference_data(settings, given.folder)
        case ("auth", "add-token"):
            auth = AuthOptions(given.label, tuple(given.scope), given.expires_at, given.only_print)
            return commands.run(command, settings, auth=auth)
    if hasattr(given, "argument"):
        command = (*command, given.argument)
    return commands.run(command, settings, getattr(given, "listen_descriptor", None) or (), auth=AuthOptions())


def _print_settings(settings: Settings) -> int:
    for variable, similar in own_unknown_variables().items():
        hint = f"; is {similar} meant?" if similar else ""
        print(f"{PROGRAM}: {variable} is not a setting and is ignored{hint}", file=sys.stderr)
    print(json.dumps(dump(settings), indent=2), flush=True)
    return 0


def _refuse(problems: Sequence[str]) -> int:
    for problem in problems:
        print(f"{PROGRAM}: {mask_in_text(problem)}", file=sys.stderr)
    return EXIT_REFUSED
