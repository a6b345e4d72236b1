"""Light and dark theme: pages follow the system unless a cookie selects one."""

from flask import request

COOKIE = "gm_theme"
KEYS_COOKIE = "gm_keys"
THEMES = ("", "light", "dark")  # An empty value selects the system theme.


def theme() -> str:
    """Return the selected theme, empty for the system theme."""
    found = request.cookies.get(COOKIE, "")
    return found if found in THEMES else ""


def next_theme() -> str:
    """Return the theme that the button selects next."""
    return THEMES[(THEMES.index(theme()) + 1) % len(THEMES)]


def has_keys() -> bool:
    """Return whether keyboard shortcuts are enabled."""
    return request.cookies.get(KEYS_COOKIE) != "off"
