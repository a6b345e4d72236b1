"""The style of a standalone diagram; a page's style sheet has the same classes and colours.

Colours are literal and the media query encloses whole rules, because SVG renderers other than browsers support neither
custom properties nor light-dark().
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

_FONT = "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, Liberation Sans, Arial, sans-serif"
_SHAPES = f"""\
.chain {{ font: 12px {_FONT}; }}
.chain .t2 {{ font-size: 10.5px; }}
.chain .tz {{ font-size: 13px; font-weight: 600; }}
.chain .tt {{ font-size: 15px; font-weight: 650; }}
.chain .mid {{ text-anchor: middle; }}
.chain .tz {{ text-anchor: end; }}
.chain .node {{ stroke-width: 1.5; }}
.chain .node.on {{ stroke-width: 3; }}
.chain .edge {{ fill: none; stroke-width: 1.75; }}
.chain .sign path {{ fill: none; stroke-width: 1.75; stroke-linecap: round; }}
.chain .warn {{ stroke-dasharray: 4 3; }}
.chain .bad {{ stroke-dasharray: 8 4; }}
.chain .none {{ stroke-dasharray: 1.5 3; }}
.chain .unknown {{ stroke-dasharray: 9 3 2 3; }}
.chain .sign, .chain .icon, .chain .tip {{ stroke-dasharray: none; }}
"""
_LIGHT = {
    "panel": "#ffffff", "sunk": "#f0f2ef", "line": "#e1e5e0", "ink": "#141a17", "ink-3": "#5f6963",
    "ok": "#2b9c76", "warn": "#c48600", "bad": "#cc3d2b", "none": "#8d9690", "unknown": "#2f66b3",
}  # fmt: skip
_DARK = {
    "panel": "#171c19", "sunk": "#1d2320", "line": "#2a312d", "ink": "#e9eeea", "ink-3": "#929c96",
    "ok": "#4fc197", "warn": "#d9a021", "bad": "#e8614d", "none": "#6b756f", "unknown": "#4c86d8",
}  # fmt: skip


def _colours(colours: Mapping[str, str]) -> str:
    rules = [
        f".chain .paper {{ fill: {colours['panel']}; }}",
        f".chain text {{ fill: {colours['ink']}; }}",
        f".chain .t2 {{ fill: {colours['ink-3']}; }}",
        f".chain .zone {{ fill: {colours['sunk']}; stroke: {colours['line']}; }}",
        f".chain .node, .chain .sign circle {{ fill: {colours['panel']}; }}",
    ]
    for mark in ("ok", "warn", "bad", "none", "unknown"):
        colour = colours[mark]
        rules.append(f".chain .node.{mark}, .chain .edge.{mark}, .chain .sign.{mark} path {{ stroke: {colour}; }}")
        rules.append(f".chain .sign.{mark} circle {{ stroke: {colour}; }}")
        rules.append(f".chain .tip.{mark}, .chain .icon.{mark} {{ fill: {colour}; }}")
    return "\n".join(rules)


STYLE = f"\n{_SHAPES}{_colours(_LIGHT)}\n@media (prefers-color-scheme: dark) {{\n{_colours(_DARK)}\n}}\n"
STYLE_SOURCE = f"'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'"
"""The source for this style in the `style-src` directive of a Content-Security-Policy."""
