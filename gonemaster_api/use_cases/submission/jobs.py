"""Submission of jobs; names, tests, profile and undelegated data are checked before anything is stored."""

import ipaddress
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest
from gonemaster_api.queries.jobs.jobs import new_job_document
from gonemaster_api.queries.policies.documents import chosen_policy
from gonemaster_api.rest.document_errors import refusal
from gonemaster_api.rest.idempotency import Keep
from gonemaster_api.rest.parsing import storable
from gonemaster_api.rest.tag_names import check_tag_name
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.name_set import NameSet
from gonemaster_api.use_cases.submission.traced import submit_traced_job
from gonemaster_db.core.errors import ProfileNotFound
from gonemaster_db.core.records import NewJob
from gonemaster_db.core.session import Store
from gonemaster_db.domains.domains import ensure_domains
from gonemaster_db.domains.profiles import get_profile
from gonemaster_db.domains.tags import default_profile_ids, profile_ids_of_tags, single_profile_id, tag_domains
from gonemaster_db.models import Job, Priority, Run
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.errors import InvalidDomain, ProfileError, UnknownTestCase
from gonemaster_engine.names import normalize_domain
from gonemaster_engine.profile.callers import checked_of_caller
from gonemaster_engine.testcases.catalogue import select
from gonemaster_engine.texts import Text, text_of
from gonemaster_tasks.config.profiles import caller_limits, is_guarded
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.control.jobs import RUN_UNTIL
from gonemaster_tasks.control.policies.stored import policy_reference

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

MAX_REPORTED = 100
_OF_THE_REQUEST = ("request_id", "traceparent", RUN_UNTIL)  # fields that refer to the request that submitted a job
MAX_OVERRIDES = 64 * 1024  # bytes as JSON, twice the size of the whole default profile


@dataclass(frozen=True)
class RefusedDomain:
    """A name of a list that cannot be tested."""

    index: int
    domain: str
    reason: str


@dataclass(frozen=True)
class CheckedNames:
    """The valid names of a list in their order, and its invalid and duplicate names."""

    names: NameSet
    invalid: list[RefusedDomain] = field(default_factory=list)
    invalid_count: int = 0
    duplicates: list[RefusedDomain] = field(default_factory=list)
    duplicate_count: int = 0


def read_name(text: str) -> str:
    """Normalise the name of a single job.

    Raises:
        BadRequest: missing_domain, invalid_domain.
    """
    if not text.strip():
        raise BadRequest("missing_domain", Text("domain is empty"))
    try:
        return normalize_domain(text)
    except InvalidDomain as error:
        raise BadRequest(
            "invalid_domain", text_of(error), details={"domain": text[:255], "reason": error.reason}
        ) from error


def read_names(texts: Collection[Any]) -> CheckedNames:
    """Normalise the names of a batch; keep each name once and report the first 100 invalid and duplicate names."""
    names = NameSet(len(texts))
    invalid: list[RefusedDomain] = []
    doubles: list[RefusedDomain] = []
    wrong = again = 0
    for index, text in enumerate(texts):
        try:
            name = normalize_domain(text) if isinstance(text, str) else _refuse_type(text)
        except InvalidDomain as error:
            wrong += 1
            if wrong <= MAX_REPORTED:
                invalid.append(RefusedDomain(index, storable(error.name[:255]), error.reason))
            continue
        if not names.add(name):
            again += 1
            if again <= MAX_REPORTED:
                doubles.append(RefusedDomain(index, name, "duplicate"))
    return CheckedNames(names, invalid, wrong, doubles, again)


def _refuse_type(value: Any) -> str:
    raise InvalidDomain(json.dumps(value)[:255], Text("it is not a string"))


@dataclass(frozen=True)
class RunOptions:
    """Validated options of a test, in the form in which jobs store them."""

    config: Mapping[str, Any]
    expires_at: datetime | None


