"""Submission of batches, from the list of names to the response."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

import structlog
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import (
    CheckedNames,
    ChosenProfile,
    RunOptions,
    named_profile,
    new_job,
    read_names,
    read_options,
)
from gonemaster_api.use_cases.submission.traced import about_request
from gonemaster_db.batches.zonemaster_tests import number_batch
from gonemaster_db.core.errors import AmbiguousProfile
from gonemaster_db.core.ids import new_test_id, public_id_of_test
from gonemaster_db.core.records import NewBatch, NewJob
from gonemaster_db.domains.tags import default_profile_ids, ensure_tags, iter_tag_domains, profile_ids_of_tags
from gonemaster_db.models import Keep as KeptPart
from gonemaster_db.models import Priority
from gonemaster_engine.texts import Text
from gonemaster_tasks.control.submit import SubmittedBatch, check_options, submit_batch


def submit_many_jobs(state: State, request: Mapping[str, Any], *, keep: Keep) -> dict[str, Any]:
    """Queue a batch and return the response; `keep` stores the response in the same transaction.

    Raises:
        BadRequest, OptionsTooLarge: nothing was written.
    """
    _refuse_undelegated(request)
    names = _names(state, request)
    options = read_options(state, request, origin="batch")
    options = replace(options, config={**options.config, **about_request(len(names.names))})
    check_options(len(json.dumps(options.config)) * len(names.names), len(names.names))
    tags = options.config.get("tags", ())
    profiles = _profiles(state, request, names.names, tags=tags)

    def write(session: Session, submitted: SubmittedBatch) -> None:
        ensure_tags(session, tags, now=submitted.batch.created_at)  # Each domain joins when its job ends.
        keep(session, _answer(submitted, names))

    jobs = _jobs(names, options, profiles)
    submitted = submit_batch(state.queue, _new_batch(state, request, names), jobs, write=write)
    structlog.contextvars.bind_contextvars(batch_id=submitted.batch.id)
    return _answer(submitted, names)


def submit_public_batch(state: State, domains: list[Any], options: RunOptions, profile: ChosenProfile) -> int:
    """Queue a batch whose results everyone can read who has their IDs, and return its number.

    Raises:
        BadRequest, OptionsTooLarge: nothing was written.
    """
    names = _names(state, {"domains": domains})
    options = replace(options, config={**options.config, "origin": "batch", **about_request(len(names.names))})
    check_options(len(json.dumps(options.config)) * len(names.names), len(names.names))
    numbers: list[int] = []

    def write(session: Session, submitted: SubmittedBatch) -> None:
        numbers.append(number_batch(session, submitted.batch))

    jobs = (replace(job, public_id=public_id_of_test(new_test_id())) for job in _jobs(names, options, {"": profile}))
    submitted = submit_batch(state.queue, _new_batch(state, {}, names), jobs, write=write)
    structlog.contextvars.bind_contextvars(batch_id=submitted.batch.id)
    return numbers[-1]


def _answer(submitted: SubmittedBatch, names: CheckedNames) -> dict[str, Any]:
    return {
        "batch_id": submitted.batch.id,
        "job_ids": list(submitted.job_ids),
        "job_count": submitted.job_count,
        "duplicate_count": names.duplicate_count,
        "duplicates": [asdict(item) for item in names.duplicates],
        "invalid_count": names.invalid_count,
        "invalid": [asdict(item) for item in names.invalid],
    }


def _refuse_undelegated(request: Mapping[str, Any]) -> None:
    if any(request.get(name) is not None for name in ("nameservers", "ds_info")):
        raise BadRequest(
            "undelegated_not_supported_for_batch",
            Text("nameservers and ds_info are not allowed in a batch; submit single jobs"),
        )


def _names(state: State, request: Mapping[str, Any]) -> CheckedNames:
    texts = request.get("domains") or []
    if texts and request.get("from_tag"):
        raise BadRequest("ambiguous_domains", Text("specify either domains or from_tag, not both"))
    if request.get("from_tag"):
        texts = _domains_of_tag(state, request["from_tag"])
    if not texts:
        raise BadRequest("missing_domain", Text("domains is empty"))
    limit = state.settings.max_batch_size
    if len(texts) > limit:
        raise BadRequest(
            "batch_too_large",
            Text("a batch can have at most {limit} domains", limit=limit),
            details={"limit": limit, "given": len(texts)},
        )
    names = read_names(texts)
    if names.invalid and (not request.get("skip_invalid") or not names.names):
        wrong, given = names.invalid_count, len(texts)
        singular = Text("{wrong} of {given} names is invalid; nothing was queued", wrong=wrong, given=given)
        plural = Text("{wrong} of {given} names are invalid; nothing was queued", wrong=wrong, given=given)
        raise BadRequest(
            "invalid_domain",
            singular if wrong == 1 else plural,
            details={"invalid_count": names.invalid_count, "invalid": [asdict(item) for item in names.invalid]},
        )
    return names


def _domains_of_tag(state: State, tag: str) -> list[str]:
    """Return the domains of a tag, at most one more than a batch may have.

    Raises:
        BadRequest: missing_domain.
    """
    with state.store.read_only() as session:
        names = list(islice(iter_tag_domains(session, tag), state.settings.max_batch_size + 1))
    if not names:
        raise BadRequest("missing_domain", Text("no domain has the tag {tag}", tag=repr(tag[:255])))
    return names


def _new_batch(state: State, request: Mapping[str, Any], names: CheckedNames) -> NewBatch:
    tags = [request["from_tag"]] if request.get("from_tag") else request.get("tags") or []
    return NewBatch(
        domain_count=len(names.names),
        tag=next(iter(tags), ""),
        name=request.get("name") or "",
        tags=tuple(dict.fromkeys([*tags, *(request.get("tags") or [])])),
        description=request.get("description") or "",
        snapshot_intent=bool(request.get("snapshot_intent")),
        promote_snapshot=bool(request.get("promote_snapshot_default")),
        keep=KeptPart(request["keep"]) if request.get("keep") else None,
        default_keep=KeptPart(state.settings.keep_runs),
    )


def _profiles(
    state: State, request: Mapping[str, Any], names: Iterable[str], *, tags: Iterable[str]
) -> dict[str, ChosenProfile]:
    """Choose the profile of each name; names that are not in the result use the profile under the empty name.

    Raises:
        BadRequest: profile_not_found.
        AmbiguousProfile: the tags of a domain, including the tags of this request, have different profiles.
    """
    with state.store.read_only() as session:
        if request.get("profile_id") is not None or request.get("profile_overrides"):
            return {"": named_profile(session, request.get("profile_id"))}
        common = profile_ids_of_tags(session, tags)
        by_name = {name: sorted({*ids, *common}) for name, ids in default_profile_ids(session, names).items()}
        for name, ids in {"": common, **by_name}.items():
            if len(ids) > 1:
                raise AmbiguousProfile(ids, name)
        known = {found: named_profile(session, found) for found in {*common, *(ids[0] for ids in by_name.values())}}
        chosen = {name: known[ids[0]] for name, ids in by_name.items()}
        return chosen | {"": known[common[0]] if common else ChosenProfile()}


def _jobs(names: CheckedNames, options: RunOptions, profiles: Mapping[str, ChosenProfile]) -> Iterator[NewJob]:
    return (
        new_job(name, options, priority=Priority.BATCH, profile=profiles.get(name, profiles[""]))
        for name in names.names
    )
