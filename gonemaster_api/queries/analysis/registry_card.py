"""Registration data of a domain from the cache; a page never waits for a fetch."""

import json
from typing import Any

import structlog

from gonemaster_api.queries.analysis.domain_detail import find_domain
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_db.core.clock import utcnow
from gonemaster_db.models import Registration
from gonemaster_db.service.registrations import find_registration
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.reference_data.rdap import RegistrationData, current_services

FRESH, STALE, PENDING, UNAVAILABLE = STATES = ("fresh", "stale", "pending", "unavailable")

log = structlog.get_logger(__name__)


def read_registry_card(reading: ViewReading, name: str) -> dict[str, Any]:
    """Return `rdap_url` and `registry` of a domain in a snapshot, and queue a fetch of missing or old data.

    Both are null if external data are disabled; `rdap_url` is null if no RDAP service is known.

    Raises:
        BadRequest, NotFound: the domain is not in the snapshot; only domains in a snapshot are fetched.
    """
    if not reading.state.settings.external_data_enabled:
        return {"rdap_url": None, "registry": None}
    domain = find_domain(reading, name).name
    services = current_services(reading.session)
    url = services.url_of(domain) if services else None
    found = find_registration(reading.session, domain)
    state = _state(reading, found)
    if services is not None and url is None:
        state = UNAVAILABLE
    elif (state in (STALE, PENDING)) and _can_retry(reading, found) and not _request(reading, domain):
        state = state if state == STALE else UNAVAILABLE
    data = json.loads(found.content) if found and found.content else vars(RegistrationData())
    fetched = {
        "fetched_at": found.fetched_at if found else None,
        "source_url": found.source_url or None if found else None,
    }
    return {"rdap_url": url, "registry": {"state": state} | fetched | data}


def _state(reading: ViewReading, found: Registration | None) -> str:
    if found is None:
        return PENDING
    if found.fetched_at is not None:
        return FRESH if utcnow() - found.fetched_at < reading.state.settings.external_data_record_ttl else STALE
    return PENDING if _can_retry(reading, found) else UNAVAILABLE


def _can_retry(reading: ViewReading, found: Registration | None) -> bool:
    """Return whether the last failure is long enough ago for another attempt."""
    if found is None or not found.last_error:
        return True
    return bool(utcnow() - found.tried_at >= reading.state.settings.external_data_negative_ttl)


def _request(reading: ViewReading, domain: str) -> bool:
    """Queue a domain; return False if it could not be queued."""
    try:
        return reading.state.broker.registration_requests.add(domain, at=utcnow().timestamp())
    except BrokerUnavailable:
        log.info("registration data not requested, the broker is unavailable", domain=domain)
        return False
