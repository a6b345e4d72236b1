"""The `gonemaster-nagios` command: a test of one domain as a check of Nagios, Icinga and their like.

Source: contract cli.md section 4; the plug-in guidelines of the Monitoring Plugins project for exit codes, output and
performance data.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.cli.main import print_version, run_async
from gonemaster_engine.cli.options import (
    Parser,
    UsageError,
    add_delegation_options,
    add_network_options,
    add_selection_options,
    check_ds_has_nameservers,
    check_sources,
    check_targets,
    excluded,
    level,
    profile_of,
    selected,
)
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.errors import EngineError
from gonemaster_engine.messages import message
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run import RunResult, run_test
from gonemaster_engine.scoring.config import DEFAULT_CONFIG
from gonemaster_engine.scoring.score import Score, compute_score

PROGRAM = "gonemaster-nagios"
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")  # by exit code
OK, WARNING, CRITICAL, UNKNOWN = range(4)
SECONDS_OF_A_DAY = 86400
DEFAULT_TIME_LIMIT_S = 300.0
FIRST_LINE_MAX = 160  # characters without performance data: what a short message of a pager holds

CUT_OFF_TAGS = frozenset({"RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED"})
GRADES = tuple(band.grade for band in DEFAULT_CONFIG.grade_bands)  # best first


@dataclass(frozen=True, slots=True)
class Verdict:
    """The state of a domain and the entries that speak for it."""

    state: int
    entries: list[Entry]  # at the warning level or above, worst first


def main(argv: Sequence[str] | None = None) -> int:
    """Run the check and return its exit code; whatever goes wrong is UNKNOWN with the reason."""
    try:
        return _check(_parse(argv))
    except (UsageError, EngineError, OSError) as error:
        reason = " ".join(str(error).split())
        print(_fitting(f"ZONE UNKNOWN - {reason}".replace("|", "/")))
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
        help="lowest level that gives WARNING (WARNING)",
    )
    parser.add_argument(
        "-c",
        "--critical",
        metavar="LEVEL",
        type=level,
        default=Level.ERROR,
        help="lowest level that gives CRITICAL (ERROR)",
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
    parser.add_argument("--perfdata", action="store_true", help="add performance data to the first line, behind a |")
    parser.add_argument("-V", "--version", action="store_true", help="print the version")
    add_selection_options(parser.add_argument_group("test selection"))
    add_network_options(parser)
    add_delegation_options(parser)
    return parser


def _grade(text: str) -> str:
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
    check_ds_has_nameservers(options.ns, options.ds)
    return options


def _check(options: argparse.Namespace) -> int:
    if options.version:
        print_version(PROGRAM)
        return OK
    result = run_async(_run(options, _profile(options)))
    score = compute_score(result.domain, result.entries)
    verdict = judge(result, score, options)
    for line in report(verdict, result, score, options):
        print(line)
    return verdict.state


def _profile(options: argparse.Namespace) -> Profile:
    profile = profile_of(options)
    check_targets(options.ns, profile)
    check_sources(profile)
    if options.rrsig_warn_days is None:
        return profile
    seconds = round(options.rrsig_warn_days * SECONDS_OF_A_DAY)
    return profile.merge({"test_cases_vars": {"dnssec04": {"REMAINING_SHORT": seconds}}})


async def _run(options: argparse.Namespace, profile: Profile) -> RunResult:
    resources = Resources.open(root_hints=options.hints, dns_port=options.dns_port, ipv6=options.ipv6 or None)
    try:
        return await run_test(
            names.normalize_domain(options.domain),
            profile,
            resources=resources,
            tests=selected(options),
            exclude=excluded(options),
            nameservers=options.ns,
            ds=options.ds,
            deadline_s=options.time_limit or DEFAULT_TIME_LIMIT_S,
        )
    finally:
        await resources.close()


def judge(result: RunResult, score: Score, options: Any) -> Verdict:
    """Return the state that the entries and the grade make, with the entries that count.

    A run that was cut off and found nothing bad so far is UNKNOWN. `options` has the levels `warning` and
    `critical`, and the grades `grade_warning` and `grade_critical` or None.
    """
    passed_over = CUT_OFF_TAGS if result.unfinished else frozenset()
    found = [entry for entry in result.entries if entry.level >= options.warning and entry.tag not in passed_over]
    counting = sorted(found, key=lambda entry: -entry.level)
    worst = counting[0].level if counting else Level.DEBUG3
    state = CRITICAL if worst >= options.critical else WARNING if counting else OK
    if _is_at_or_below(score.grade, options.grade_critical):
        state = CRITICAL
    elif _is_at_or_below(score.grade, options.grade_warning):
        state = max(state, WARNING)
    if state == OK and result.unfinished:
        return Verdict(UNKNOWN, [entry for entry in result.entries if entry.tag in CUT_OFF_TAGS])
    return Verdict(state, counting)


def _is_at_or_below(grade: str, limit: str | None) -> bool:
    return limit is not None and GRADES.index(grade) >= GRADES.index(limit)


def report(verdict: Verdict, result: RunResult, score: Score, options: argparse.Namespace) -> Iterator[str]:
    """Yield the lines of output: the state, with performance data if wanted, then as much detail as wanted."""
    first = f"ZONE {STATES[verdict.state]}"
    if (options.grade_warning or options.grade_critical) and verdict.state != UNKNOWN:
        first += f" - grade {score.grade} (score {score.score})"
    others = f" ({len(verdict.entries) - 1} more)" if len(verdict.entries) > 1 else ""
    if verdict.entries:
        first += f" - {_one_line(verdict.entries[0])}"
    first = _fitting(first.replace("|", "/"), end=others)
    known_score = None if verdict.state == UNKNOWN else score
    yield f"{first} | {_performance_data(result, known_score)}" if options.perfdata else first
    shown_from = {0: None, 1: options.warning, 2: Level.NOTICE}.get(options.verbose, Level.INFO)
    if shown_from is not None:
        for entry in result.entries:
            if entry.level >= shown_from:
                yield f"{entry.level.name}: {_one_line(entry)}".replace("|", "/")


def _fitting(line: str, end: str = "") -> str:
    """Cut a first line to what fits, with its end kept; more lines have the whole."""
    room = FIRST_LINE_MAX - len(end)
    return f"{line if len(line) <= room else line[: room - 3] + '...'}{end}"


def _one_line(entry: Entry) -> str:
    where = entry.testcase or entry.module.lower()
    return f"{where}: {message(entry.tag, entry.module, entry.args)}"


def _performance_data(result: RunResult, score: Score | None) -> str:
    """Return counts and measures; a run that was cut off has no score."""
    levels = [Level.NOTICE, Level.WARNING, Level.ERROR, Level.CRITICAL]
    counts = {level: sum(entry.level is level for entry in result.entries) for level in levels}
    values = {f"{level.name.lower()}s": f"{counts[level]};;;0" for level in levels}
    if score is not None:
        values["score"] = f"{score.score};;;0;100"
    values |= {"time": f"{result.duration_s:.3f}s;;;0", "queries": f"{result.queries};;;0"}
    return " ".join(f"{name}={value}" for name, value in values.items())


if __name__ == "__main__":
    sys.exit(main())
