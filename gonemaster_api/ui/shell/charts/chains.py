"""The DNSSEC chain of trust of a run: the diagram, the problems, and the facts of each box."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response
from markupsafe import Markup

from gonemaster_api.ui.shell.texts.languages import language
from gonemaster_engine.trustchain.diagram import MEDIA_TYPE, STYLE_SOURCE, Mark, NodeFacts, diagram_of

_CLASSES = {Mark.OK: "ok", Mark.WARN: "warning", Mark.BAD: "error", Mark.NONE: "notice", Mark.UNKNOWN: "notice"}
_MAX_REMARKS = 6
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9.-]+")


@dataclass(frozen=True, slots=True)
class ChainPicture:
    """The input of the macro `chain`; `level` is the CSS class of a severity, `problems` are (level, text)."""

    svg: Markup
    status: str
    level: str
    summary: str
    checked_at: datetime | None
    problems: tuple[tuple[str, str], ...]
    nodes: tuple[NodeFacts, ...]

    @property
    def first(self) -> str:
        """The ID of the facts that are open before a box is selected: those of the tested zone."""
        zones = [node.id for node in self.nodes if node.kind == "zone"]
        return zones[-1] if zones else ""

    @staticmethod
    def level_of(node: NodeFacts) -> str:
        """Return the CSS class of the severity of a node's mark."""
        return _CLASSES[node.mark]


def chain_view(document: Mapping[str, Any], *, chosen: str | None = None, prefix: str = "chain") -> ChainPicture:
    """Return the view of a document of `GET /runs/{id}/dnssec-chain`, in the language of the request.

    `chosen` is the ID of the highlighted box; IDs start with `prefix`.
    """
    diagram = diagram_of(document, locale=language(), prefix=prefix)
    return ChainPicture(
        svg=Markup(diagram.inline(chosen=chosen)),  # noqa: S704  # the engine escapes it
        status=diagram.status,
        level=_CLASSES[diagram.mark],
        summary=diagram.summary,
        checked_at=diagram.checked_at,
        problems=tuple(_problems(diagram.problems()))[:_MAX_REMARKS],
        nodes=diagram.facts(),
    )


def _problems(nodes: tuple[NodeFacts, ...]) -> Iterator[tuple[str, str]]:
    """List each problem once: the reasons of zones, then the problems of boxes in secure zones."""
    listed = set()
    for node in nodes:
        for note in node.notes if node.kind == "zone" else ():
            if note not in listed:
                listed.add(note)
                yield _CLASSES[node.mark], f"{node.title}: {note}"
    for node in nodes:
        if node.kind != "zone" and node.mark is Mark.WARN:
            yield "warning", f"{node.title}: {node.note}"


def svg_response(document: Mapping[str, Any]) -> Response:
    """Return the diagram as an SVG file, in the language of the request."""
    diagram = diagram_of(document, locale=language())
    name = _NOT_IN_A_FILE_NAME.sub("-", str(document.get("zone", "")))[:100].strip(".-") or "root"
    response = Response(diagram.standalone(), mimetype=MEDIA_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="dnssec-chain-{name}.svg"'
    response.headers["Content-Security-Policy"] = f"default-src 'none'; style-src {STYLE_SOURCE}"
    response.vary.update(("Cookie", "Accept-Language"))
    return response
