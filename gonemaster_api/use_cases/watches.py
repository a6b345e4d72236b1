"""Watches: validation, changes and receiver tests."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.orm import Session

from gonemaster_api.errors import BadRequest, Conflict
from gonemaster_api.queries.policies.documents import chosen_policy
from gonemaster_api.state import State
from gonemaster_api.use_cases.submission.jobs import read_name
from gonemaster_db.core.clock import utcnow
from gonemaster_db.domains.tags import require_tag
from gonemaster_db.models import Delivery, Watch, WatchEvent, WatchKind
from gonemaster_db.service import watches
from gonemaster_db.service.audit import record_action
from gonemaster_db.service.deliveries import waiting_test
from gonemaster_db.service.observed_zones import make_due
from gonemaster_engine.texts import Text, joined, text_of
from gonemaster_tasks.config.mail_types import read_mail_address
from gonemaster_tasks.errors import BrokerUnavailable
from gonemaster_tasks.maintenance.watches.messages import queue_test
from gonemaster_tasks.notifications.failures import TargetRefused
from gonemaster_tasks.notifications.targets import read_target
from gonemaster_tasks.queues import DELIVER

log = structlog.get_logger(__name__)

_ROLLOVER_EVENTS = {WatchEvent.ROLLOVER_STEP, WatchEvent.ROLLOVER_BROKEN, WatchEvent.ROLLOVER_COMPLETED}
EVENTS_OF_KIND: Mapping[WatchKind, set[WatchEvent]] = {
    WatchKind.CHANGES: set(WatchEvent) - _ROLLOVER_EVENTS - {WatchEvent.CDS_DECIDED},
    WatchKind.CDS: {WatchEvent.CDS_DECIDED},
    WatchKind.ROLLOVER: _ROLLOVER_EVENTS,
}
# The times of the kinds that observe zones, with their defaults.
TIMES_OF_KIND: Mapping[WatchKind, Mapping[str, int]] = {
    WatchKind.CHANGES: {},
    WatchKind.CDS: {"interval_minutes": 24 * 60, "hold_down_days": 3},
    WatchKind.ROLLOVER: {"interval_minutes": 5, "window_hours": 48},
}
_TIMES = ("interval_minutes", "hold_down_days", "window_hours")
_OF_THE_SERVICE = {WatchEvent.QUEUE_TROUBLE}  # Events of the whole service do not need a tag or domain.


def make_watch(state: State, request: Mapping[str, Any], *, who: str) -> Watch:
    """Validate and store a watch.

    Raises:
        BadRequest: subject or receiver are missing, ambiguous or invalid; policy_not_found.
        TagNotFound: no such tag.
        TooManyWatches: the limit is reached.
    """
    events = [WatchEvent(name) for name in request["events"]]
    kind = WatchKind(request["kind"])
    _check_events(kind, events)
    subject = _subject_of(request, events)
    chosen: dict[str, Any] = {name: request[name] for name in ("min_level", "grade_drop", "policy")}
    chosen |= subject | _receiver_of(state, request) | {"kind": kind}
    chosen["transfer"] = request["transfer"]
    _check_transfer(kind, request)
    chosen |= _times(kind, {name: request[name] for name in _TIMES if name in request}, defaults=True)

    def store(session: Session) -> Watch:
        if subject["tag"] is not None:
            require_tag(session, subject["tag"])
        if chosen["policy"] is not None:
            chosen_policy(session, chosen["policy"])
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
    if domain is None and request["kind"] == WatchKind.ROLLOVER:
        raise BadRequest("missing_subject", Text("a watch of kind rollover needs a domain"))
    if tag is None and domain is None and set(events) - _OF_THE_SERVICE:
        raise BadRequest("missing_subject", Text("specify tag or domain, unless queue.trouble is the only event"))
    return {"tag": tag, "domain": None if domain is None else read_name(domain)}


def _check_events(kind: WatchKind, events: list[WatchEvent]) -> None:
    allowed = EVENTS_OF_KIND[kind]
    if not set(events) <= allowed:
        names = ", ".join(event.value for event in WatchEvent if event in allowed)
        raise BadRequest("invalid_events", Text("events of kind {kind} are {names}", kind=kind.value, names=names))


def _check_transfer(kind: WatchKind, request: Mapping[str, Any]) -> None:
    if request.get("transfer") and kind is not WatchKind.ROLLOVER:
        text = Text("{name} is not allowed with kind {kind}", name="transfer", kind=kind.value)
        raise BadRequest("invalid_transfer", text)


def _times(kind: WatchKind, given: Mapping[str, Any], *, defaults: bool) -> dict[str, Any]:
    """Return the columns of the times that a kind observes zones at; the other kinds have none.

    Raises:
        BadRequest: a time that the kind does not have.
    """
    known = TIMES_OF_KIND[kind]
    for name in given.keys() - known.keys():
        text = Text("{name} is not allowed with kind {kind}", name=name, kind=kind.value)
        raise BadRequest(f"invalid_{name}", text)
    times = {**(known if defaults else {}), **given}
    columns: dict[str, Any] = {}
    if "interval_minutes" in times:
        columns["interval_s"] = times["interval_minutes"] * 60
    if "hold_down_days" in times:
        columns["hold_down_s"] = times["hold_down_days"] * 86_400
    if "window_hours" in times:
        columns["ends_at"] = utcnow() + timedelta(hours=times["window_hours"])
    return columns


def _receiver_of(state: State, request: Mapping[str, Any]) -> dict[str, str | None]:
    url, email, secret = (request.get(name) for name in ("url", "email", "secret"))
    if url is not None and email is not None:
        raise BadRequest("ambiguous_receiver", Text("specify either url or email, not both"))
    if url is not None:
        return {"url": url, "host": _host_of(state, url), "secret": secret}
    if email is None and request["kind"] != WatchKind.CHANGES and secret is None:
        return {}  # The feed of decisions is enough.
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
        BadRequest: the receiver is invalid, or its kind differs from before; policy_not_found.
        WatchNotFound: no such watch.
    """

    def store(session: Session) -> Watch:
        watch = watches.get_watch(session, watch_id)
        changes = dict(request)
        _check_receiver(state, watch, changes)
        if "events" in changes:
            _check_events(watch.kind, [WatchEvent(name) for name in changes["events"]])
        _check_transfer(watch.kind, changes)
        if changes.get("policy") not in (None, watch.policy):
            chosen_policy(session, changes["policy"])
        given = {name: changes.pop(name) for name in _TIMES if name in changes}
        changes |= _times(watch.kind, given, defaults=False)
        now = utcnow()
        if given:
            make_due(session, watch_id, now=now)
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
        Conflict: watch_disabled, no_receiver.
    """

    def queue(session: Session) -> Delivery:
        watch = watches.get_watch(session, watch_id)
        if not watch.enabled:
            raise Conflict("watch_disabled", Text("the watch is disabled"))
        if watch.url is None and watch.email is None:
            raise Conflict("no_receiver", Text("the watch has neither url nor email"))
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
