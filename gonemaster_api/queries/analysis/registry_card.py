"""What the registry of a domain says about it, as far as it has been fetched; a page never waits for it."""

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
    """Return `rdap_url` and `registry` of a domain of a snapshot, and queue what is missing or old.

    Both are null where external data are not enabled; the URL is, where no service is known.

    Raises:
        BadRequest, NotFound: as the rest of the detail; only what is in a snapshot is asked for elsewhere.
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
    elif (state in (STALE, PENDING)) and _may_be_asked(reading, found) and not _wish(reading, domain):
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
    return PENDING if _may_be_asked(reading, found) else UNAVAILABLE


def _may_be_asked(reading: ViewReading, found: Registration | None) -> bool:
    """Say whether the last failure is long enough ago."""
    if found is None or not found.last_error:
        return True
    return bool(utcnow() - found.tried_at >= reading.state.settings.external_data_negative_ttl)


def _wish(reading: ViewReading, domain: str) -> bool:
    """Queue a domain; False if that is not possible."""
    try:
        return reading.state.broker.wishes.add(domain, at=utcnow().timestamp())
    except BrokerUnavailable:
        log.info("registration data not asked for, since the broker is away", domain=domain)
        return False
