"""Fetches reference data on request of an operator, or at an interval if enabled."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gonemaster_db.core.session import Store
from gonemaster_db.service.reference_lists import record_failure, reserve_attempt, save_reference_list
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.reference_data.download import download, reason_of
from gonemaster_tasks.reference_data.rdap import BOOTSTRAP, parse_services
from gonemaster_tasks.reference_data.tlds import IANA_TLDS, TldList, parse_tlds

log = logging.getLogger(__name__)

_MAX_OCTETS = 1_000_000  # bytes; the list of top-level domains has 10,000, the list of RDAP services 50,000


class FetchFailed(TasksError):
    """Fetching a list failed; the message says why."""


@dataclass(frozen=True)
class _Fetched:
    """A list in its stored form: version and lines."""

    version: str
    lines: list[str]


@dataclass(frozen=True)
class _Source:
    """An external list: its name in the store, its setting, its URL and its parser."""

    name: str
    setting: str
    url: Callable[[Settings], str]
    parse: Callable[[str], _Fetched]


def _read_tlds(text: str) -> _Fetched:
    found = parse_tlds(text)
    return _Fetched(found.version, sorted(found.names))


def _read_services(text: str) -> _Fetched:
    found = parse_services(text)
    return _Fetched(found.version, found.lines())


_TLDS = _Source(
    IANA_TLDS, "external_data.sources.iana_tlds", lambda settings: settings.external_data_source_iana_tlds, _read_tlds
)
_SERVICES = _Source(
    BOOTSTRAP,
    "external_data.sources.rdap_bootstrap",
    lambda settings: settings.external_data_source_rdap_bootstrap,
    _read_services,
)


def fetch_tlds(store: Store, settings: Settings, *, now: datetime) -> TldList:
    """Fetch the list of top-level domains and store it.

    Raises:
        FetchFailed: no valid list within the time limit; the previous list is kept, the failure recorded.
    """
    found = _fetch(store, settings, _TLDS, now=now)
    return TldList(found.version, frozenset(found.lines), now)


def _fetch(store: Store, settings: Settings, source: _Source, *, now: datetime) -> _Fetched:
    url, limit = source.url(settings), settings.external_data_timeout
    try:
        if not url:
            raise ValueError(f"{source.setting} is empty")
        found = source.parse(download(url, limit=limit, max_octets=_MAX_OCTETS).decode("utf-8"))
    except (OSError, ValueError) as error:
        text = f"{url}: {reason_of(error)}"
        store.run_in_transaction(lambda session: record_failure(session, source.name, error=text, now=now))
        raise FetchFailed(text) from error
    store.run_in_transaction(
        lambda session: save_reference_list(session, source.name, version=found.version, names=found.lines, now=now)
    )
    log.info("reference data fetched", extra={"list": source.name, "version": found.version, "lines": len(found.lines)})
    return found


def refresh_external_data(store: Store, settings: Settings, *, now: datetime) -> list[str]:
    """Fetch each list if that is enabled and its interval has passed; return the names of the fetched lists."""
    if not settings.external_data_enabled:
        return []
    return [source.name for source in (_TLDS, _SERVICES) if _refresh(store, settings, source, now=now)]


def _refresh(store: Store, settings: Settings, source: _Source, *, now: datetime) -> bool:
    interval = settings.external_data_refresh_interval
    if not store.run_in_transaction(lambda session: reserve_attempt(session, source.name, now=now, interval=interval)):
        return False
    try:
        _fetch(store, settings, source, now=now)
    except FetchFailed as error:
        log.warning("reference data not fetched", extra={"list": source.name, "error": str(error)})
        return False
    return True
