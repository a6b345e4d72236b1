"""The `gonemaster` command: test domains from the command line.

Source: contract cli.md section 1. Exit codes: 0 the tests finished; 1 they have a finding of the level of --fail-level
or above, or fail the policy; 2 usage or runtime error; 3 this host has no network; 4 no verdict by the policy;
130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from gonemaster_engine.cli.options import EXIT_FINDINGS, EXIT_UNDECIDED, EXIT_USAGE, PROGRAM, build_parser
from gonemaster_engine.cli.parsing import UsageError
from gonemaster_engine.errors import EngineError
from gonemaster_engine.memory import process_of_one_run
from gonemaster_engine.version import __version__, engine_kind

if TYPE_CHECKING:
    import argparse

    from gonemaster_engine.cli.testing import CommandOutcome

COMPARISON = "diff"
REHEARSAL = "rst"
EXIT_OK = 0
EXIT_NO_NETWORK = 3
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code; without `argv` the process exits afterwards."""
    with process_of_one_run() if argv is None else nullcontext():
        words = sys.argv[1:] if argv is None else list(argv)
        if words[:1] == [COMPARISON]:
            return guarded(PROGRAM, lambda: _compare(words[1:]))
        if words[:1] == [REHEARSAL]:
            return guarded(PROGRAM, lambda: _rehearse(words[1:]))
        return guarded(PROGRAM, lambda: _dispatch(build_parser().parse_args(words)))


def _compare(words: Sequence[str]) -> int:
    from gonemaster_engine.cli.comparison import compare_files

    return compare_files(words)


def _rehearse(words: Sequence[str]) -> int:
    from gonemaster_engine.cli.rst.command import rehearse_file

    return rehearse_file(words)


def guarded(program: str, work: Callable[[], int]) -> int:
    """Run a command; turn an exception into a line on standard error and an exit code."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as with `>&-`; the next opened file would get its number
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - until the process ends
    try:
        return work()
    except UsageError as error:
        print(f"{program}: {error}\nTry '{error.program or program} --help'.", file=sys.stderr)
    except ModuleNotFoundError as error:
        advice = f"install gonemaster again, with '{sys.executable} -m pip install gonemaster'"
        print(f"{program}: the Python package {error.name} is missing: {advice}", file=sys.stderr)
    except (EngineError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            return _on_closed_output()
        print(f"{program}: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return EXIT_USAGE


def _on_closed_output() -> int:
    """Exit quietly if the reader of the output has closed it, as with `| head`."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise the interpreter reports an error at exit
    return EXIT_OK


def _dispatch(options: argparse.Namespace) -> int:
    """Execute the command that the options select. Modules that only some commands need are imported on demand."""
    if options.version:
        print_version(PROGRAM)
    elif options.list_tests:
        _print_tests()
    elif options.explain is not None:
        _explain(options)
    elif options.dump_profile:
        _print_profile(options)
    elif options.badkeys_update:
        from gonemaster_engine.cli import badkeys_list

        print(f"The list of compromised keys is in {badkeys_list.update(options.badkeys_path)}.")
    elif options.zone_file is not None:
        from gonemaster_engine.cli.zone_file import test_zone_file

        return _exit_code(test_zone_file(options))
    else:
        from gonemaster_engine.cli.testing import test_domains

        if options.also_delegation:
            raise UsageError("--also-delegation needs --zone-file FILE")
        return _exit_code(test_domains(options))
    return EXIT_OK


def _explain(options: argparse.Namespace) -> None:
    """Print the page of a tag, a test case or a root cause.

    Raises:
        UsageError: there is none with this name; the error suggests similar names.
    """
    from gonemaster_engine.help.plain import explained, similar

    text = explained(options.explain, locale=options.locale)
    if not text:
        close = similar(options.explain)
        hint = f"; did you mean {', '.join(close)}?" if close else "; --list-tests lists the test cases"
        raise UsageError(f"{options.explain!r} is not a message tag, a test case or a root cause{hint}")
    print(text, end="")


def _exit_code(outcome: CommandOutcome) -> int:
    """Return the exit code of tests: what was not tested matters more than what was found."""
    if outcome.invalid:
        return EXIT_USAGE
    if outcome.no_network:
        return EXIT_NO_NETWORK
    if outcome.failed:
        return EXIT_FINDINGS
    return EXIT_UNDECIDED if outcome.undecided else EXIT_OK


def print_version(program: str) -> None:
    """Print the two lines of --version."""
    import platform

    import dns.version

    print(f"{program} {__version__}")
    python = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{python}, dnspython {dns.version.version}, {engine_kind()} engine")


def _print_tests() -> None:
    from gonemaster_engine.testcases.catalogue import modules

    for module in modules().values():
        print(module.name)
        for case in module.cases:
            print(f"  {case.id:<16} {case.purpose}")


def _print_profile(options: argparse.Namespace) -> None:
    import json

    from gonemaster_engine.cli.settings import profile_of

    print(json.dumps(profile_of(options).as_dict(), indent=2))