def read_options(state: State, request: Mapping[str, Any], *, origin: str) -> RunOptions:
    """Validate the options of a request.

    The expiry time is based on the shared clock, because workers compare it with that clock.

    Raises:
        BadRequest: invalid_tests, testcase_excluded, invalid_profile_overrides, invalid_undelegated, policy_not_found.
    """
    config = {
        "tests": _tests(request.get("tests") or (), state.settings.exclude),
        "overrides": _overrides(request.get("profile_overrides") or {}, state.settings),
        "nameservers": [read_nameserver(item) for item in request.get("nameservers") or ()],
        "ds": [_ds(item) for item in request.get("ds_info") or ()],
        "min_level": request.get("min_level"),
        "ipv4_disabled": request.get("ipv4_disabled"),
        "ipv6_disabled": request.get("ipv6_disabled"),
        "tags": _tags(request.get("tags") or ()),
        "policy": _policy(state, request.get("policy")),
        "origin": origin,
    }
    expires_in = request.get("expires_in")
    return RunOptions(
        {key: value for key, value in config.items() if value},
        state.queue.clock.now() + timedelta(seconds=expires_in) if expires_in else None,
    )


def _tests(names: Iterable[str], exclude: Sequence[str]) -> list[str]:
    excluded = {case.id for case in select(exclude)} if exclude else set()
    chosen = []
    for name in names:
        try:
            cases = {case.id for case in select((name,))}
        except UnknownTestCase as error:
            raise BadRequest("invalid_tests", text_of(error), details={"testcase": name[:64]}) from error
        if cases <= excluded:
            raise BadRequest(
                "testcase_excluded",
                Text("this server excludes {name}", name=repr(name)),
                details={"testcase": name.lower()},
            )
        chosen.append(name.lower())
    return list(dict.fromkeys(chosen))


