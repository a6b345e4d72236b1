"""Notifications of watches: webhook bodies, digests and mail texts."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from sqlalchemy.orm import Session

from gonemaster_db.core.ids import new_delivery_id
from gonemaster_db.core.json_text import dump_json
from gonemaster_db.core.levels import LEVELS
from gonemaster_db.models import Delivery, Watch, WatchDigest, WatchEvent
from gonemaster_db.service.deliveries import TEST, add_delivery
from gonemaster_engine.help.links import cause_url, tag_url

EVENTS_OF_WEBHOOK = 200
DIGEST = "digest"
PUBLIC_URL = "{public_url}"  # placeholder in bodies; each attempt replaces it with the current setting
HELP_URL = "{help_url}"  # as above: the documentation site, or the pages of the service
_LISTED = 50  # Domains per kind of change in a mail.
_MAIL_TAGS = 3
_WORDS = {
    WatchEvent.DOMAIN_REGRESSED: "regressed",
    WatchEvent.DOMAIN_RECOVERED: "recovered",
    WatchEvent.VERDICT_CHANGED: "with another verdict",
}
CHANGE_EVENTS = tuple(_WORDS)


def event_id(watch_id: int, event: str, name: str) -> str:
    """Return an id that is always the same for this event and watch; `name` identifies the occurrence."""
    return "evt_" + hashlib.blake2b(f"{watch_id}\n{event}\n{name}".encode(), digest_size=16).hexdigest()


def instant(moment: datetime) -> str:
    """Return a time in the format of the API."""
    return moment.isoformat().replace("+00:00", "Z")


def link_to(watch: Watch, event: str, details: Mapping[str, Any]) -> str:
    """Return the URL of the page that shows an event, without the value of the setting `public_url`."""
    match event:
        case WatchEvent.DOMAIN_REGRESSED | WatchEvent.DOMAIN_RECOVERED | WatchEvent.VERDICT_CHANGED:
            runs = f"before={details['previous']['run_id']}&after={details['run_id']}"
            path = f"/domains/{quote(details['domain'], safe='')}/compare?{runs}"
        case WatchEvent.BATCH_FINISHED:
            path = f"/batches/{details['batch_id']}"
        case WatchEvent.SNAPSHOT_CAPTURED:
            path = f"/cohorts/{details['cohort_id']}"  # a snapshot's own page needs the scope admin
        case WatchEvent.QUEUE_TROUBLE:
            path = "/"
        case WatchEvent.CDS_DECIDED:
            path = f"/cds-decisions/{details['decision_id']}"
        case WatchEvent.ROLLOVER_STEP | WatchEvent.ROLLOVER_BROKEN | WatchEvent.ROLLOVER_COMPLETED:
            path = f"/watches/{watch.id}/rollover"
        case _:
            path = f"/watches/{watch.id}"
    return f"{PUBLIC_URL}{path}"


def queue_webhooks(
    session: Session, watch: Watch, event: str, events: Sequence[Mapping[str, Any]], *, now: datetime
) -> int:
    """Queue deliveries that list the events; return their number."""
    pieces = range(0, len(events), EVENTS_OF_WEBHOOK)
    for first in pieces:
        piece = events[first : first + EVENTS_OF_WEBHOOK]
        delivery_id = new_delivery_id()
        body = _webhook_body(watch, event, piece, delivery_id, now)
        add_delivery(session, watch.id, event=event, body=body, now=now, count=len(piece), delivery_id=delivery_id)
    return len(pieces)


def queue_mail(
    session: Session, watch: Watch, event: str, subject: str, lines: Sequence[str], *, now: datetime, count: int = 1
) -> int:
    """Queue a mail about the subject of a watch; return 1."""
    add_delivery(session, watch.id, event=event, body=_mail_body(watch, subject, lines), now=now, count=count)
    return 1


def queue_message(
    session: Session, watch: Watch, event: str, name: str, details: Mapping[str, Any], *, now: datetime
) -> int:
    """Queue a single event that is not a change of a domain, for any kind of receiver."""
    if watch.email is None:
        return queue_webhooks(session, watch, event, [{"id": event_id(watch.id, event, name), **details}], now=now)
    lines = [f"{event} at {instant(now)}", "", *facts(details), "", link_to(watch, event, details)]
    return queue_mail(session, watch, event, event, lines, now=now)


class ObservedEvent(NamedTuple):
    """An event that an observing watch found: what identifies it, what webhooks receive, and the line of a mail."""

    name: str
    details: Mapping[str, Any]
    line: str


def queue_events(session: Session, watch: Watch, event: str, events: Sequence[ObservedEvent], *, now: datetime) -> int:
    """Queue events as webhooks or in one mail; return the number of deliveries. The watch may have no receiver."""
    if watch.url is not None:
        identified = [{"id": event_id(watch.id, event, each.name), **each.details} for each in events]
        return queue_webhooks(session, watch, event, identified, now=now)
    if watch.email is None:
        return 0
    lines = [each.line for each in events[:_LISTED]]
    if len(events) > _LISTED:
        lines.append(f"and {len(events) - _LISTED} more")
    subject = f"{event}: {len(events)} ({subject_of(watch)})"
    return queue_mail(session, watch, event, subject, lines, now=now, count=len(events))


def queue_test(session: Session, watch: Watch, *, now: datetime) -> Delivery:
    """Queue a test message, which shows whether the receiver can be reached."""
    delivery_id = new_delivery_id()
    text = "This is a test of a watch of gonemaster."
    if watch.email is None:
        body = _webhook_body(
            watch, TEST, [{"id": event_id(watch.id, TEST, delivery_id), "text": text}], delivery_id, now
        )
    else:
        body = _mail_body(watch, "test of a watch", [text])
    return add_delivery(session, watch.id, event=TEST, body=body, now=now, delivery_id=delivery_id)


def _webhook_body(
    watch: Watch, event: str, events: Sequence[Mapping[str, Any]], delivery_id: str, now: datetime
) -> str:
    return dump_json(
        {
            "delivery_id": delivery_id,
            "event": event,
            "created_at": instant(now),
            "watch": {"id": watch.id, "tag": watch.tag, "domain": watch.domain},
            "events": [{**_with_help(details), "url": link_to(watch, event, details)} for details in events],
        }
    )


def _with_help(details: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event whose tags and causes have the URLs of their pages."""
    found = dict(details)
    for word in ("new", "gone"):
        for kind, url in (("cause", cause_url), ("tag", tag_url)):
            listed = found.get(f"{word}_{kind}s")
            if listed:
                found[f"{word}_{kind}s"] = [{**each, "help": url(HELP_URL, each[kind])} for each in listed]
    return found


