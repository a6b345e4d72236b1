"""Render the OpenAPI document: a page for each group of requests, with the examples that belong to them."""

from __future__ import annotations

import importlib.util
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from docs.site.examples import Example, examples
from docs.site.findings import escaped
from docs.site.sources import ROOT
from gonemaster_api.rest.openapi import operations

SECTION: dict[str, Any] = {
    "title": "API",
    "page": "api",
    "intro": "Every request of the API, from its OpenAPI document, with examples for curl, Python and JavaScript.",
}


def write(target: Path) -> int:
    """Write the pages and openapi.json below `target`, and return the number of pages."""
    document = _document()
    groups: dict[str, list[tuple[str, str, Mapping[str, Any]]]] = defaultdict(list)
    for path, method, operation in operations(document):
        groups[operation["tags"][0]].append((path, method, operation))
    about = {each["name"]: each.get("description", "") for each in document["tags"]}
    folder = target / "api"
    folder.mkdir()
    for name, found in groups.items():
        lines = _page(name, about.get(name, ""), found, document)
        (folder / f"{name}.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (target / "api.md").write_text("\n".join(_section(sorted(groups))) + "\n", encoding="utf-8")
    (target / "openapi.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return len(groups) + 1


def _document() -> dict[str, Any]:
    """Return the document as `make docs` computes it for the client."""
    spec = importlib.util.spec_from_file_location("client_types", ROOT / ".ci/client_types.py")
    assert spec  # noqa: S101
    assert spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = module.openapi()
    return found


def _section(groups: list[str]) -> Iterator[str]:
    yield from (f"# {SECTION['title']}", "", SECTION["intro"], "")
    yield "The [general rules](reference/http-api.md) apply to all requests; [errors](reference/http-api-errors.md)"
    yield "describes the codes. {download}`openapi.json <openapi.json>` is the document for programs."
    yield from ("", "```{toctree}", ":maxdepth: 1", "", *(f"/api/{name}" for name in groups), "```")


def _page(
    name: str, about: str, found: list[tuple[str, str, Mapping[str, Any]]], document: Mapping[str, Any]
) -> Iterator[str]:
    yield from (f"# {name.replace('_', ' ').capitalize()}", "", escaped(about), "")
    for path, method, operation in found:
        yield from (f"## {method.upper()} {escaped(path)}", "", escaped(operation.get("summary", "")), "")
        if scope := operation.get("x-scope"):
            yield from (f"Needs the scope `{scope}`.", "")
        yield from _parameters(operation, document)
        if "requestBody" in operation:
            yield from _body(operation["requestBody"], document)
        yield from ("| Status | Meaning |", "| --- | --- |")
        for status, answer in operation["responses"].items():
            yield f"| {status} | {escaped(_resolved(answer, document).get('description', ''))} |"
        yield ""
        for example in examples():
            if example.operation == f"{method} {path}":
                yield from _example(example)


def _parameters(operation: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    rows = [_resolved(each, document) for each in operation.get("parameters", ())]
    if rows:
        yield from ("| Parameter | In | Type | Meaning |", "| --- | --- | --- | --- |")
        for row in rows:
            cells = (f"`{row['name']}`", row["in"], _type(row["schema"]), escaped(row.get("description", "")))
            yield f"| {' | '.join(cells)} |"
        yield ""


def _body(body: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[str]:
    schema = _resolved(body.get("content", {}).get("application/json", {}).get("schema", {}), document)
    if fields := schema.get("properties"):
        required = schema.get("required", ())
        yield from ("| Field | Type | Meaning |", "| --- | --- | --- |")
        for name, field in fields.items():
            meaning = escaped(field.get("description", "")) + (" (required)" if name in required else "")
            yield f"| `{name}` | {_type(field)} | {meaning} |"
        yield ""


def _resolved(value: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in value:
        return value
    found: Any = document
    for part in value["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return _resolved(found, document)


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "enum" in schema:
        return ", ".join(f"`{escaped(str(each))}`" for each in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    kind = schema.get("type", "")
    return escaped(kind if isinstance(kind, str) else " or ".join(kind))


def _example(example: Example) -> Iterator[str]:
    yield from (f"### {escaped(example.title)}", "", "::::{tab-set}", "")
    for title, language, code in example.languages():
        yield from (f":::{{tab-item}} {title}", "", f"```{language}", code.rstrip(), "```", "", ":::", "")
    yield from ("::::", "")
