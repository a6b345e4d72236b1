"""Fetches the list of top-level domains, when an operator asks for it or at an interval where that is enabled."""

import logging
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic

from gonemaster_db.repositories.reference_lists import note_failure, save_reference_list, take_attempt
from gonemaster_db.session import Store
from gonemaster_engine.version import __version__
from gonemaster_tasks.config.settings import Settings
from gonemaster_tasks.errors import TasksError
from gonemaster_tasks.reference_data.tlds import IANA_TLDS, NotTheList, TldList, parse_tlds

log = logging.getLogger(__name__)

_MOST_OCTETS = 1_000_000  # the list has 10,000
_PIECE = 16_384


class FetchFailed(TasksError):
    """The list was not fetched; the message has the reason."""


def fetch_tlds(store: Store, settings: Settings, *, now: datetime) -> TldList:
    """Fetch the list and store it.

    Raises:
        FetchFailed: no answer within the time limit, or not the list; the one before is kept, the failure noted.
    """
    url, limit = settings.external_data_source_iana_tlds, settings.external_data_timeout
    try:
        found = parse_tlds(_download(url, limit))
    except (OSError, ValueError) as error:
        text = f"{url}: {_reason(error)}"
        store.run_in_transaction(lambda session: note_failure(session, IANA_TLDS, error=text, now=now))
        raise FetchFailed(text) from error
    store.run_in_transaction(
        lambda session: save_reference_list(session, IANA_TLDS, version=found.version, names=found.names, now=now)
    )
    log.info("list of top-level domains fetched", extra={"version": found.version, "names": len(found.names)})
    return found


def refresh_external_data(store: Store, settings: Settings, *, now: datetime) -> bool:
    """Fetch the list if that is enabled and an interval has passed; returns whether it was fetched."""
    if not settings.external_data_enabled:
        return False
    interval = settings.external_data_refresh_interval
    if not store.run_in_transaction(lambda session: take_attempt(session, IANA_TLDS, now=now, interval=interval)):
        return False
    try:
        fetch_tlds(store, settings, now=now)
    except FetchFailed as error:
        log.warning("list of top-level domains not fetched", extra={"error": str(error)})
        return False
    return True


def _download(url: str, limit: timedelta) -> str:
    """Return the text at a URL. The whole body has the time limit, not each octet. Raises OSError, ValueError."""
    if not url:
        raise NotTheList("external_data.sources.iana_tlds is empty")
    request = urllib.request.Request(url, headers={"User-Agent": f"gonemaster/{__version__}"})  # noqa: S310  # the setting accepts http and https only
    until = monotonic() + limit.total_seconds()
    opener = urllib.request.build_opener(_SameScheme)
    with opener.open(request, timeout=limit.total_seconds()) as response:
        return _read(response.read1, until).decode("ascii")


def _read(read: Callable[[int], bytes], until: float) -> bytes:
    pieces, length = [], 0
    while piece := read(_PIECE):
        length += len(piece)
        if length > _MOST_OCTETS:
            raise NotTheList(f"more than {_MOST_OCTETS} octets")
        if monotonic() > until:
            raise TimeoutError("the time limit has passed")
        pieces.append(piece)
    return b"".join(pieces)


class _SameScheme(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but never from https to http or to another scheme."""

    def redirect_request(self, req, fp, code, msg, headers, newurl):  # type: ignore[no-untyped-def]
        if not newurl.startswith(f"{req.type}://"):
            raise urllib.error.HTTPError(newurl, code, "redirect to another scheme", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None)
    return str(reason or error) or type(error).__name__
