"""The rail of the admin pages. An entry is shown as soon as its room is registered: `ui_<key>.show`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import current_app, url_for

from gonemaster_api.ui.shell.scopes import may
from gonemaster_api.ui.shell.texts.languages import gettext, mark
from gonemaster_api.web.access import access_of


@dataclass(frozen=True)
class NavigationItem:
    """A page of the rail: its key (also of its icon), its name, and the key to press after `g`."""

    key: str
    label: str
    letter: str = ""
    icon: str = ""

    @property
    def endpoint(self) -> str:
        """The view that shows it."""
        return f"ui_{self.key}.show"


ADMIN: tuple[tuple[str, tuple[NavigationItem, ...]], ...] = (
    (
        mark("Work"),
        (
            NavigationItem("queue", mark("Queue"), "q"),
            NavigationItem("test", mark("New test"), "s"),
            NavigationItem("recent", mark("Recent"), "r"),
            NavigationItem("batches", mark("Batches"), "b"),
        ),
    ),
    (
        mark("Data"),
        (
            NavigationItem("domains", mark("Domains"), "d"),
            NavigationItem("tags", mark("Tags"), "t"),
            NavigationItem("cohorts", mark("Cohorts"), "c"),
            NavigationItem("watches", mark("Watches"), "w", "rise"),
        ),
    ),
    (
        mark("System"),
        (
            NavigationItem("metrics", mark("Metrics"), "m"),
            NavigationItem("settings", mark("Settings"), ","),
            NavigationItem("audit", mark("Audit log"), "a", "key"),
        ),
    ),
)


@dataclass(frozen=True)
class Link:
    """An entry as a page shows it."""

    key: str
    label: str
    letter: str
    icon: str
    url: str


def rail() -> Iterator[tuple[str, list[Link]]]:
    """Yield the groups of the rail with the pages that exist and that the token may read."""
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
    """Return the address of a view, empty if its room is not registered or the token may not read it."""
    return url_for(endpoint, **values) if _is_open(endpoint) else ""
