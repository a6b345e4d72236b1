"""The result of a run: entries with their messages, in the requested language."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from gonemaster_api.errors import ApiError
from gonemaster_api.queries.runs.entry_documents import entry_documents
from gonemaster_api.state import State
from gonemaster_api.web.exporter import http_metrics
from gonemaster_db.core.errors import DocumentDamaged
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.core.records import EntryRecord
from gonemaster_db.models import Job, Keep, Run, RunStatus
from gonemaster_db.queue.jobs import find_job_or_run
from gonemaster_db.runs.causes import read_cause_sets
from gonemaster_db.runs.documents.run_document import ParsedDocument
from gonemaster_db.runs.run_documents import entries_of, read_stored_run
from gonemaster_engine.errors import PolicyError
from gonemaster_engine.findings.causes.model import Cause
from gonemaster_engine.findings.causes.registry import causes_without_run
from gonemaster_engine.findings.causes.sentences import sentence, worst_harm
from gonemaster_engine.findings.messages import best_locale, description
from gonemaster_engine.findings.verdict import Verdict, verdict_of
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.policies.verdict import PolicyVerdict
from gonemaster_engine.scoring.config import ScoringConfig
from gonemaster_engine.scoring.score import Score
from gonemaster_engine.testcases.catalogue import cases
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.scoring import current_scoring
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.policies.stored import judge_run_by_policy, read_policy_version
from gonemaster_tasks.control.verdicts import Judgment, judge_stored


@dataclass(frozen=True, kw_only=True)
class RunWithEntries:
    """A run with all data of its result; `score` is None if the run did not succeed or cannot judge a zone."""

    run: Run
    entries: Sequence[EntryRecord]
    nameserver_timings: Sequence[Mapping[str, Any]] | None
    has_chain: bool
    score: Score | None
    causes: Sequence[Cause]  # worst first; none if the run did not succeed
    by_policy: PolicyVerdict | None = None  # None without a policy, or for a policy of another release
    kept: Keep = Keep.FULL
    read_chain: Callable[[], Any | None]  # the chain of trust, None if there is none or it is damaged

    @property
    def is_reduced(self) -> bool:
        """Whether a part of the result is no longer stored."""
        return self.kept is not Keep.FULL

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on a run that cannot judge a zone, None for other runs."""
        return verdict_of(self.entries)


class VisibleParts(NamedTuple):
    """The optional parts of a result that a reader may see."""

    score: bool
    timings: bool


def read_finished_run(state: State, run_id: str) -> RunWithEntries:
    """Return the run of a finished job with a score computed from its stored entries.

    Raises:
        ApiError: 404 not_found while the job is not finished; its status is in the details.
        JobNotFound: there is no such job.
        DocumentDamaged: the stored entries cannot be read.
    """
    scoring = current_scoring(state.store, state.settings)
    with state.store.read_only() as session:
        item = find_job_or_run(session, run_id)
        if isinstance(item, Job):
            raise not_finished(item)
        stored = read_stored_run(session, run_id)
        entries = entries_of(session, stored)
        causes_known = None
        if stored.kept is not Keep.FULL:
            causes_known = read_cause_sets(session, [item.cause_set_id]).get(item.cause_set_id or 0)
        policy = _policy_of(session, item) if stored.kept is Keep.FULL else None
        effective = item.effective_profile if policy else None  # read while the session is open
    document = stored.full_document
    if stored.kept is Keep.FULL:
        score, causes = judge_run(item, entries, document.nameserver_timings, scoring)
    else:
        score, causes = _stored_judgment(item, causes_known)
    by_policy = None
    if policy:
        profile = effective.document if effective else None
        by_policy = judge_run_by_policy(policy, item, entries, causes, profile=profile, exclude=state.settings.exclude)
    return RunWithEntries(
        run=item,
        entries=entries,
        nameserver_timings=document.nameserver_timings,
        has_chain=document.has_chain,
        score=score,
        causes=causes,
        by_policy=by_policy,
        kept=stored.kept,
        read_chain=partial(_chain_of, document),
    )


def _stored_judgment(run: Run, causes: Sequence[str] | None) -> Judgment:
    """Return the score and the causes of a reduced run, whose entries no longer tell them."""
    score = None if run.score is None else Score.without_details(run.score, run.grade or "")
    return Judgment(score, causes_without_run(causes or ()))


def _policy_of(session: Session, run: Run) -> Policy | None:
    """Return the policy of a run; None if it has none, or one that this engine does not know."""
    if run.policy is None:
        return None
    with suppress(PolicyError):
        return read_policy_version(session, run.policy, run.policy_version or "")
    return None


