"""Overrides: settings saved through the API while the service runs, checked when saved and when applied."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from gonemaster_engine.spelling import nearest
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.loader import parse_value
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.rendering import as_text
from gonemaster_tasks.config.settings import BY_KEY, Settings
from gonemaster_tasks.errors import TasksError

log = logging.getLogger(__name__)

_JSON_TYPES: Mapping[str, type] = {"string": str, "integer": int, "boolean": bool, "array": list}


@dataclass(frozen=True)
class RefusedSetting:
    """The reason why a setting cannot be saved; `allowed` is empty if no value would be accepted."""

    key: str
    reason: Literal["unknown", "readonly", "invalid"]
    text: str
    allowed: str = ""


class ChangeRefused(TasksError):
    """The changes were refused and nothing was saved; `refusals` has one item per refused setting."""

    def __init__(self, refusals: tuple[RefusedSetting, ...]) -> None:
        super().__init__("; ".join(refusal.text for refusal in refusals))
        self.refusals = refusals


def with_overrides(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """Apply overrides, which take precedence over file and environment but not over flags.

    Unknown keys are ignored. Invalid values and startup-only values are logged and ignored, because another version may
    have stored them.
    """
    values: dict[str, Any] = {}
    sources = dict(settings.sources)
    for key, raw in overrides.items():
        option = BY_KEY.get(key)
        if option is None or read_only_reason(settings, option):
            continue
        problems: list[str] = []
        value = parse_value(option, raw, "database", problems)
        if reason := forbidden_reason(settings, option, value):
            problems.append(f"{key} is ignored: {reason}")
        if problems:
            log.warning("invalid override of a setting, ignored", extra={"key": key, "problem": problems[0]})
        else:
            values[option.name] = value
            sources[key] = "database"
    return replace(settings, **values, sources=sources)


def read_only_reason(settings: Settings, option: Option) -> str:
    """Return why a setting cannot be changed while the service runs, empty if it can."""
    if not option.runtime:
        return Text("it is read at start only")
    if settings.source(option.key) == "cli_flag":
        return Text("it was set with the flag {flag}", flag=option.flag)
    return ""


def pinned_keys(settings: Settings) -> tuple[str, ...]:
    """Return the keys of run-time settings that flags of this process have fixed."""
    return tuple(key for key, option in sorted(BY_KEY.items()) if option.runtime and settings.source(key) == "cli_flag")


def forbidden_reason(settings: Settings, option: Option, value: Any) -> str:
    """Return why a value may be set only at startup, empty if it may be set now.

    In open mode, anyone who reaches the API may change settings, except to allow queries to the networks behind it.
    """
    if option.name == "allow_non_global_targets" and value is True and settings.open_mode:
        return Text(
            "while no admin tokens are configured, only {flag} or {env} can enable it",
            flag=option.flag,
            env=option.env,
        )
    return ""


def check_changes(settings: Settings, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values to store, in JSON form; None deletes an override.

    Raises:
        ChangeRefused: a key is unknown or read-only, or a value is invalid or of another type.
    """
    checked = {key: _check(settings, key, raw) for key, raw in changes.items()}
    refusals = tuple(item for item in checked.values() if isinstance(item, RefusedSetting))
    if refusals:
        raise ChangeRefused(refusals)
    return {key: item.value for key, item in checked.items() if isinstance(item, _Accepted)}


@dataclass(frozen=True)
class _Accepted:
    value: Any


def _check(settings: Settings, key: str, raw: Any) -> _Accepted | RefusedSetting:
    option = BY_KEY.get(key)
    if option is None:
        shown, similar = repr(key[:100]), nearest(key[:100], BY_KEY)
        if similar:
            return RefusedSetting(
                key, "unknown", Text("there is no setting {key}; is {similar} meant?", key=shown, similar=similar)
            )
        return RefusedSetting(
            key, "unknown", Text("there is no setting {key}; GET /api/v1/settings lists all settings", key=shown)
        )
    if reason := read_only_reason(settings, option) or forbidden_reason(settings, option, raw):
        return RefusedSetting(key, "readonly", Text("{key} cannot be changed: {reason}", key=key, reason=reason))
    if raw is None:
        return _Accepted(None)
    problems: list[str] = []
    value = parse_value(option, raw, "database", problems) if _has_json_type(option, raw) else None
    if problems or value is None:
        allowed = option.type.allowed
        return RefusedSetting(
            key,
            "invalid",
            Text("{key} is {raw} but must be {allowed}", key=key, raw=repr(raw)[:100], allowed=allowed),
            allowed,
        )
    return _Accepted(as_json(value))


def _has_json_type(option: Option, raw: Any) -> bool:
    """Refuse "5" for 5 and 1 for true, which are allowed only in environment variables."""
    return type(raw) is _JSON_TYPES[option.type.json_type]


def as_json(value: Any) -> Any:
    """Return a value in its stored form."""
    return as_text(value) if isinstance(value, timedelta) else value
