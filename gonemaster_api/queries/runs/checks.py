"""The answer to a check before delegation: the verdict of its policy, what fails, and why there may be no verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.runs.results import RunWithEntries, read_finished_run
from gonemaster_api.state import State
from gonemaster_db.core.errors import JobNotFound, StoreError
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Run, RunStatus
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.messages import best_locale
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.policies.verdict import PolicyResult, PolicyVerdict, judge, reason_text
from gonemaster_engine.testcases.catalogue import select
from gonemaster_tasks.config.profiles import cached_base_profile
from gonemaster_tasks.control.verdicts import StoredTiming, as_reported
from gonemaster_tasks.errors import BrokerUnavailable

ORIGIN = "check"  # of the jobs of checks
REASONS = ("deadline", "not_started", "canceled", "failed", "deleted", "unavailable")
"""The reasons of checks whose runs have no result, in addition to those of policies."""
_BY_STATUS = {
    RunStatus.CANCELED: "canceled",
    RunStatus.EXPIRED: "not_started",
    RunStatus.FAILED: "failed",
}


@dataclass(frozen=True)
class CheckedDelegation:
    """What is judged: a domain, a policy, and the policy whose test cases have run."""

    domain: str
    policy: Policy
    locale: str
    run_with: Policy


def read_check(state: State, run_id: str, checked: CheckedDelegation) -> dict[str, Any]:
    """Return the answer to a check; one that has not finished is undecided, with what is known so far."""
    try:
        return finished_document(state, read_finished_run(state, run_id), checked)
    except JobNotFound:
        return undecided_document(state, checked, "deleted")
    except StoreError:
        return undecided_document(state, checked, "unavailable")
    except ApiError as error:
        is_running = (error.details or {}).get("status") == "running"
        return undecided_document(
            state, checked, "deadline" if is_running else "not_started", _entries_so_far(state, run_id)
        )


def finished_document(state: State, finished: RunWithEntries, checked: CheckedDelegation) -> dict[str, Any]:
    """Return the answer to a check whose run is stored."""
    run = finished.run
    found = judged_document(
        state, run, checked, finished.entries, finished.nameserver_timings, causes=list(finished.causes)
    )
    waited_ms = round(((run.started_at or run.finished_at) - run.created_at).total_seconds() * 1000)
    return found | {"waited_ms": waited_ms, "run_ms": run.duration_ms}


def judged_document(
    state: State,
    run: Run,
    checked: CheckedDelegation,
    entries: Sequence[EntryRecord] | None,
    timings: Iterable[Mapping[str, Any]] | None,
    *,
    causes: Sequence[Cause] | None = None,
) -> dict[str, Any]:
    """Return the verdict on a run; `entries` are None if they are damaged."""
    if entries is None:
        return undecided_document(state, checked, "unavailable")
    if reason := _BY_STATUS.get(run.status):
        return undecided_document(state, checked, reason, entries)
    verdict = judge_entries(state, checked, entries, timings or (), causes=causes)
    explanations = verdict.explanations(locale=best_locale(checked.locale))
    return _document(checked, verdict, verdict.result, verdict.reasons, explanations)


def undecided_document(
    state: State, checked: CheckedDelegation, reason: str, entries: Sequence[EntryRecord] = ()
) -> dict[str, Any]:
    """Return the answer to a check without a verdict."""
    verdict = judge_entries(state, checked, entries)
    text = reason_text(reason, locale=best_locale(checked.locale))
    return _document(checked, verdict, PolicyResult.UNDECIDED, (reason,), [text])


def judge_entries(
    state: State,
    checked: CheckedDelegation,
    entries: Iterable[EntryRecord],
    timings: Iterable[Mapping[str, Any]] = (),
    *,
    causes: Sequence[Cause] | None = None,
) -> PolicyVerdict:
    """Return the verdict of the policy on entries. What the server excludes from all runs cannot pass."""
    excluded = state.settings.exclude
    skipped = {case.id for case in select(excluded)} if excluded else set()
    profile = checked.run_with.applied_to(cached_base_profile(state.settings)).as_dict()
    return judge(
        checked.policy,
        [as_reported(entry) for entry in entries],
        domain=checked.domain,
        planned=[case_id for case_id in profile["test_cases"] if case_id not in skipped],
        families=[family for family in ("ipv4", "ipv6") if profile["net"][family]],
        timings=[StoredTiming.of(row) for row in timings],
        causes=causes,
    )


def _document(
    checked: CheckedDelegation,
    verdict: PolicyVerdict,
    result: PolicyResult,
    reasons: Iterable[str],
    explanations: Iterable[str],
) -> dict[str, Any]:
    locale = best_locale(checked.locale)
    decisive = verdict.decisive_causes
    return {
        "verdict": result.value,
        "reasons": list(reasons),
        "explanations": list(explanations),
        "domain": checked.domain,
        "policy": {"name": verdict.policy, "version": verdict.version},
        "locale": locale,
        "findings": [finding.as_dict(locale=locale) for finding in verdict.findings],
        "root_causes": [cause.as_dict(locale=locale) | {"decisive": cause in decisive} for cause in verdict.causes],
    }


def _entries_so_far(state: State, run_id: str) -> list[EntryRecord]:
    """Return the entries that a running test has reported."""
    try:
        events = state.broker.events.read(run_id)
    except BrokerUnavailable:
        return []
    return [EntryRecord(**event.data) for event in events if event.type == "entry"]
