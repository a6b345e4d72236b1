"""The check of one domain by `gonemaster-nagios`: the run, the resulting state, and the output."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gonemaster_engine import names
from gonemaster_engine.cli.plugin import CRITICAL, OK, STATES, UNKNOWN, WARNING, shorten_line
from gonemaster_engine.cli.settings import (
    check_ds_has_nameservers,
    check_sources,
    check_targets,
    excluded,
    profile_of,
    selected,
)
from gonemaster_engine.cli.testing import run_async
from gonemaster_engine.entries import Entry, Level
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_of
from gonemaster_engine.findings.messages import message
from gonemaster_engine.findings.verdict import verdict_of
from gonemaster_engine.profile.profile import Profile
from gonemaster_engine.resources import Resources
from gonemaster_engine.run.run import RunResult, run_test
from gonemaster_engine.scoring.config import GRADES
from gonemaster_engine.scoring.score import Score, compute_score

SECONDS_OF_A_DAY = 86400
DEFAULT_TIME_LIMIT_S = 300.0

CUT_OFF_TAGS = frozenset({"RUN_DEADLINE_REACHED", "RUN_LIMIT_REACHED"})


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The state of a domain and the entries that explain it."""

    state: int
    entries: list[Entry]  # at the warning level or above, worst first


def check(options: argparse.Namespace) -> int:
    """Test the domain, print the output for the monitoring system, and return the state as an exit code.

    Raises:
      EngineError: the options are invalid.
    """
    check_ds_has_nameservers(options.ns, options.ds)
    result = run_async(_run(options, _profile(options)))
    causes = causes_of(result.domain, result.entries, result.timings)
    score = compute_score(result.domain, result.entries, causes=causes)
    verdict = judge(result, score, options)
    for line in report(verdict, result, score, causes, options):
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


def judge(result: RunResult, score: Score | None, options: Any) -> CheckResult:
    """Return the state that follows from entries and grade, with the entries that count.

    A run that says nothing about the name, for example without a network, is UNKNOWN, and so is an interrupted run
    without bad findings so far. `options` has the levels `warning` and `critical`, and the grades `grade_warning` and
    `grade_critical` or None.
    """
    passed_over = CUT_OFF_TAGS if result.unfinished else frozenset()
    found = [entry for entry in result.entries if entry.level >= options.warning and entry.tag not in passed_over]
    counting = sorted(found, key=lambda entry: -entry.level)
    worst = counting[0].level if counting else Level.DEBUG3
    state = CRITICAL if worst >= options.critical else WARNING if counting else OK
    if verdict := verdict_of(result.entries):
        explained = sorted(result.entries, key=lambda entry: entry is not verdict.entry)[:1]
        others = [entry for entry in counting if entry is not verdict.entry]
        return CheckResult(UNKNOWN if verdict.is_unknown else CRITICAL, explained + others)
    if _is_at_or_below(score, options.grade_critical):
        state = CRITICAL
    elif _is_at_or_below(score, options.grade_warning):
        state = max(state, WARNING)
    if state == OK and result.unfinished:
        return CheckResult(UNKNOWN, [entry for entry in result.entries if entry.tag in CUT_OFF_TAGS])
    return CheckResult(state, counting)


def _is_at_or_below(score: Score | None, limit: str | None) -> bool:
    return score is not None and limit is not None and GRADES.index(score.grade) >= GRADES.index(limit)


def report(
    verdict: CheckResult, result: RunResult, score: Score | None, causes: list[Cause], options: argparse.Namespace
) -> Iterator[str]:
    """Yield the output: the state, with performance data if requested, then the requested details."""
    first = f"ZONE {STATES[verdict.state]}"
    if score and (options.grade_warning or options.grade_critical) and verdict.state != UNKNOWN:
        first += f" - grade {score.grade} (score {score.score})"
    others = f" ({len(verdict.entries) - 1} more)" if len(verdict.entries) > 1 else ""
    if verdict.entries:
        first += f" - {_cause_of(verdict, result, causes)}{_one_line(verdict.entries[0])}"
    first = shorten_line(first.replace("|", "/"), end=others)
    known_score = None if verdict.state == UNKNOWN else score
    yield f"{first} | {_performance_data(result, known_score)}" if options.perfdata else first
    shown_from = {0: None, 1: options.warning, 2: Level.NOTICE}.get(options.verbose, Level.INFO)
    if shown_from is not None:
        for entry in result.entries:
            if entry.level >= shown_from:
                yield f"{entry.level.name}: {_one_line(entry)}".replace("|", "/")


def _cause_of(verdict: CheckResult, result: RunResult, causes: list[Cause]) -> str:
    """Return the root cause of the entry that is shown, as text before it; empty without a cause."""
    if verdict.state in {OK, UNKNOWN} or verdict_of(result.entries):
        return ""
    entry = verdict.entries[0]
    found = (cause for cause in causes if any(result.entries[place] is entry for place in cause.found.explains))
    return next((f"{cause.title()}: " for cause in found), "")


def _one_line(entry: Entry) -> str:
    source = entry.testcase or entry.module.lower()
    return f"{source}: {message(entry.tag, entry.module, entry.args)}"


def _performance_data(result: RunResult, score: Score | None) -> str:
    """Return counts and measurements; an interrupted run has no score."""
    levels = [Level.NOTICE, Level.WARNING, Level.ERROR, Level.CRITICAL]
    counts = {level: sum(entry.level is level for entry in result.entries) for level in levels}
    values = {f"{level.name.lower()}s": f"{counts[level]};;;0" for level in levels}
    if score is not None:
        values["score"] = f"{score.score};;;0;100"
    values |= {"time": f"{result.duration_s:.3f}s;;;0", "queries": f"{result.queries};;;0"}
    return " ".join(f"{name}={value}" for name, value in values.items())