def _overrides(document: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    if not document:
        return {}
    if (given := len(json.dumps(document))) > MAX_OVERRIDES:
        text = Text(
            "profile_overrides has {given} bytes; at most {max_overrides} are allowed. "
            "Store a profile and use profile_id",
            given=given,
            max_overrides=MAX_OVERRIDES,
        )
        raise BadRequest("invalid_profile_overrides", text)
    try:
        checked_of_caller(document, caller_limits(settings))
    except ProfileError as error:
        raise refusal("invalid_profile_overrides", error) from error
    return dict(document)


def read_nameserver(item: Mapping[str, Any]) -> dict[str, str]:
    """Validate a supplied name server, {ns, ip?}.

    Raises:
        BadRequest: invalid_undelegated.
    """
    try:
        nameserver = {"ns": normalize_domain(item["ns"])}
        if item.get("ip"):
            nameserver["ip"] = str(_unscoped(ipaddress.ip_address(item["ip"].strip())))
    except InvalidDomain as error:
        raise BadRequest("invalid_undelegated", Text("nameservers: {error}", error=text_of(error))) from error
    except ValueError as error:
        raise BadRequest(
            "invalid_undelegated", Text("nameservers: {item} is not an IP address", item=repr(item["ip"]))
        ) from error
    return nameserver


def _unscoped(address: Address) -> Address:
    if getattr(address, "scope_id", None):
        raise ValueError("an address must not have a zone identifier")
    return address


def check_targets(nameservers: Iterable[Mapping[str, str]], *, guarded: bool) -> None:
    """Reject supplied addresses that would not be queried; if `guarded`, only global addresses are accepted.

    Raises:
        BadRequest: private_undelegated_ip.
    """
    for nameserver in nameservers:
        address = nameserver.get("ip")
        if address and not is_allowed_target(address, guarded=guarded):
            text = (
                Text("nameservers: {address} is not a globally reachable address of another host", address=address)
                if guarded
                else Text("nameservers: {address} is not the address of a host", address=address)
            )
            raise BadRequest("private_undelegated_ip", text, details={"ns": nameserver["ns"], "ip": address})


def _ds(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "digest": item["digest"].strip().lower()}


def _policy(state: State, name: str | None) -> dict[str, str] | None:
    if name is None:
        return None
    with state.store.read_only() as session:
        return policy_reference(chosen_policy(session, name))


def _tags(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(check_tag_name(name.strip(), code="invalid_tags") for name in names))


@dataclass(frozen=True)
class ChosenProfile:
    """The stored profile of a job, or the server's default if there is no id."""

    id: int | None = None
    name: str = ""
    config: Mapping[str, Any] | None = None


def new_job(
    domain: str, options: RunOptions, *, priority: Priority, profile: ChosenProfile, public_id: str | None = None
) -> NewJob:
    """Build a job from its domain, options and profile."""
    return NewJob(
        domain=domain,
        public_id=public_id,
        priority=priority,
        config=options.config,
        expires_at=options.expires_at,
        profile_id=profile.id,
        profile_name=profile.name,
    )


def choose_profile(state: State, request: Mapping[str, Any], domain: str, *, tags: Sequence[str]) -> ChosenProfile:
    """Return the profile that a request names, or, without overrides, the default profile of the domain's tags.

    `tags` are the tags that the request adds to the domain.

    Raises:
        BadRequest: profile_not_found.
        AmbiguousProfile: the tags have different profiles.
    """
    profile_id = request.get("profile_id")
    if profile_id is None and not request.get("profile_overrides"):
        found = state.profiles_of_domains.do(domain, partial(_profiles_of_domains, state.store))
        if tags:
            with state.store.read_only() as session:
                found = [*found, *profile_ids_of_tags(session, tags)]
        profile_id = single_profile_id(found)
    if profile_id is None:
        return ChosenProfile()
    with state.store.read_only() as session:
        return named_profile(session, profile_id)


def _profiles_of_domains(store: Store, domains: Sequence[str]) -> list[list[int]]:
    with store.read_only() as session:
        found = default_profile_ids(session, domains)
    return [found.get(domain, []) for domain in domains]


def named_profile(session: Session, profile_id: int | None) -> ChosenProfile:
    """Return a stored profile, or the server's default if there is no id.

    Raises:
        BadRequest: profile_not_found.
    """
    if profile_id is None:
        return ChosenProfile()
    try:
        profile = get_profile(session, profile_id)
    except ProfileNotFound as error:
        raise BadRequest("profile_not_found", Text("no such profile: {profile_id}", profile_id=profile_id)) from error
    return ChosenProfile(profile_id, profile.name, profile.config)


def submit_single_job(state: State, request: Mapping[str, Any], *, keep: Keep) -> dict[str, Any]:
    """Queue a single job and return its document; `keep` stores the response in the same transaction.

    Raises:
        BadRequest: nothing was written.
    """
    options = read_options(state, request, origin="admin")
    domain, tags = read_name(request["domain"]), options.config.get("tags", ())
    profile = choose_profile(state, request, domain, tags=tags)
    guarded = is_guarded(state.settings, (profile.config, options.config.get("overrides")))
    check_targets(options.config.get("nameservers", ()), guarded=guarded)

    def write(session: Session, job: Job) -> None:
        if tags:
            tag_domains(
                session, tags, ensure_domains(session, [domain], now=job.created_at).values(), now=job.created_at
            )
        keep(session, new_job_document(job))

    new = new_job(domain, options, priority=Priority.NORMAL, profile=profile)
    return new_job_document(submit_traced_job(state.queue, new, write=write, separate=bool(tags)))


def submit_job_again(state: State, old: Job | Run) -> dict[str, Any]:
    """Queue a job with the domain, options and profile of another job or run, and return its document.

    Raises:
        BadRequest: private_undelegated_ip, profile_not_found; nothing was written.
    """
    with state.store.read_only() as session:
        profile = named_profile(session, old.profile_id)
    options = RunOptions({name: value for name, value in old.config.items() if name not in _OF_THE_REQUEST}, None)
    guarded = is_guarded(state.settings, (profile.config, options.config.get("overrides")))
    check_targets(options.config.get("nameservers", ()), guarded=guarded)
    new = new_job(old.domain, options, priority=Priority.NORMAL, profile=profile)
    return new_job_document(submit_traced_job(state.queue, new, write=_store_nothing))


def _store_nothing(_session: Session, _job: Job) -> None:
    """Store nothing else with the job."""