def _mail_body(watch: Watch, subject: str, lines: Sequence[str]) -> str:
    text = "\n".join([*lines, "", "-- ", f"Watch {watch.id}: {subject_of(watch)}", link_to(watch, DIGEST, {})])
    return dump_json({"subject": f"gonemaster: {subject}", "text": text})


def subject_of(watch: Watch) -> str:
    """Return the subject of a watch in words."""
    if watch.domain is not None:
        return f"domain {watch.domain}"
    return "the whole service" if watch.tag is None else f"tag {watch.tag}"


def facts(details: Mapping[str, Any], *, indent: str = "") -> Iterator[str]:
    """Yield a document as lines of text: values by name, then nested values, indented."""
    # Sorted, because PostgreSQL does not keep the order of the keys.
    for key, value in sorted(details.items(), key=lambda item: (isinstance(item[1], Mapping | list | tuple), item[0])):
        if isinstance(value, Mapping):
            yield f"{indent}{key}:"
            yield from facts(value, indent=indent + "  ")
        elif isinstance(value, list | tuple):
            yield f"{indent}{key}:"
            for item in value:
                nested = facts(item, indent=indent + "    ") if isinstance(item, Mapping) else [f"{indent}    {item}"]
                first, *rest = nested or [""]
                yield f"{indent}  - {first.strip()}"
                yield from rest
        elif value not in (None, ""):
            yield f"{indent}{key}: {value}"


