"""Checks before delegation: the request is validated, and its job queued in the tier of checks, or joined."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import marshmallow as ma
import structlog
from flask import g
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Unavailable
from gonemaster_api.queries.policies.documents import chosen_policy, submitted_policy
from gonemaster_api.queries.runs.checks import ORIGIN
from gonemaster_api.rest.idempotency import REPLAYED, Keep, answer_once
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import (
    ChosenProfile,
    RunOptions,
    check_targets,
    new_job,
    read_name,
    read_options,
)
from gonemaster_api.use_cases.submission.traced import submit_traced_job
from gonemaster_db.core.errors import StoreConflict, StoreUnavailable
from gonemaster_db.core.records import NewJob
from gonemaster_db.models import Job, Priority, RunStatus
from gonemaster_db.queue.jobs import find_final_states
from gonemaster_db.queue.pauses import is_paused
from gonemaster_db.queue.queue import states_of
from gonemaster_db.service.idempotency import find_response, forget_response, store_response
from gonemaster_engine.policies.policy import Policy
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.profiles import is_guarded
from gonemaster_tasks.control.jobs import POLICY, RUN_UNTIL, join_check, leave_check
from gonemaster_tasks.control.policies.stored import policy_reference
from gonemaster_tasks.queues import CHECK
from gonemaster_tasks.reference_data.tlds import current_tlds

_STORING_S = 0.8  # from the end of a run to its answer: the run is stored, and its end is reported
_OPEN_CHECK = "open-check:"  # prefix of the keys of open checks, among the keys of idempotent requests
_ATTEMPTS = 3
_WITHOUT_ANSWER = frozenset({RunStatus.CANCELED.value, RunStatus.EXPIRED.value, "deleted"})

log = structlog.get_logger(__name__)


class TicketSchema(ma.Schema):
    """What is stored for a repetition of a check: the answer itself is computed from the run."""

    run_id = ma.fields.String(required=True)
    key = ma.fields.String(required=True)
    domain = ma.fields.String(required=True)
    policy = ma.fields.Dict(required=True)
    deadline = ma.fields.Float(required=True)
    submitted_at = ma.fields.Float(required=True)


@dataclass(frozen=True)
class OpenCheck:
    """A check whose client waits for the answer; the times are POSIX seconds of the shared clock."""

    run_id: str
    key: str  # under which the same check finds it
    domain: str
    policy: Policy
    locale: str
    deadline: float
    submitted_at: float
    is_replayed: bool


@dataclass(frozen=True)
class Delegation:
    """The validated parts of a check that decide whether two checks are the same."""

    domain: str
    nameservers: Sequence[Mapping[str, str]]
    ds: Sequence[Mapping[str, Any]]
    policy: Policy
    options: RunOptions

    def digest(self, deadline_s: float, owner: str) -> str:
        """Return a digest of the check; checks of other tokens, and with another time limit, differ."""
        parts = [self.domain, self.nameservers, self.ds, self.policy.as_dict(), deadline_s, owner]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def open_check(state: State, request: Mapping[str, Any]) -> OpenCheck:
    """Queue a check, or join the same check if it is open.

    A repeated Idempotency-Key gets the first run, judged by the version of the policy that the first request had.

    Raises:
        BadRequest: missing_domain, invalid_domain, invalid_undelegated, private_undelegated_ip, policy_not_found,
            invalid_policy, unknown_parent; nothing was written.
        Unavailable: checks_paused; nothing was written.
        BrokerUnavailable: Redis is unavailable; nothing was written.
    """
    # A client that lost its connection left its check, which was canceled; its repetition needs a new run.
    ticket, _, headers = answer_once(
        state,
        TicketSchema,
        200,
        lambda keep: _submit(state, request, keep=keep),
        is_final=lambda ticket: _has_run(state, ticket["run_id"]),
    )
    with state.store.read_only() as session:
        policy = submitted_policy(session, ticket["policy"])
    join_check(state.queue, ticket["run_id"])
    return OpenCheck(**{**ticket, "policy": policy}, locale=request["locale"], is_replayed=REPLAYED in headers)


def _has_run(state: State, run_id: str) -> bool:
    """Return whether a check is open, or its run was not canceled."""
    with state.store.read_only() as session:
        return find_final_states(session, [run_id]).get(run_id) not in _WITHOUT_ANSWER


def read_delegation(state: State, request: Mapping[str, Any]) -> Delegation:
    """Validate domain, name servers, DS records and policy of a check.

    Raises:
        BadRequest: as `open_check`, except unknown_parent.
    """
    return delegation_of(state, request, read_policy(state, request["policy"]))


def delegation_of(state: State, request: Mapping[str, Any], policy: Policy) -> Delegation:
    """Validate domain, name servers and DS records of a check.

    Raises:
        BadRequest: missing_domain, invalid_domain, invalid_undelegated, private_undelegated_ip.
    """
    domain = read_name(request["domain"])
    options = read_options(
        state, {"nameservers": request["nameservers"], "ds_info": request.get("ds_info")}, origin=ORIGIN
    )
    nameservers, ds = options.config["nameservers"], options.config.get("ds", [])
    check_targets(nameservers, guarded=is_guarded(state.settings, (policy.profile,)))
    config = {**options.config, POLICY: policy_reference(policy)}
    return Delegation(domain, nameservers, ds, policy, RunOptions(config, None))


def read_policy(state: State, name: str) -> Policy:
    """Return the bundled or stored policy of a name.

    Raises:
        BadRequest: policy_not_found; invalid_policy if this engine rejects it.
    """
    with state.store.read_only() as session:
        return chosen_policy(session, name)


def check_parent(state: State, tlds: Collection[str], domain: str) -> None:
    """Reject a name under no known top-level domain, unless the server tests under other root servers.

    Raises:
        BadRequest: unknown_parent.
    """
    *above, tld = domain.split(".")
    if not above or state.settings.root_hints_path or tld in tlds:
        return
    text = Text("{tld} is not a top-level domain; the domain must be below a zone that exists", tld=repr(tld))
    raise BadRequest("unknown_parent", text, details={"domain": domain})


def _submit(state: State, request: Mapping[str, Any], *, keep: Keep) -> dict[str, Any]:
    """Return the ticket of a new check, or of the same check if it is open."""
    delegation = read_delegation(state, request)
    now = state.queue.clock.now()
    with state.store.read_only() as session:
        check_parent(state, current_tlds(session).names, delegation.domain)
        if is_paused(session, CHECK, now=now):
            raise Unavailable("checks_paused", Text("an operator has paused checks before delegation"))
    identity = g.get("identity")
    digest = delegation.digest(request["deadline_seconds"], identity.token.digest if identity else "")
    key, deadline = f"{_OPEN_CHECK}{digest}", now + timedelta(seconds=request["deadline_seconds"])
    run_until = deadline - timedelta(seconds=_STORING_S)
    options = RunOptions({**delegation.options.config, RUN_UNTIL: run_until.timestamp()}, run_until)
    new = new_job(delegation.domain, options, priority=Priority.CHECK, profile=ChosenProfile())
    for _ in range(_ATTEMPTS):
        found, replaced = _find_open(state, key, digest, now)
        if found is not None:
            state.store.run_in_transaction(partial(_keep, keep, found))
            return found
        try:
            return _queue(state, new, _Reservation(key, digest, replaced), now=now, deadline=deadline, keep=keep)
        except _IsOpen:  # the same check was submitted in the meantime
            continue
    raise StoreConflict("the same check is submitted again and again")


def _keep(keep: Keep, ticket: Mapping[str, Any], session: Session) -> None:
    keep(session, ticket)


class _IsOpen(Exception):
    """The same check is open."""


@dataclass(frozen=True)
class _Reservation:
    """The key of an open check, and the time of the ended check that has it."""

    key: str
    digest: str
    replaced: datetime | None


def _find_open(state: State, key: str, digest: str, now: datetime) -> tuple[dict[str, Any] | None, datetime | None]:
    """Return the ticket of an open check, or else the time of the ended check that has the key."""
    with state.store.read_only() as session:
        found = find_response(session, key, request_hash=digest, now=now)
        if found is None:
            return None, None
        ticket: dict[str, Any] = found.response
        is_open = ticket["deadline"] > now.timestamp() and ticket["run_id"] in states_of(session, [ticket["run_id"]])
        return (ticket, None) if is_open else (None, found.created_at)


def _queue(
    state: State, new: NewJob, reservation: _Reservation, *, now: datetime, deadline: datetime, keep: Keep
) -> dict[str, Any]:
    tickets: list[dict[str, Any]] = []

    def write(session: Session, job: Job) -> None:
        ticket = {
            "run_id": job.id,
            "key": reservation.key,
            "domain": new.domain,
            "policy": new.config[POLICY],
            "deadline": deadline.timestamp(),
            "submitted_at": now.timestamp(),
        }
        if reservation.replaced is not None:
            forget_response(session, reservation.key, created_at=reservation.replaced)
        try:
            store_response(
                session, reservation.key, request_hash=reservation.digest, status_code=200, response=ticket, now=now
            )
        except StoreConflict as error:
            raise _IsOpen from error
        keep(session, ticket)
        tickets.append(ticket)

    submit_traced_job(state.queue, new, write=write, separate=True)
    return tickets[-1]


def close_check(state: State, check: OpenCheck) -> None:
    """End the wait of a client: cancel the check if no other client waits for it, and let it be submitted again."""
    leave_check(state.queue, check.run_id)
    submitted_at = datetime.fromtimestamp(check.submitted_at, UTC)
    try:
        state.store.run_in_transaction(
            lambda session: forget_response(session, check.key, created_at=submitted_at), attempts=1
        )
    except (StoreConflict, StoreUnavailable) as error:  # The key is removed after a day.
        log.warning("key of a check not removed", run_id=check.run_id, error=str(error))
