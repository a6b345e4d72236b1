"""The overview of a snapshot: tiles, distributions, biggest movers, top findings and name servers."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for

from gonemaster_api.queries.analysis.overview import read_overview
from gonemaster_api.queries.analysis.reading import ViewReading
from gonemaster_api.queries.analysis.report import read_movers
from gonemaster_api.state import state
from gonemaster_api.ui.analysis.frame import render_view
from gonemaster_api.ui.analysis.sentences import opening, read_tag_changes
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_db.analysis.categories import (
    BY_NAME,
    CAUSE,
    DNSKEY_ALGO,
    DNSKEY_ALGO_WEAKEST,
    DNSSEC_POSTURE,
    GRADE,
    SEVERITY,
)
from gonemaster_db.analysis.histories import read_distributions
from gonemaster_db.analysis.public_snapshots import PublicSnapshot
from gonemaster_tasks.config.scoring import current_scoring

_MOVERS = 5
_CAUSES = 10
_POINTS = 24
_FILTERS = {SEVERITY: "worst_level", GRADE: "grade", DNSSEC_POSTURE: "dnssec_posture"}
_SHADES = ("s1", "ok", "notice", "warning", "error", "critical")

blueprint = Blueprint("ui_analysis", __name__, url_prefix="/analysis")


@dataclass(frozen=True)
class Tile:
    """A share of the domains, or their number, over the snapshots."""

    label: str
    values: list[float | None]
    is_share: bool = True

    @property
    def value(self) -> float | None:
        """The newest value."""
        return self.values[-1] if self.values else None

    @property
    def change(self) -> float | None:
        """The change since the previous snapshot, in percentage points or domains."""
        known = self.values[-2:]
        if len(known) < len("ab") or known[0] is None or known[1] is None:
            return None
        return known[1] - known[0]


@blueprint.get("/")
def show() -> Response:
    """Show the overview; redirect if the final slash is missing from the URL."""
    if not request.path.endswith("/"):
        query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
        return redirect(f"{url_for('ui_analysis.show')}{query}", HTTPStatus.MOVED_PERMANENTLY, Response=Response)  # type: ignore[return-value]  # redirect() returns this class
    return render_view("overview", "analysis/overview.html", _read, filters=_FILTERS, shade=_shade)


def _read(view: ViewReading) -> dict[str, Any]:
    found = read_overview(view)["overview"]
    until = [
        snapshot
        for snapshot in view.snapshots()
        if snapshot.captured_at <= view.shown.captured_at or snapshot.id == view.shown.id
    ]
    history = _history(view)
    distributions = {each["category"]: each["buckets"] for each in found["fact_distributions"]}
    before = history[-2] if len(history) > 1 else None
    changes = read_tag_changes(view, before)
    return {
        "sentences": opening(view, before),
        "tag_changes": changes if before else None,
        "causes": sorted(distributions.get(CAUSE, ()), key=lambda bucket: -bucket["count"])[:_CAUSES],
        "totals": found["totals"],
        "overview": found | {"top_asns": _once(found["top_asns"])},
        "facts": _different(found["fact_distributions"]),
        "tiles": list(_tiles(view, history)),
        "movers": _movers(view, history),
        "count": len(until),
    }


def _history(view: ViewReading) -> list[PublicSnapshot]:
    """Return the snapshots up to the selected one, oldest first."""
    snapshots = sorted(
        view.snapshots(), key=lambda snapshot: (snapshot.first_run_at or snapshot.captured_at, snapshot.id)
    )
    ids = [snapshot.id for snapshot in snapshots]
    end = ids.index(view.shown.id) + 1 if view.shown.id in ids else len(ids)
    return snapshots[max(0, end - _POINTS) : end]


def _tiles(view: ViewReading, history: Sequence[PublicSnapshot]) -> Iterable[Tile]:
    stored = read_distributions(view.session, [snapshot.view_id for snapshot in history])
    facts = [json.loads(stored[snapshot.view_id]) if stored.get(snapshot.view_id) else {} for snapshot in history]
    yield Tile(_("Domains"), [float(snapshot.domain_count) for snapshot in history], is_share=False)
    yield Tile(_("Without warnings"), [_share(distributions, SEVERITY, ("OK", "NOTICE")) for distributions in facts])
    if view.shows_scores:
        yield Tile(_("A or better"), [_share(distributions, GRADE, ("A+", "A")) for distributions in facts])
    yield Tile(
        _("Signed domains"),
        [_share(distributions, DNSSEC_POSTURE, ("nsec", "nsec3", "mixed", "signed")) for distributions in facts],
    )
    yield Tile(_("IPv6 on all servers"), [_share(distributions, "ipv6_coverage", ("full",)) for distributions in facts])


def _share(facts: Mapping[str, Mapping[str, int]], category: str, keys: Sequence[str]) -> float | None:
    counts = facts.get(category, {})
    whole = sum(counts.values())
    return 100 * sum(counts.get(key, 0) for key in keys) / whole if whole else None


def _movers(view: ViewReading, history: Sequence[PublicSnapshot]) -> dict[str, Any] | None:
    """Return the domains with the largest score changes since the previous snapshot, in both directions."""
    if len(history) < len("ab") or not view.shows_scores:
        return None
    before = history[-2]
    config = current_scoring(state().store, state().settings)
    found, total = read_movers(view, before, view.shown, config, maximum=_MOVERS)
    ordered = sorted(found, key=lambda domain: (-abs(domain["delta"]), domain["domain"]))
    return {"domains": ordered[:_MOVERS], "total": total, "before": before}


def _once(networks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the networks with one entry per operator, the largest."""
    found: dict[str, Mapping[str, Any]] = {}
    for network in networks:
        found.setdefault(network["label"] or f"AS{network['asn']}", network)
    return list(found.values())


def _different(distributions: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the distributions of single values, without the weakest algorithm if it repeats the algorithms."""
    counts = {
        each["category"]: {bucket["label"]: bucket["count"] for bucket in each["buckets"]} for each in distributions
    }
    is_repeated = counts.get(DNSKEY_ALGO) == counts.get(DNSKEY_ALGO_WEAKEST)
    left_out = {CAUSE, DNSKEY_ALGO_WEAKEST} if is_repeated else {CAUSE}
    return [each for each in distributions if each["category"] not in left_out]


def _shade(category: str, bucket: Mapping[str, Any], used: Sequence[str] = ()) -> str:
    """Return the CSS class of a bucket; a tone that another bucket of its bar has gets a lighter shade."""
    if category in BY_NAME and category == GRADE and bucket["key"] == "A+":
        return "ap"
    tone = str(bucket["tone"])
    if tone not in _SHADES:
        return "none"
    return f"{tone} light" if tone in used else tone
