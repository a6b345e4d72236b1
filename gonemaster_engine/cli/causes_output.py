"""Root causes in the output formats of the `gonemaster` command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gonemaster_engine.findings.causes.model import Cause, Harm
from gonemaster_engine.findings.causes.sentences import sentence, worst_harm

_INDENT = " " * 3


def cause_lines(causes: Sequence[Cause], *, locale: str) -> Iterator[str]:
    """Yield the lines of the text format: the verdict, each cause with its remedy, then each advice in one line."""
    yield sentence(causes, locale=locale)
    serious = [cause for cause in causes if cause.harm is not Harm.ADVICE or cause.rule.comes_first]
    for number, cause in enumerate(serious, 1):
        yield ""
        yield f"{number}. {cause.title(locale=locale)} ({cause.level.name}, {_scope(cause)})"
        yield _INDENT + cause.consequence(locale=locale)
        yield _INDENT + cause.remedy(locale=locale)
        for snippet in cause.found.snippets:
            yield f"{_INDENT}    {snippet.text}"
    advice = [cause for cause in causes if cause not in serious]
    if advice:
        yield ""
    for cause in advice:
        yield f"- {cause.title(locale=locale)} (advice)"
    yield ""


def _scope(cause: Cause) -> str:
    findings = f"explains {len(cause.found.explains)} findings"
    if not cause.servers:
        return findings
    return f"{len(cause.servers)} of {cause.server_count} name server addresses, {findings}"


def raw_lines(causes: Sequence[Cause]) -> Iterator[str]:
    """Yield the lines of the raw format."""
    for cause in causes:
        yield f"CAUSE    {cause.id} level={cause.level.name}; harm={cause.harm.value}; {_scope(cause)}"


def cause_documents(causes: Sequence[Cause], places: Mapping[int, Sequence[int]], *, locale: str) -> dict[str, Any]:
    """Return the members of the JSON formats; `places` has the positions of entries in the output."""
    harm = worst_harm(causes)
    documents = [cause.as_dict(locale=locale) for cause in causes]
    for document in documents:
        document["explains"] = [place for number in document["explains"] for place in places.get(number, ())]
    verdict = {"harm": harm.value if harm else None, "sentence": sentence(causes, locale=locale)}
    return {"root_causes": documents, "verdict": verdict}
