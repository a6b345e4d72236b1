"""Root causes by their identifiers, as stored with runs and snapshots: their order, categories and changes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gonemaster_db.analysis.categories import BY_NAME, CAUSE, Category, FactKey
from gonemaster_db.runs.causes import CauseChange
from gonemaster_engine.findings.causes.model import Harm, Rule
from gonemaster_engine.findings.causes.registry import RULES
from gonemaster_engine.findings.messages import DEFAULT_LOCALE

_TONES: Mapping[Harm, str] = {
    Harm.EVERYONE: "critical",
    Harm.VALIDATING_RESOLVERS: "critical",
    Harm.SOME: "error",
    Harm.RISK: "warning",
    Harm.STANDARD: "notice",
}
_WORST_FIRST: Sequence[Rule] = sorted(RULES, key=lambda rule: rule.harm.rank)
ALL_CAUSES: Sequence[str] = tuple(rule.id for rule in _WORST_FIRST)
"""The identifiers of all root causes, worst first."""
_ORDER = {rule.id: place for place, rule in enumerate(_WORST_FIRST)}
_KEYS = {
    rule.id: FactKey(rule.id, rule.texts.title, _TONES.get(rule.harm, "neutral"), _ORDER[rule.id]) for rule in RULES
}
CATEGORY_BY_NAME: Mapping[str, Category] = {**BY_NAME, CAUSE: replace(BY_NAME[CAUSE], keys=_KEYS)}
"""All categories of facts; the database does not know the titles of causes."""


def worst_first(causes: Iterable[str]) -> list[str]:
    """Sort identifiers by the usual harm; those of another version come last."""
    return sorted(causes, key=lambda cause: (_ORDER.get(cause, len(_ORDER)), cause))


def cause_title(cause: str, *, locale: str = DEFAULT_LOCALE) -> str:
    """Return the title of a cause without the details of a run; an unknown identifier is its own title."""
    place = _ORDER.get(cause)
    return cause if place is None else _WORST_FIRST[place].as_dict(locale=locale)["title"]


def cause_tone(cause: str) -> str:
    """Return the tone of a cause by its usual harm: a severity, or `s1`."""
    tone = _KEYS[cause].tone if cause in _KEYS else "neutral"
    return "s1" if tone == "neutral" else tone


def cause_changes(changes: Iterable[CauseChange], *, locale: str = DEFAULT_LOCALE) -> list[dict[str, Any]]:
    """Return changed causes as documents, worst first."""
    found = {change.cause: change for change in changes}
    return [_document(found[cause], locale) for cause in worst_first(found)]


def _document(change: CauseChange, locale: str) -> dict[str, Any]:
    place = _ORDER.get(change.cause)
    return {
        "cause": change.cause,
        "title": cause_title(change.cause, locale=locale),
        "harm": None if place is None else _WORST_FIRST[place].harm.value,
        "from_domain_count": change.domains_before,
        "to_domain_count": change.domains_after,
        "domain_delta": change.domains_after - change.domains_before,
        "domains_appeared": change.appeared,
        "domains_cleared": change.cleared,
    }


def only_in(causes: Iterable[str] | None, others: Iterable[str] | None) -> list[str]:
    """Return the causes that the others do not contain, worst first; none if one side is unknown."""
    return [] if causes is None or others is None else worst_first(set(causes) - set(others))
