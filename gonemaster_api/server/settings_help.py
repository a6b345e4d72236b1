"""The command `gonemaster-server settings`: a list of all settings, or the description of one."""

import sys
from collections.abc import Iterator

from gonemaster_api.server.commands import StartRefused
from gonemaster_engine.spelling import meant
from gonemaster_tasks.config.options import PREFIX, Option
from gonemaster_tasks.config.rendering import as_text, masked_value
from gonemaster_tasks.config.settings import OPTIONS, OPTIONS_BY_AREA, Settings


def show(settings: Settings, name: str | None) -> int:
    """Print the settings whose key, flag or variable is `name`, or contains it; without `name`, list all.

    Raises:
        StartRefused: there is no such setting; the text names the nearest one.
    """
    lines = _all() if name is None else _described(settings, name)
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
    return 0


def _all() -> Iterator[str]:
    for title, options in OPTIONS_BY_AREA.items():
        yield f"{title}:"
        yield from (f"  {option.flag:<38} {option.description}" for option in options)
    yield f"\nThe environment variable of --data-dir is {PREFIX}DATA_DIR; 'settings NAME' prints that of any setting."


def _described(settings: Settings, name: str) -> Iterator[str]:
    wanted = name.casefold()
    exact = [option for option in OPTIONS if wanted in map(str.casefold, _names(option))]
    found = exact or [option for option in OPTIONS if any(wanted in each.casefold() for each in _names(option))]
    if not found:
        known = [each for option in OPTIONS for each in _names(option)]
        raise StartRefused(f"there is no setting {name!r}{meant(name, known)}")
    for option in found:
        yield from _lines(settings, option)


def _names(option: Option) -> tuple[str, ...]:
    return option.key, option.name, option.env, option.flag, option.flag.removeprefix("--")


def _lines(settings: Settings, option: Option) -> Iterator[str]:
    value = masked_value(option, getattr(settings, option.name))
    yield option.key
    yield f"  {option.description}"
    facts = {
        "allowed": option.type.allowed,
        "flag": option.flag,
        "variable": option.env,
        "default": _shown(option.default),
        "value": f"{_shown(value)} (source: {settings.source(option.key).replace('_', ' ')})",
        "change": "while the service runs" if option.runtime else "takes effect at the next start",
    }
    yield from (f"  {label + ':':<10}{fact}" for label, fact in facts.items())


def _shown(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value)) or "none"
    return "none" if value is None or as_text(value) == "" else as_text(value)
