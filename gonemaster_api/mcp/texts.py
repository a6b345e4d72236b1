"""Texts for language models: short lines, and never a whole document."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gonemaster_db.core.levels import LEVELS
from gonemaster_engine.findings.messages import advice

MAX_CHARACTERS = 20_000
_MAX_FINDINGS = 40
_MAX_CAUSES = 15
_MAX_SNIPPET = 400
_MAX_CELL = 200


def _known_level(text: str) -> str:
    level = text.upper()
    if level not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return level


Level = Annotated[str, AfterValidator(_known_level), Field(json_schema_extra={"enum": list(LEVELS)})]
Lang = Annotated[str, Field(max_length=35, description="language of the texts, such as en or sv")]
Text = Annotated[str, Field(min_length=1, max_length=255)]


def levels_from(level: str) -> list[str]:
    """Return a level and all more severe ones, the most severe first."""
    return list(reversed(LEVELS[LEVELS.index(level) :]))


def shorten(text: str) -> str:
    """Cut a text at the end of a line if it is too long for a model, and say how much is missing."""
    if len(text) <= MAX_CHARACTERS:
        return text
    kept = text[:MAX_CHARACTERS].rpartition("\n")[0]
    missing = text[len(kept) :].strip("\n").count("\n") + 1
    return f"{kept}\n[{missing} more lines omitted: use a smaller limit, or a filter]"


def table(items: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return one line for each item, with the names of the columns in the first line."""
    rows = [" | ".join(_cell(item.get(name)) for name in columns) for item in items]
    return "\n".join([" | ".join(columns), *rows]) if rows else "none"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        value = ", ".join(map(str, value))
    text = "-" if value in (None, "") else " ".join(str(value).split())
    return text if len(text) <= _MAX_CELL else f"{text[:_MAX_CELL]}..."


def page(items: Sequence[Mapping[str, Any]], columns: Sequence[str], *, total: int, offset: int = 0) -> str:
    """Return a table with a first line that says which part of the list it is."""
    shown = f"{offset + 1} to {offset + len(items)} of {total}" if items else f"none of {total}"
    return f"{shown}\n{table(items, columns)}"


def counts(found: Mapping[str, int]) -> str:
    """Return counts such as `ERROR 2, WARNING 1`; zeros are omitted."""
    return ", ".join(f"{name} {number}" for name, number in found.items() if number) or "none"


def run_line(run: Mapping[str, Any]) -> str:
    """Return a run in one line."""
    score = f", grade {run['grade']} (score {run['score']})" if run.get("grade") else ""
    worst = f", worst level {run['worst_level']}" if run.get("worst_level") else ""
    problem = f", error: {run['error']}" if run.get("error") else ""
    return f"{run['domain']}: {run['status']}{score}{worst}{problem} (run {run['id']}, finished {run['finished_at']})"


def result_text(run: Mapping[str, Any], result: Mapping[str, Any], *, min_level: str, lang: str) -> str:
    """Return the result of a run: verdict, root causes with their fixes, and findings with advice."""
    entries = result["raw"]["entries"]
    causes = result["root_causes"]
    explained = {position for cause in causes for position in cause["explains"]}
    wanted = levels_from(min_level)
    chosen = sorted(
        ((position, entry) for position, entry in enumerate(entries) if entry["level"] in wanted),
        key=lambda item: wanted.index(item[1]["level"]),
    )
    parts = [run_line(run)]
    if verdict := result.get("verdict"):
        parts.append(f"Verdict: {verdict['sentence']}")
    if causes:
        parts += [f"Root causes ({len(causes)}), worst first:", *map(cause_text, causes[:_MAX_CAUSES])]
    parts.append(f"Findings of level {min_level} or higher: {len(chosen)} ({counts(result['summary'])} in all)")
    parts += [
        finding_text(entry, is_explained=position in explained, lang=lang) for position, entry in chosen[:_MAX_FINDINGS]
    ]
    if len(chosen) > _MAX_FINDINGS:
        parts.append(f"[{len(chosen) - _MAX_FINDINGS} more findings omitted: use a higher min_level]")
    return "\n".join(parts)


def cause_text(cause: Mapping[str, Any]) -> str:
    """Return a root cause with its consequence, its fix and the first text to copy."""
    servers = f"{cause['servers_affected']} of {cause['servers']} server addresses"
    lines = [
        f"- [{cause['level']}] {cause['title']} (harm: {cause['harm']}; fixed by: {cause['responsible']}; {servers})",
        f"  Consequence: {cause['consequence']}",
        f"  Fix: {cause['remedy']}",
    ]
    if cause["snippets"] and len(snippet := cause["snippets"][0]["text"]) <= _MAX_SNIPPET:
        lines.append(f"  {cause['snippets'][0]['shows']}: {snippet}")
    return "\n".join(lines)


def finding_text(entry: Mapping[str, Any], *, is_explained: bool, lang: str) -> str:
    """Return a finding; with advice unless a root cause explains it."""
    line = f"- {entry['level']} {entry['testcase'] or entry['module']} {entry['tag']}: {_cell(entry['message'])}"
    if is_explained:
        return f"{line} (see root causes)"
    found = advice(entry["tag"], entry["module"], locale=lang)
    return f"{line} Advice: {found}" if found else line
