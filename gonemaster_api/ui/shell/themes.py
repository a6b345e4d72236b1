"""Light or dark: a page follows the system unless a cookie says otherwise."""

from flask import request

COOKIE = "gm_theme"
KEYS_COOKIE = "gm_keys"
THEMES = ("", "light", "dark")  # empty: as the system


def theme() -> str:
    """Return the theme that was chosen, empty for that of the system."""
    found = request.cookies.get(COOKIE, "")
    return found if found in THEMES else ""


def next_theme() -> str:
    """Return the theme that the button chooses."""
    return THEMES[(THEMES.index(theme()) + 1) % len(THEMES)]


def has_keys() -> bool:
    """Return whether the keyboard's shortcuts are on."""
    return request.cookies.get(KEYS_COOKIE) != "off"
