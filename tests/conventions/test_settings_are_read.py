"""Each setting has a reader: one that is accepted, shown and has no effect misleads who runs the service."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from gonemaster_tasks.config.settings import OPTIONS, Settings

ROOT = Path(__file__).parent.parent.parent
PACKAGES = ("gonemaster_tasks", "gonemaster_api")
CHECKS = ROOT / "gonemaster_tasks" / "config" / "loader.py"  # compares settings with one another, which is no use
HOLDERS = {"settings", "_settings", "current", "own", "live", "resolved", "given"}  # what settings are called in code
AREAS = "areas"  # properties of an area read its settings as attributes of self

PUBLIC_PAGES = "for the public pages, which are not part of this version"
PUBLIC_API = "for the public API, which is not part of this version"
ACCESS = "for authentication, which is not part of this version"
MCP = "for the Model Context Protocol, which is not part of this version"
UNREAD = {
    "public_url": "for links in notifications and on the public pages, which are not part of this version",
    "public_ui_path": PUBLIC_PAGES,
    "scheduler_enabled": "for recurring batches, which are not part of this version",
    "public_api_rate_limit_enabled": PUBLIC_API,
    "public_api_rate_limit_max": PUBLIC_API,
    "public_api_rate_limit_get_max": PUBLIC_API,
    "public_api_rate_limit_window": PUBLIC_API,
    "public_api_analysis_request_timeout": PUBLIC_API,
    "public_api_allow_private_undelegated_ip": PUBLIC_API,
    "admin_tokens": ACCESS,
    "auth_protect_public": ACCESS,
    "mcp_enabled": MCP,
    "mcp_allow_write": MCP,
    "show_score_public": PUBLIC_PAGES,
    "show_nameserver_timings_public": PUBLIC_PAGES,
    "show_dnssec_chain_public": PUBLIC_PAGES,
    "show_asn_names_public": PUBLIC_PAGES,
}
"""Settings without a reader, and why they are accepted all the same: the list may only become shorter."""


def test_each_setting_is_read_somewhere() -> None:
    read = set(names_read())
    unread = {option.name for option in OPTIONS} - read
    assert unread == set(UNREAD), "remove what is read now from UNREAD; what is read nowhere is not a setting"


def test_each_property_of_the_settings_is_read_somewhere() -> None:
    properties = {name for name in dir(Settings) if isinstance(getattr(Settings, name), property)}
    assert properties
    assert properties <= set(names_read())


def names_read() -> Iterator[str]:
    """Yield the attributes of settings that the code reads."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            if file != CHECKS:
                holders = HOLDERS | ({"self"} if file.parent.name == AREAS or file.name == "settings.py" else set())
                yield from _attributes_of(file, holders)


def _attributes_of(file: Path, holders: set[str]) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and _last_name(node.value) in holders:
            yield node.attr


def _last_name(node: ast.expr) -> str:
    """Return `settings` for `settings`, `self.settings` and `process.settings`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