def add_to_summary(
    summary: Mapping[str, Any], events: Mapping[WatchEvent, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Return the summary of a digest with more changes added: their number, and the worst ones."""
    joined: dict[str, Any] = {}
    for event in CHANGE_EVENTS:
        counts = summary.get(event.value, {"count": 0, "first": []})
        new = events.get(event, ())
        listed = sorted([*counts["first"], *new], key=_worst_first)[:_LISTED]
        joined[event.value] = {"count": counts["count"] + len(new), "first": listed}
    return joined


def _worst_first(change: Mapping[str, Any]) -> tuple[int, int, str]:
    tags = [*change["new_tags"], *change["gone_tags"]]
    level = max((LEVELS.index(tag["level"]) for tag in tags), default=0)
    return -abs(change["grade_drop"]), -level, change["domain"]


def queue_digest(
    session: Session,
    watch: Watch,
    digest: WatchDigest | None,
    *,
    now: datetime,
    batch: Mapping[str, Any] | None = None,
    about_end: bool = False,
) -> int:
    """Queue the mail about a batch or about single runs; `about_end` also reports the end of the batch.

    `batch` has the facts of the batch; None means single runs or a deleted batch.
    """
    summary = digest.summary if digest else add_to_summary({}, {})
    # A digest of an older release lacks the events that are new in this one.
    parts = {event: summary.get(event.value, {"count": 0, "first": []}) for event in CHANGE_EVENTS}
    counts = {event: part["count"] for event, part in parts.items()}
    notified = [f"{number} {_WORDS[event]}" for event, number in counts.items() if number]
    if about_end:
        notified.insert(0, "batch finished")
    lines: list[str] = []
    if batch is not None:
        shown = batch if about_end else {"batch_id": batch["batch_id"]}
        lines += [*facts(shown), link_to(watch, WatchEvent.BATCH_FINISHED, batch), ""]
    for event in CHANGE_EVENTS:
        lines += _change_lines(watch, event, parts[event])
    subject = f"{', '.join(notified)} ({subject_of(watch)})"
    count = sum(counts.values()) + int(about_end)
    return queue_mail(session, watch, DIGEST, subject, lines, now=now, count=count)


def _change_lines(watch: Watch, event: WatchEvent, part: Mapping[str, Any]) -> list[str]:
    count, listed = part["count"], part["first"]
    if not count:
        return []
    lines = [f"{count} {'domain' if count == 1 else 'domains'} {_WORDS[event]}:", ""]
    for change in listed:
        lines += [f"  {_change_line(event, change)}", f"    {link_to(watch, event, change)}"]
        lines += [f"    {url}" for url in _help_links(event, change)]
    if count > len(listed):
        lines.append(f"  and {count - len(listed)} more")
    return [*lines, ""]


def _help_links(event: WatchEvent, change: Mapping[str, Any]) -> list[str]:
    """Return the URLs of the pages about what a mail names of a domain that became worse."""
    if event is not WatchEvent.DOMAIN_REGRESSED:
        return []
    causes = [cause_url(HELP_URL, cause["cause"]) for cause in change.get("new_causes", ())]
    return (causes or [tag_url(HELP_URL, tag["tag"]) for tag in change["new_tags"]])[:_MAIL_TAGS]


def _change_line(event: WatchEvent, change: Mapping[str, Any]) -> str:
    if event is WatchEvent.VERDICT_CHANGED:
        verdicts = " -> ".join(change[side]["verdict"] for side in ("previous", "current"))
        return f"{change['domain']}: {verdicts} by the policy {change['current']['policy']} ({change['run_id']})"
    grades = [change[side]["grade"] or "no grade" for side in ("previous", "current")]
    word = "new" if event is WatchEvent.DOMAIN_REGRESSED else "gone"
    # Root causes describe a change; a change within a cause has message tags only. Older digests have no causes.
    causes = [cause["title"] for cause in change.get(f"{word}_causes", ())]
    tags = causes or [f"{tag['level']} {tag['tag']}" for tag in change[f"{word}_tags"]]
    named = tags[:_MAIL_TAGS]
    if len(tags) > _MAIL_TAGS:
        named.append("...")
    about = f"; {word}: {', '.join(named)}" if named else ""
    profile = "; the profile has changed" if change["profile_changed"] else ""
    return f"{change['domain']}: {grades[0]} -> {grades[1]}{about}{profile} ({change['run_id']})"
