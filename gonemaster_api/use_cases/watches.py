"""Watches: validation, changes and receiver tests."""

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import read_name
from gonemaster_db.core.clock import utcnow
from gonemaster_db.domains.tags import require_tag
from gonemaster_db.models import Delivery, Watch, WatchEvent
from gonemaster_db.service import watches
from gonemaster_db.service.audit import record_action
from gonemaster_db.service.deliveries import waiting_test
from gonemaster_engine.texts import Text, joined, text_of
from gonemaster_tasks.config.mail_types import read_mail_address
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.watches.messages import queue_test
from gonemaster_tasks.notifications.failures import TargetRefused
from gonemaster_tasks.notifications.targets import read_target
from gonemaster_tasks.queues import DELIVER

log = structlog.get_logger(__name__)

_OF_THE_SERVICE = {WatchEvent.QUEUE_TROUBLE}  # Events of the whole service do not need a tag or domain.


def make_watch(state: State, request: Mapping[str, Any], *, who: str) -> Watch:
    """Validate and store a watch.

    Raises:
        BadRequest: subject or receiver are missing, ambiguous or invalid.
        TagNotFound: no such tag.
        TooManyWatches: the limit is reached.
    """
    events = [WatchEvent(name) for name in request["events"]]
    subject = _subject_of(request, events)
    chosen: dict[str, Any] = {name: request[name] for name in ("min_level", "grade_drop")}
    chosen |= subject | _receiver_of(state, request)

    def store(session: Session) -> Watch:
        if subject["tag"] is not None:
            require_tag(session, subject["tag"])
        now = utcnow()
        watch = watches.create_watch(session, events=events, now=now, **chosen)
        details: dict[str, Any] = {name: value for name, value in subject.items() if value is not None}
        details |= {"events": watch.events, "receiver": _masked_receiver(watch)}
        record_action(session, "watch.create", who=who, now=now, target=str(watch.id), details=details)
        return watch

    return state.store.run_in_transaction(store)


def _subject_of(request: Mapping[str, Any], events: list[WatchEvent]) -> dict[str, str | None]:
    tag, domain = request.get("tag"), request.get("domain")
    if tag is not None and domain is not None:
        raise BadRequest("ambiguous_subject", Text("specify either tag or domain, not both"))
    if tag is None and domain is None and set(events) - _OF_THE_SERVICE:
        raise BadRequest("missing_subject", Text("specify tag or domain, unless queue.trouble is the only event"))
    return {"tag": tag, "domain": None if domain is None else read_name(domain)}


def _receiver_of(state: State, request: Mapping[str, Any]) -> dict[str, str | None]:
    url, email, secret = (request.get(name) for name in ("url", "email", "secret"))
    if url is not None and email is not None:
        raise BadRequest("ambiguous_receiver", Text("specify either url or email, not both"))
    if url is not None:
        return {"url": url, "host": _host_of(state, url), "secret": secret}
    if email is None:
        raise BadRequest("missing_receiver", Text("url or email is missing"))
    if secret is not None:
        raise BadRequest("invalid_secret", Text("secret is only allowed with url"))
    if not state.settings.smtp_url:
        raise BadRequest("email_not_configured", Text("email cannot be sent: the setting smtp_url is empty"))
    return {"email": _checked_email(email)}


def _host_of(state: State, url: str) -> str:
    try:
        return read_target(url, allow_private=state.settings.allow_private_webhooks).place
    except TargetRefused as error:
        raise BadRequest("invalid_url", joined(": ", ("url", text_of(error)))) from error


def _checked_email(text: str) -> str:
    try:
        return read_mail_address(text)
    except ValueError as error:
        raise BadRequest("invalid_email", joined(": ", ("email", text_of(error)))) from error


def _masked_receiver(watch: Watch) -> str:
    """Return the receiver for the audit; a URL is reduced to host and port, because its path may be a secret."""
    return watch.host if watch.email is None else watch.email


def change_watch(state: State, watch_id: int, request: Mapping[str, Any], *, who: str) -> Watch:
    """Change a watch.

    Raises:
        BadRequest: the receiver is invalid, or its kind differs from before.
        WatchNotFound: no such watch.
    """
    changes = dict(request)

    def store(session: Session) -> Watch:
        watch = watches.get_watch(session, watch_id)
        _check_receiver(state, watch, changes)
        now = utcnow()
        changed = watches.change_watch(session, watch_id, changes, now=now)
        details = {"changed": sorted(request), "receiver": _masked_receiver(changed)}
        record_action(session, "watch.change", who=who, now=now, target=str(watch_id), details=details)
        return changed

    return state.store.run_in_transaction(store)


def _check_receiver(state: State, watch: Watch, changes: dict[str, Any]) -> None:
    present, other = ("url", "email") if watch.email is None else ("email", "url")
    if other in changes:
        raise BadRequest(
            f"invalid_{other}",
            Text("this watch has {present}, which cannot be changed to {other}", present=present, other=other),
        )
    if "url" in changes:
        changes["host"] = _host_of(state, changes["url"])
    if "email" in changes:
        changes["email"] = _checked_email(changes["email"])
    if watch.email is not None and changes.get("secret") is not None:
        raise BadRequest("invalid_secret", Text("secret is only allowed with url"))


def remove_watch(state: State, watch_id: int, *, who: str) -> None:
    """Remove a watch. Raises WatchNotFound."""

    def remove(session: Session) -> None:
        watch = watches.delete_watch(session, watch_id)
        details = {"receiver": _masked_receiver(watch)}
        record_action(session, "watch.delete", who=who, now=utcnow(), target=str(watch_id), details=details)

    state.store.run_in_transaction(remove)


def queue_test_message(state: State, watch_id: int, *, who: str) -> Delivery:
    """Queue a test message, or return the waiting one; it is sent even while other messages wait after failures.

    Raises:
        WatchNotFound: no such watch.
        Conflict: watch_disabled.
    """

    def queue(session: Session) -> Delivery:
        watch = watches.get_watch(session, watch_id)
        if not watch.enabled:
            raise Conflict("watch_disabled", Text("the watch is disabled"))
        if waiting := waiting_test(session, watch_id):
            return waiting
        record_action(session, "watch.test", who=who, now=utcnow(), target=str(watch_id))
        return queue_test(session, watch, now=utcnow())

    delivery = state.store.run_in_transaction(queue)
    try:
        state.broker.lists.call(DELIVER)
    except BrokerUnavailable:
        log.warning("test of a watch is attempted once Redis answers", watch_id=watch_id)
    return delivery
