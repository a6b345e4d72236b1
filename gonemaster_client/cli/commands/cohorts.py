"""Commands about cohorts: snapshots, schedules and reports."""

from __future__ import annotations

import argparse
from typing import Any

from gonemaster_client.calls import cohorts
from gonemaster_client.cli import UsageError
from gonemaster_client.cli.session import Session

_COHORTS = {
    "ID": "id", "Tag": "source_tag", "Label": "label", "Analysis": "analysis_enabled", "Public": "public_enabled",
    "Default": "is_default", "State": "materialization_status",
}  # fmt: skip
_SNAPSHOTS = {
    "Slug": "slug", "Label": "label", "Status": "status", "Domains": "domain_count", "Captured": "captured_at",
    "Public": "is_public", "Default": "is_default",
}  # fmt: skip
_SCHEDULES = {
    "Cohort": "source_tag", "Rule": "summary", "Enabled": "enabled", "Next": "next_run_at", "Last": "last_run_at",
    "Outcome": "last_outcome",
}  # fmt: skip
_RULE = (
    "enabled", "kind", "interval_days", "anchor_date", "weekdays", "days_of_month", "last_day", "time_of_day",
    "timezone", "profile_id", "promote_default", "catch_up", "keep",
)  # fmt: skip


def search(session: Session, options: argparse.Namespace) -> None:
    """List cohorts."""
    session.output.items(session.client.send(cohorts.search()), _COHORTS, empty="No cohorts.")


def snapshots(session: Session, options: argparse.Namespace) -> None:
    """List the snapshots of a cohort."""
    found = session.client.send(cohorts.snapshots(_id_of(session, options.tag)))
    session.output.items(found, _SNAPSHOTS, empty="No snapshots.")


def schedules(session: Session, options: argparse.Namespace) -> None:
    """List all schedules."""
    session.output.items(session.client.send(cohorts.schedules()), _SCHEDULES, empty="No schedules.")


def schedule(session: Session, options: argparse.Namespace) -> None:
    """Show, set or remove the schedule of a cohort."""
    given: Any = {name: getattr(options, name) for name in _RULE if getattr(options, name) is not None}
    if given and options.action != "set":
        raise UsageError(f"the rule is only used by 'cohorts schedule {options.tag} set'")
    cohort_id = _id_of(session, options.tag)
    if options.action == "set":
        session.output.document(session.client.send(cohorts.set_schedule(cohort_id, **given)))
    elif options.action == "remove":
        session.client.send(cohorts.remove_schedule(cohort_id))
        session.output.document({"removed": options.tag})
    else:
        session.output.document(session.client.send(cohorts.schedule(cohort_id)))


def _id_of(session: Session, tag: str) -> int:
    found = session.client.send(cohorts.search())
    for cohort in found:
        if cohort["source_tag"] == tag:
            return cohort["id"]
    known = ", ".join(cohort["source_tag"] for cohort in found) or "none"
    raise UsageError(f"no cohort has the tag {tag}; cohorts: {known}")


def report(session: Session, options: argparse.Namespace) -> None:
    """Compare two snapshots of a public cohort."""
    tag = options.tag or session.client.send(cohorts.catalog())["default_tag"]
    if not tag:
        raise UsageError("the service has no default cohort: name the tag of a cohort")
    before, after = _slugs(session, tag, options.before, options.after)
    sizes: Any = {"min_cluster": options.min_cluster, "max_spread": options.max_spread}
    document = session.client.send(cohorts.report(tag, before=before, after=after, **sizes))
    if session.output.is_pretty:
        from gonemaster_client.cli.report import as_markdown

        for line in as_markdown(document):
            session.output.line(line)
    else:
        session.output.json(document)


def _slugs(session: Session, tag: str, before: str | None, after: str | None) -> tuple[str, str]:
    """Return the snapshots to compare: by default the newest, and the one that was captured before it."""
    if before and after:
        return before, after
    found = session.client.send(cohorts.public_snapshots(tag))["snapshots"]
    slugs = [each["slug"] for each in found]  # newest first
    after = after or next(iter(slugs), "")
    if after not in slugs:
        raise UsageError(f"the cohort {tag} has no public snapshot {after}".rstrip())
    earlier = slugs[slugs.index(after) + 1 :]
    if not before and not earlier:
        raise UsageError(f"the cohort {tag} has no snapshot before {after}: name one with --from")
    return before or earlier[0], after
