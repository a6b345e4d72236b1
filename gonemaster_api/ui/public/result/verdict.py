"""The verdict on a result: a sentence and the grade card."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

from gonemaster_api.ui.shell.findings import Findings
from gonemaster_api.ui.shell.texts.languages import gettext as _
from gonemaster_api.ui.shell.texts.languages import mark, ngettext
from gonemaster_api.ui.shell.texts.words import word
from gonemaster_db.models import Run, RunStatus
from gonemaster_engine.findings.verdict import Verdict
from gonemaster_engine.scoring.score import BEST, Score

RADIUS = 62  # The radius of the ring, in a square of 152.
CATEGORIES = {
    "dnssec": mark("DNSSEC"),
    "nameserver_health": mark("Name servers"),
    "connectivity": mark("Connectivity"),
    "zone_consistency": mark("Zone and consistency"),
}
CRITERIA = {
    "no_warnings_or_errors": mark("No warnings or errors"),
    "dnssec_enabled": mark("DNSSEC enabled"),
    "strong_algorithm": mark("Strong algorithm"),
    "nsec3_non_optout": mark("NSEC3 without opt-out"),
    "cds_cdnskey_published": mark("CDS or CDNSKEY published"),
    "ipv6_all_nameservers": mark("IPv6 on all name servers"),
    "as_diversity": mark("More than one network"),
}


@dataclass(frozen=True, slots=True)
class Banner:
    """The worst level as a sentence, and the most important finding."""

    level: str
    words: str
    more: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A category and its score."""

    name: str
    score: float
    tested: bool


@dataclass(frozen=True, slots=True)
class Card:
    """Grade and score, categories, and the criteria for the best grade."""

    grade: str
    score: int
    arc: str  # Lengths of dash and gap of the ring, as in the SVG attribute stroke-dasharray.
    categories: Sequence[Bar]
    criteria: Sequence[tuple[str, str, bool | None]]  # None if the criterion does not apply.
    families_off: Sequence[str]
    cap: str  # The reason why the grade cannot be better; empty if no root cause limits it.


def banner(run: Run, findings: Findings, verdict: Verdict | None, *, locale: str) -> Banner:
    """Return the banner of a finished test: the verdict, or the worst finding."""
    if verdict and verdict.is_of_the_tester:
        return Banner("error", _("This service had no network connection, so the test could not run. Try again later."))
    if verdict:
        return Banner("error", verdict.sentence(locale=locale), verdict.advice(locale=locale))
    if run.status is not RunStatus.SUCCEEDED:
        return Banner("error", _unfinished(run), "")
    count = findings.counts.get(findings.worst, 0)
    if findings.worst == "ok":
        return Banner("ok", _("No problems found."), _("All checks passed."))
    first = findings.first_worst_message()
    if findings.worst == "notice":
        words = ngettext("Works, with %(num)s notice.", "Works, with %(num)s notices.", count)
    elif findings.worst == "warning":
        words = ngettext("Works, with %(num)s warning.", "Works, with %(num)s warnings.", count)
    elif findings.worst == "error":
        words = ngettext(
            "%(num)s error: some users may not reach this domain.",
            "%(num)s errors: some users may not reach this domain.",
            count,
        )
    else:
        words = ngettext(
            "The domain does not work: %(num)s critical finding.",
            "The domain does not work: %(num)s critical findings.",
            count,
        )
    return Banner(findings.worst, words, first)


def reduced_banner(run: Run) -> Banner:
    """Return the banner of a test whose findings are no longer stored, and that has no known root cause."""
    level = (run.worst_level or "").lower()
    if level in {"notice", "warning", "error", "critical"}:
        return Banner(level, _("Worst level of the findings: %(level)s.", level=word(level)))
    return Banner("ok", _("No problems found."))


def _unfinished(run: Run) -> str:
    if run.status is RunStatus.CANCELED:
        return _("The test was canceled.")
    if run.status is RunStatus.EXPIRED:
        return _("The test expired before it could start.")
    return _("The test did not finish. Try again. If it fails again, contact the operator of this service.")


def card(score: Score, *, locale: str) -> Card:
    """Return the grade card of a score."""
    whole = 2 * pi * RADIUS
    return Card(
        grade=score.grade,
        score=score.score,
        arc=f"{whole * score.score / BEST:.1f} {whole:.1f}",
        categories=[
            Bar(_(CATEGORIES[name]) if name in CATEGORIES else name, category.score, category.tested)
            for name, category in score.categories.items()
        ],
        criteria=[(name, _(CRITERIA[name]) if name in CRITERIA else name, met) for name, met in score.criteria.items()],
        families_off=[{"ipv4": "IPv4", "ipv6": "IPv6"}[family] for family in score.disabled_stacks],
        cap=cap_sentence(score, locale=locale),
    )


def cap_sentence(score: Score, *, locale: str) -> str:
    """Return the reason why the grade cannot be better; empty if no root cause limits it."""
    if score.cap is None:
        return ""
    return _("Grade %(grade)s at best: %(cause)s.", grade=score.cap.grade, cause=score.cap.cause.title(locale=locale))
