"""DNS lookups for the API: delegations and AS names. Waiting lookups occupy threads, so their number is limited."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from gonemaster_api.errors import Unavailable
from gonemaster_api.lookups import NAMES_WAIT_S, TooManyLookups
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import read_name
from gonemaster_api.use_cases.submission.public import public_targets_are_guarded
from gonemaster_engine.addresses import is_allowed_target
from gonemaster_engine.run.as_names import AsName
from gonemaster_engine.texts import Text
from gonemaster_engine.zone.delegation_data import DelegationData

Found = TypeVar("Found")


def look_up_public_delegation(state: State, text: str) -> dict[str, Any]:
    """Return the result of `look_up_delegation` under the rules for public jobs."""
    return look_up_delegation(state, text, guarded=public_targets_are_guarded(state.settings))


def look_up_delegation(state: State, text: str, *, guarded: bool) -> dict[str, Any]:
    """Return the name servers and DS records of a domain from DNS, in the form that a job accepts.

    Addresses that a job must not query are omitted; if `guarded`, only global addresses are returned.

    Raises:
        BadRequest: invalid_domain.
        Unavailable: too_many_lookups, lookup_timeout.
    """
    found = _looked_up(state, state.lookups.delegation, read_name(text))
    return {
        "nameservers": list(_nameservers(found, guarded=guarded)),
        "ds_records": [
            {"keytag": ds.keytag, "algorithm": ds.algorithm, "digtype": ds.digtype, "digest": ds.digest}
            for ds in found.ds
        ],
    }


def look_up_public_addresses(state: State, text: str) -> list[str]:
    """Return the addresses of a host name that a public job may query.

    Raises:
        BadRequest: invalid_domain.
        Unavailable: too_many_lookups, lookup_timeout.
    """
    guarded = public_targets_are_guarded(state.settings)
    found = _looked_up(state, state.lookups.addresses, read_name(text))
    return [address for address in found if is_allowed_target(address, guarded=guarded)]


def _looked_up(state: State, look_up: Callable[[str], Found], domain: str) -> Found:
    with _waiting_slot(state) as has_place:
        if not has_place:
            raise _too_many()
        try:
            return look_up(domain)
        except TooManyLookups as error:
            raise _too_many() from error
        except TimeoutError as error:
            raise Unavailable(
                "lookup_timeout",
                Text("the name servers of the parent zones of {domain} did not answer in time", domain=domain),
            ) from error


def _too_many() -> Unavailable:
    return Unavailable("too_many_lookups", Text("too many lookups are in progress"))


def _nameservers(found: DelegationData, *, guarded: bool) -> Iterator[dict[str, str]]:
    usable = [(ns, ip) for ns, ip in found.nameservers if ip is not None and is_allowed_target(ip, guarded=guarded)]
    with_address = {ns for ns, _ in usable}
    lacking = {ns for ns, _ in found.nameservers} - with_address
    for ns, ip in sorted([*usable, *((ns, "") for ns in lacking)]):
        yield {"ns": ns, "ip": ip} if ip else {"ns": ns}


def name_asns(state: State, asns: list[int]) -> dict[str, Any]:
    """Return ASes with the holders known within three seconds; `complete` is true if all are known."""
    with _waiting_slot(state) as has_place:
        found = state.lookups.as_names(asns, wait_s=NAMES_WAIT_S if has_place else 0)
    return {
        "complete": found.keys() >= set(asns),
        "asns": [_named(found.get(asn) or AsName(asn)) for asn in asns],
    }


def _named(name: AsName) -> dict[str, Any]:
    return {
        "asn": name.asn,
        "name": name.name,
        "handle": name.handle,
        "country": name.country,
        "label": name.label,
    }


@contextmanager
def _waiting_slot(state: State) -> Iterator[bool]:
    """Reserve one of the limited slots for waiting requests; yield whether a slot was free."""
    if not state.streams.acquire(blocking=False):
        yield False
        return
    try:
        yield True
    finally:
        state.streams.release()
