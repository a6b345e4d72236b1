"""The maintenance task of external data, if enabled: reference lists, registration data, AS names.

No user waits for this task. A lock in Redis lets one process at a time perform it, for a few seconds and in a separate
thread, so that slow external servers occupy no slot. The limit per minute applies to all processes together, because
it counts rows.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from time import monotonic

from sqlalchemy.orm import Session

from gonemaster_db.analysis.as_labels import count_label_attempts, store_labels, wanted_labels
from gonemaster_db.core.session import Store
from gonemaster_db.service.registrations import (
    count_registrations,
    drop_oldest_registrations,
    record_registration_failure,
    save_registration,
)
from gonemaster_engine.run.as_names import AsName
from gonemaster_tasks.broker.client import Broker
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.reference_data.download import download, reason_of
from gonemaster_tasks.reference_data.fetch import refresh_external_data
from gonemaster_tasks.reference_data.rdap import NotRdap, Services, current_services, parse_domain

log = logging.getLogger(__name__)

_LOCK, _LOCK_LIFE = "external_data", timedelta(minutes=2)
_WORK_FOR_S = 10.0
_MINUTE = timedelta(minutes=1)
_MAX_OCTETS = 256 * 1024  # The limit for the data of a domain, which usually have 10,000.
_LABELS_AT_A_TIME = 8
_RDAP = {"Accept": "application/rdap+json, application/json"}

Clock = Callable[[], datetime]
Stopped = Callable[[], bool]
LookUp = Callable[[Sequence[int]], Mapping[int, AsName | None]]


def follow_external_data(
    store: Store,
    broker: Broker,
    settings: Settings,
    *,
    look_up_as_names: LookUp | None,
    now: Clock,
    stopped: Stopped = lambda: False,
) -> None:
    """Perform due work for a few seconds, if external data are enabled and no other process performs it.

    Without `look_up_as_names`, other processes look up the AS names.
    """
    if not settings.external_data_enabled:
        return
    holder = secrets.token_hex(8)
    if not broker.locks.acquire(_LOCK, holder, _LOCK_LIFE):
        return
    until = monotonic() + _WORK_FOR_S

    def over() -> bool:
        return stopped() or monotonic() > until

    try:
        refresh_external_data(store, settings, now=now())
        if look_up_as_names is not None:
            label_ases(store, settings, look_up_as_names, now=now, stopped=over)
        fetch_registrations(store, broker, settings, now=now, stopped=over)
    finally:
        with suppress(BrokerUnavailable):  # The lock expires.
            broker.locks.release(_LOCK, holder)


def label_ases(
    store: Store, settings: Settings, look_up: LookUp, *, now: Clock, stopped: Stopped = lambda: False
) -> int:
    """Look up the holders of the ASes of the analysis within the limit per minute; return how many were determined."""
    labelled = 0
    while not stopped():
        with store.read_only() as session:
            remaining = settings.external_data_max_requests_per_minute - count_label_attempts(
                session, after=now() - _MINUTE
            )
            as_numbers = wanted_labels(
                session,
                known_before=now() - settings.external_data_record_ttl,
                failed_before=now() - settings.external_data_negative_ttl,
                limit=max(0, min(remaining, _LABELS_AT_A_TIME)),
            )
        if not as_numbers:
            break
        found = look_up(as_numbers)
        labels = {asn: name.label if (name := found.get(asn)) else None for asn in as_numbers}
        store.run_in_transaction(partial(store_labels, labels=labels, now=now()))
        labelled += sum(1 for label in labels.values() if label)
    if labelled:
        log.info("ASes labelled", extra={"ases": labelled})
    return labelled


def fetch_registrations(
    store: Store, broker: Broker, settings: Settings, *, now: Clock, stopped: Stopped = lambda: False
) -> int:
    """Fetch the requested registration data within the limit per minute; return the number of domains fetched."""
    fetched = 0
    while not stopped() and broker.registration_requests.count():
        with store.read_only() as session:
            services = current_services(session)
            tried = count_registrations(session, tried_after=now() - _MINUTE)
        if services is None or tried >= settings.external_data_max_requests_per_minute:
            break
        domain = broker.registration_requests.take()
        if domain is None:
            break
        fetched += _fetch(store, settings, services, domain, now=now())
    return fetched


def _fetch(store: Store, settings: Settings, services: Services, domain: str, *, now: datetime) -> bool:
    try:
        url = services.url_of(domain)
        if url is None:
            raise NotRdap("its registry has no RDAP service")
        limit, guarded = settings.external_data_timeout, settings.guard_forced
        octets = download(url, limit=limit, max_octets=_MAX_OCTETS, headers=_RDAP, global_only=guarded)
        content = parse_domain(octets.decode("utf-8"), domain).as_json()
    except (OSError, ValueError) as error:
        log.info("registration data not fetched", extra={"domain": domain, "error": reason_of(error)})
        note = partial(record_registration_failure, domain=domain, error=reason_of(error), now=now)
        return _store(store, settings, note, succeeded=False)
    save = partial(save_registration, domain=domain, content=content, source_url=url, now=now)
    return _store(store, settings, save, succeeded=True)


def _store(store: Store, settings: Settings, note: Callable[[Session], None], *, succeeded: bool) -> bool:
    """Store the result of an attempt; replace the oldest record if there are many."""

    def write(session: Session) -> None:
        note(session)
        drop_oldest_registrations(session, keep=settings.external_data_max_cached_records)

    store.run_in_transaction(write)
    return succeeded
