"""The navigation of the admin pages. An entry appears if the endpoint `ui_<key>.show` is registered."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for

from gonemaster_api.ui.shell.scopes import may
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.web.access import access_of


@dataclass(frozen=True)
class NavigationItem:
    """A navigation entry: its key (also the name of its icon), its label, and the key to press after `g`."""

    key: str
    label: str
    letter: str = ""
    icon: str = ""

    @property
    def endpoint(self) -> str:
        """The endpoint of the page."""
        return f"ui_{self.key}.show"


ADMIN: tuple[tuple[str, tuple[NavigationItem, ...]], ...] = (
    (
        mark("Work"),
        (
            NavigationItem("queue", mark("Queue"), "q"),
            NavigationItem("test", mark("New test"), "s"),
            NavigationItem("recent", mark("Recent"), "r"),
            NavigationItem("batches", mark("Batches"), "b"),
            NavigationItem("rst", mark("RST rehearsals"), icon="check"),
        ),
    ),
    (
        mark("Data"),
        (
            NavigationItem("domains", mark("Domains"), "d"),
            NavigationItem("tags", mark("Tags"), "t"),
            NavigationItem("cohorts", mark("Cohorts"), "c"),
            NavigationItem("watches", mark("Watches"), "w", "bell"),
        ),
    ),
    (
        mark("System"),
        (
            NavigationItem("metrics", mark("Metrics"), "m"),
            NavigationItem("settings", mark("Settings"), ","),
            NavigationItem("audit", mark("Audit log"), "a", "log"),
        ),
    ),
)


@dataclass(frozen=True)
class Link:
    """A navigation entry as rendered."""

    key: str
    label: str
    letter: str
    icon: str
    url: str


def navigation_groups() -> Iterator[tuple[str, list[Link]]]:
    """Yield the navigation groups with the pages that exist and that the token may read."""
    for title, entries in ADMIN:
        links = [_link(entry) for entry in entries if _is_open(entry.endpoint)]
        if links:
            yield gettext(title), links


def _link(entry: NavigationItem) -> Link:
    return Link(entry.key, gettext(entry.label), entry.letter, entry.icon or entry.key, url_for(entry.endpoint))


def _is_open(endpoint: str) -> bool:
    if endpoint not in current_app.view_functions:
        return False
    scope = access_of(endpoint).scope("GET")
    return scope is None or may(scope)


def link_to(endpoint: str, **values: Any) -> str:
    """Return the URL of an endpoint, empty if it is not registered or the token may not read it."""
    return url_for(endpoint, **values) if _is_open(endpoint) else ""
