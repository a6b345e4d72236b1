"""Settings saved while the service runs: checked before they are stored, laid over the others when they are read."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from gonemaster_tasks.config.loader import read_value
from gonemaster_tasks.config.rendering import as_text
from gonemaster_tasks.config.settings import BY_KEY, Option, Settings
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

_JSON_TYPES: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}


@dataclass(frozen=True)
class Refusal:
    """Why a setting cannot be saved; `allowed` is empty where no value would be taken."""

    key: str
    why: Literal["unknown", "readonly", "invalid"]
    text: str
    allowed: str = ""


class ChangeRefused(TasksError):
    """Nothing was saved: every setting that stands against it."""

    def __init__(self, refusals: tuple[Refusal, ...]) -> None:
        super().__init__("; ".join(refusal.text for refusal in refusals))
        self.refusals = refusals


def with_stored(settings: Settings, stored: Mapping[str, Any]) -> Settings:
    """Lay stored values over file and environment, not over flags.

    Stored values that are unknown or out of range are logged and ignored.
    """
    values: dict[str, Any] = {}
    sources = dict(settings.sources)
    for key, raw in stored.items():
        option = BY_KEY.get(key)
        if option is None or readonly_because(settings, option):
            continue
        problems: list[str] = []
        value = read_value(option, raw, "database", problems)
        if problems:
            log.warning("stored setting ignored", extra={"key": key, "problem": problems[0]})
        else:
            values[option.name] = value
            sources[key] = "database"
    return replace(settings, **values, sources=sources)


def readonly_because(settings: Settings, option: Option) -> str:
    """Say why a setting cannot be changed while the service runs, empty if it can."""
    if not option.runtime:
        return "it is read when the service starts"
    if settings.source(option.key) == "cli_flag":
        return f"the flag {option.flag} has set it"
    return ""


def check_changes(settings: Settings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values to be stored, in JSON form; None stands for one that is to be forgotten.

    Raises:
        ChangeRefused: a key is unknown or read-only, or a value out of range or of another type.
    """
    refusals: list[Refusal] = []
    values: dict[str, Any] = {}
    for key, raw in changes.items():
        found = _checked(settings, key, raw)
        if isinstance(found, Refusal):
            refusals.append(found)
        else:
            values[key] = found.value
    if refusals:
        raise ChangeRefused(tuple(refusals))
    return values


@dataclass(frozen=True)
class _Good:
    value: Any


def _checked(settings: Settings, key: str, raw: Any) -> _Good | Refusal:
    option = BY_KEY.get(key)
    if option is None:
        return Refusal(key, "unknown", f"there is no setting {key[:100]!r}; GET /api/v1/settings lists all")
    if reason := readonly_because(settings, option):
        return Refusal(key, "readonly", f"{key} cannot be changed: {reason}")
    if raw is None:
        return _Good(None)
    problems: list[str] = []
    value = read_value(option, raw, "database", problems) if _has_type(option, raw) else None
    if problems or value is None:
        allowed = option.kind.allowed
        return Refusal(key, "invalid", f"{key} is {repr(raw)[:100]}, allowed is {allowed}", allowed)
    return _Good(as_json(value))


def _has_type(option: Option, raw: Any) -> bool:
    """Take no "5" for 5 and no 1 for true, which the environment knows as text only."""
    return type(raw) is _JSON_TYPES[option.kind.json_type]


def as_json(value: Any) -> Any:
    """Return a value as it is stored."""
    return as_text(value) if isinstance(value, timedelta) else value
