"""Submission of public jobs: the limits for the public in addition to the rules for every job.

Source: http-api.md section 8.1.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.jobs.public_jobs import public_job_document
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import (
    ChosenProfile,
    check_targets,
    named_profile,
    new_job,
    read_name,
    read_options,
)
from gonemaster_api.use_cases.submission.traced import submit_traced_job
from gonemaster_db.core.errors import AmbiguousProfile, ProfileNotFound
from gonemaster_db.core.ids import new_public_id
from gonemaster_db.domains.profiles import get_profile
from gonemaster_db.domains.tags import default_profile_id
from gonemaster_db.models import Job, Priority
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.profiles import is_guarded
from gonemaster_tasks.config.settings import Settings

MAX_TESTS = 256


def submit_public_job(state: State, request: Mapping[str, Any], *, keep: Keep) -> dict[str, Any]:
    """Queue a job and return its public document; `keep` stores the response in the same transaction.

    Raises:
        BadRequest: nothing was written.
    """
    _check_public_rules(request)
    options = read_options(state, request, origin="public")
    domain = read_name(request["domain"])
    with state.store.read_only() as session:
        profile = choose_public_profile(session, request.get("profile_id"), domain)
    check_targets(options.config.get("nameservers", ()), guarded=public_targets_are_guarded(state.settings, profile))

    def write(session: Session, job: Job) -> None:
        keep(session, public_job_document(state, job))

    new = new_job(domain, options, priority=Priority.NORMAL, profile=profile, public_id=new_public_id())
    return public_job_document(state, submit_traced_job(state.queue, new, write=write))


def _check_public_rules(request: Mapping[str, Any]) -> None:
    if request.get("profile_overrides"):
        raise BadRequest(
            "profile_overrides_not_allowed", Text("profile_overrides is not allowed in public jobs; use profile_id")
        )
    if (count := len(request.get("tests") or ())) > MAX_TESTS:
        text = Text("tests has {count} items, {most_tests} are allowed", count=count, most_tests=MAX_TESTS)
        raise BadRequest("too_many_tests", text, details={"limit": MAX_TESTS, "given": count})


def choose_public_profile(session: Session, profile_id: int | None, domain: str) -> ChosenProfile:
    """Return the profile that a request names, otherwise the default profile of the domain's tags.

    Only public profiles are used. Ambiguous tags of the domain are not reported, because tags may be confidential.

    Raises:
        BadRequest: profile_not_found.
    """
    if profile_id is None:
        try:
            chosen = default_profile_id(session, domain)
        except AmbiguousProfile:
            chosen = None
        return named_profile(session, chosen if chosen is not None and _is_public(session, chosen) else None)
    if not _is_public(session, profile_id):
        raise BadRequest("profile_not_found", Text("no such profile: {profile_id}", profile_id=profile_id))
    return named_profile(session, profile_id)


def _is_public(session: Session, profile_id: int) -> bool:
    try:
        return get_profile(session, profile_id).public
    except ProfileNotFound:
        return False


def public_targets_are_guarded(settings: Settings, profile: ChosenProfile | None = None) -> bool:
    """Return whether name servers in public requests must have global addresses.

    Other addresses need the permission of both the setting for the public and the rule for every job.
    """
    if not settings.public_api_allow_private_undelegated_ip:
        return True
    return is_guarded(settings, (profile.config if profile else None,))
