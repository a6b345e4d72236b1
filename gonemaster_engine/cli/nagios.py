"""The `gonemaster-nagios` command: a test of one domain as a check for Nagios, Icinga and similar systems.

Source: contract cli.md section 4; the plug-in guidelines of the Monitoring Plugins project for exit codes, output and
performance data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from gonemaster_engine.cli.main import print_version
from gonemaster_engine.cli.options import (
    add_delegation_options,
    add_network_options,
    add_selection_options,
    level,
)
from gonemaster_engine.cli.parsing import Parser, UsageError
from gonemaster_engine.cli.plugin import OK, UNKNOWN, shorten_line
from gonemaster_engine.entries import Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.memory import process_of_one_run

PROGRAM = "gonemaster-nagios"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return its exit code; any error gives UNKNOWN with the reason."""
    with process_of_one_run() if argv is None else nullcontext():
        return _guarded(argv)


def _guarded(argv: Sequence[str] | None) -> int:
    try:
        options = _parse(argv)
        if options.version:
            print_version(PROGRAM)
            return OK
        from gonemaster_engine.cli.nagios_check import check  # imported here: it loads all modules of a run

        return check(options)
    except (UsageError, EngineError, OSError) as error:
        reason = " ".join(str(error).split())
        print(shorten_line(f"ZONE UNKNOWN - {reason}".replace("|", "/")))
    except KeyboardInterrupt:
        print("ZONE UNKNOWN - interrupted")
    return UNKNOWN


def build_parser() -> Parser:
    """Return the parser of the command."""
    parser = Parser(prog=PROGRAM, description="Check the DNS health of a domain for a monitoring system.")
    parser.add_argument("-H", "--hostname", "-d", "--domain", dest="domain", metavar="NAME", help="the domain to test")
    parser.add_argument(
        "-w",
        "--warning",
        metavar="LEVEL",
        type=level,
        default=Level.WARNING,
        help="lowest level that gives WARNING (default: WARNING)",
    )
    parser.add_argument(
        "-c",
        "--critical",
        metavar="LEVEL",
        type=level,
        default=Level.ERROR,
        help="lowest level that gives CRITICAL (default: ERROR)",
    )
    parser.add_argument(
        "-t", "--timeout", metavar="SECONDS", type=float, dest="time_limit", help="time limit of the run"
    )
    parser.add_argument(
        "--rrsig-warn-days", metavar="N", type=float, help="warn if a signature expires within this number of days"
    )
    for state in ("warning", "critical"):
        parser.add_argument(
            f"--grade-{state}", metavar="G", type=_grade, help=f"this grade or a lower one gives {state.upper()}"
        )
    parser.add_argument("-v", "--verbose", action="count", default=0, help="more lines of detail: -v, -vv, -vvv")
    parser.add_argument("--perfdata", action="store_true", help="add performance data to the first line, after a |")
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    add_selection_options(parser.add_argument_group("test selection"))
    add_network_options(parser)
    add_delegation_options(parser)
    return parser


def _grade(text: str) -> str:
    from gonemaster_engine.scoring.config import GRADES

    if text.upper() not in GRADES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a grade; grades are {', '.join(GRADES)}")
    return text.upper()


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    options = build_parser().parse_args(argv)
    if options.version:
        return options
    if not options.domain:
        raise UsageError("the option -H NAME is required")
    if options.critical <= options.warning:
        raise UsageError("the CRITICAL level (-c) must be higher than the WARNING level (-w)")
    for flag, value in (("-t", options.time_limit), ("--rrsig-warn-days", options.rrsig_warn_days)):
        if value is not None and value <= 0:
            raise UsageError(f"{flag} must be greater than 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