def _chain_of(document: ParsedDocument) -> Any | None:
    with suppress(DocumentDamaged):
        return document.chain
    return None


def judge_run(
    run: Run, entries: Iterable[EntryRecord], timings: Iterable[Mapping[str, Any]] | None, config: ScoringConfig
) -> Judgment:
    """Compute the score and the causes of a run; a run that did not succeed has neither."""
    is_complete = run.status is RunStatus.SUCCEEDED
    return judge_stored(run.domain, entries, timings, config) if is_complete else Judgment(None, [])


def parts_for_operators(settings: Settings) -> VisibleParts:
    """Return the optional parts that the admin API shows."""
    return VisibleParts(settings.show_score_admin, settings.show_nameserver_timings_admin)


def parts_for_public(settings: Settings) -> VisibleParts:
    """Return the optional parts that the public API shows."""
    return VisibleParts(settings.show_score_public, settings.show_nameserver_timings_public)


def result_document(state: State, finished: RunWithEntries, *, locale: str, shown: VisibleParts) -> dict[str, Any]:
    """Return the result in the locale closest to the requested one."""
    spoken = best_locale(locale)
    http_metrics().locales.labels(spoken).inc()
    return _document(finished, spoken) | _optional_parts(finished, shown, spoken)


def _optional_parts(finished: RunWithEntries, shown: VisibleParts, locale: str) -> dict[str, Any]:
    """Return the parts that settings can hide."""
    parts: dict[str, Any] = {}
    if finished.score is not None and shown.score:
        parts["score"] = finished.score.as_dict(locale=locale)
    if finished.nameserver_timings is not None and shown.timings:
        parts["nameserver_timings"] = finished.nameserver_timings
    return parts


def not_finished(job: Job) -> ApiError:
    """Return the error for data that only a finished job has."""
    status = job.status.value
    return ApiError(
        404,
        "not_found",
        Text("the job has no result yet; its status is {status}", status=status),
        details={"status": status},
    )


def _document(finished: RunWithEntries, locale: str) -> dict[str, Any]:
    run, entries = finished.run, finished.entries
    document: dict[str, Any] = {
        "job_id": run.id,
        "status": run.status.value,
        "summary": _summary(entries),
        "raw": {"locale": locale, "entries": [entry.as_result() for entry in entry_documents(entries, locale=locale)]},
        "testcase_descriptions": _descriptions((entry.testcase for entry in entries), locale),
        "has_dnssec_chain": finished.has_chain,
        "kept": finished.kept.value,
    }
    if run.batch_id:
        document["batch_id"] = run.batch_id
    document["root_causes"] = [cause.as_dict(locale=locale) for cause in finished.causes]
    if verdict := verdict_document(finished, locale=locale):
        document["verdict"] = verdict
    return document


def verdict_document(finished: RunWithEntries, *, locale: str) -> dict[str, Any] | None:
    """Return the verdict in one sentence, and that of the policy; None if there is neither."""
    words, judged = _verdict_in_words(finished, locale), _policy_verdict(finished, locale)
    if judged is None:
        return words
    without = {"harm": None, "sentence": judged.get("summary", ""), "test_instead": None}
    return {**(words or without), **judged}


def _policy_verdict(finished: RunWithEntries, locale: str) -> dict[str, Any] | None:
    run, judged = finished.run, finished.by_policy
    if run.policy is None:
        return None
    stored = {"policy": run.policy, "version": run.policy_version, "result": run.verdict}
    return {**judged.as_dict(locale=locale), **stored} if judged else stored


def _verdict_in_words(finished: RunWithEntries, locale: str) -> dict[str, Any] | None:
    if verdict := finished.verdict:
        return verdict.as_dict(locale=locale)
    if finished.run.status is not RunStatus.SUCCEEDED or (finished.is_reduced and not finished.causes):
        return None
    harm = worst_harm(finished.causes)
    words = sentence(finished.causes, locale=locale)
    return {"harm": harm.value if harm else None, "sentence": words, "test_instead": None}


def _summary(entries: Iterable[EntryRecord]) -> dict[str, int]:
    """Count entries by level, least severe first."""
    found = Counter(entry.level for entry in entries)
    return {level: found[level] for level in LEVELS if found[level]}


def _descriptions(testcases: Iterable[str], locale: str) -> dict[str, str]:
    known = cases()
    return {name: description(known[name].purpose, locale=locale) for name in sorted(set(testcases)) if name in known}
