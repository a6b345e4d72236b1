"""Submission of tests and batches of Zonemaster's API under the rules for public jobs."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.batches import submit_public_batch
from gonemaster_api.use_cases.submission.jobs import ChosenProfile, RunOptions, check_targets, new_job, read_options
from gonemaster_api.use_cases.submission.public import choose_public_profile, public_targets_are_guarded
from gonemaster_api.use_cases.submission.traced import submit_traced_job
from gonemaster_db.core.errors import JobNotFound, StoreConflict
from gonemaster_db.core.ids import new_test_id, public_id_of_test
from gonemaster_db.domains.profiles import list_profiles
from gonemaster_db.models import IdempotencyKey, Job, Priority, RunStatus
from gonemaster_db.queue.jobs import find_by_public_id
from gonemaster_db.service.idempotency import find_response, forget_response, store_response
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.profiles import cached_base_profile

DEFAULT_PROFILE = "default"
_PROFILE_NAME = re.compile("[a-z0-9]|[a-z0-9][a-z0-9_-]{0,30}[a-z0-9]", re.ASCII)
_STORED = ("client_id", "client_version")


@dataclass(frozen=True, kw_only=True)
class _Order:
    """The options and the profile of a test, in the form of this service."""

    options: RunOptions
    profile: ChosenProfile


def public_profiles(state: State) -> dict[str, ChosenProfile]:
    """Return the public profiles whose names Zonemaster allows, by name in lower case."""
    with state.store.read_only() as session:
        profiles = list_profiles(session, public_only=True)
    found = {item.name.lower(): ChosenProfile(item.id, item.name, item.config) for item in profiles}
    return {name: profile for name, profile in found.items() if _PROFILE_NAME.fullmatch(name)}


def start_test(state: State, params: Mapping[str, Any]) -> str:
    """Queue a test and return its ID, or the ID of a recent test with the same parameters.

    Raises:
        BadRequest: nothing was written.
    """
    domain = params["domain"]
    order = _order(state, params, domain, priority=10)
    key = _key_of(domain, order)
    earlier = _earlier(state, key)
    if earlier and _is_recent(state, earlier):
        return str(earlier.response)
    test_id = new_test_id()

    def write(session: Session, job: Job) -> None:
        if earlier:
            forget_response(session, key, created_at=earlier.created_at)
        store_response(session, key, request_hash=key, status_code=200, response=test_id, now=job.created_at)

    job = new_job(
        domain,
        order.options,
        priority=Priority.NORMAL,
        profile=order.profile,
        public_id=public_id_of_test(test_id),
    )
    try:
        submit_traced_job(state.queue, job, write=write)
    except StoreConflict:  # a concurrent request for the same test was first
        first = _earlier(state, key)
        if first is None:
            raise
        return str(first.response)
    return test_id


def start_batch(state: State, domains: list[Any], params: Mapping[str, Any]) -> int:
    """Queue a test of each domain in the batch tier and return the number of the batch.

    Raises:
        BadRequest, OptionsTooLarge: nothing was written.
    """
    order = _order(state, params, "", priority=5)
    return submit_public_batch(state, domains, order.options, order.profile)


def _order(state: State, params: Mapping[str, Any], domain: str, *, priority: int) -> _Order:
    name = params.get("profile") or DEFAULT_PROFILE
    profile = _named(state, name, domain)
    base = cached_base_profile(state.settings)
    server = {"ipv4": base.ipv4, "ipv6": base.ipv6}
    net = server | dict((profile.config or {}).get("net") or {})
    wanted = {family: params.get(family) for family in ("ipv4", "ipv6")}
    # A client may enable what a stored profile disables, and not what the server disables.
    changed = {family: True for family, value in wanted.items() if value and server[family] and not net[family]}
    enabled = {family: net[family] if value is None else value and server[family] for family, value in wanted.items()}
    request = {
        "nameservers": params.get("nameservers"),
        "ds_info": params.get("ds_info"),
        "ipv4_disabled": wanted["ipv4"] is False,
        "ipv6_disabled": wanted["ipv6"] is False,
        "profile_overrides": {"net": changed} if changed else None,
    }
    options = read_options(state, request, origin="public")
    guarded = public_targets_are_guarded(state.settings, profile)
    check_targets(options.config.get("nameservers", ()), guarded=guarded)
    record = enabled | {"profile": name, "priority": params.get("priority", priority), "queue": params.get("queue", 0)}
    record |= {name: params[name] for name in _STORED if name in params}
    return _Order(options=replace(options, config={**options.config, "zonemaster": record}), profile=profile)


def _named(state: State, name: str, domain: str) -> ChosenProfile:
    if name != DEFAULT_PROFILE:
        if found := public_profiles(state).get(name):
            return found
        raise BadRequest("profile_not_found", Text("Unknown profile"))
    if not domain:
        return ChosenProfile()
    with state.store.read_only() as session:
        return choose_public_profile(session, None, domain)


def _key_of(domain: str, order: _Order) -> str:
    """Return the key of all requests for the same test; priority, queue and client do not matter."""
    config = order.options.config
    same = [domain, order.profile.id, config["zonemaster"]["profile"]]
    same += [config["zonemaster"][family] for family in ("ipv4", "ipv6")]
    same += [
        sorted(json.dumps(item, sort_keys=True) for item in config.get(name, ())) for name in ("nameservers", "ds")
    ]
    return f"zonemaster:{hashlib.sha256(json.dumps(same).encode()).hexdigest()[:48]}"


def _earlier(state: State, key: str) -> IdempotencyKey | None:
    with state.store.read_only() as session:
        return find_response(session, key, request_hash=key, now=state.queue.clock.now())


def _is_recent(state: State, earlier: IdempotencyKey) -> bool:
    """Return whether a test waits, or has started recently and was not stopped."""
    reuse: timedelta = state.settings.zonemaster_reuse
    try:
        with state.store.read_only() as session:
            found = find_by_public_id(session, public_id_of_test(str(earlier.response)))
    except JobNotFound:  # its result was purged
        return False
    if found.started_at is None:
        return isinstance(found, Job)
    is_usable = isinstance(found, Job) or found.status is RunStatus.SUCCEEDED
    return is_usable and state.queue.clock.now() - found.started_at < reuse
