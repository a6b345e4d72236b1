"""Settings as text: for the environment of child processes, `--dump-config` and pages; secrets are masked."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from gonemaster_tasks.config.option_types import AdminToken
from gonemaster_tasks.config.settings import INHERITED, OPTIONS, Option, Settings

_LOGIN = re.compile(r"(://[^:@/?#;]*:)(?:(?!;\w+://).)*@")  # as far as the last @ of an address


_WORD = re.compile(r"(\b(?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&]+)")


_OPAQUE = frozenset({"admin_tokens", "flower_basic_auth"})  # nothing of these is shown


def dump(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return {key: {value, source}} for people to read; passwords and digests are masked."""
    return {
        option.key: {
            "value": masked_value(option, getattr(settings, option.name)),
            "source": settings.source(option.key),
        }
        for option in OPTIONS
    }


def to_environ(settings: Settings) -> dict[str, str]:
    """Return the variables that make `load_settings` in a child process arrive at the same values and sources."""
    given = [
        option
        for option in OPTIONS
        if getattr(settings, option.name) != option.default
        or (settings.source(option.key) != "default" and option.default is not None)
    ]
    sources = ",".join(f"{option.key}={settings.source(option.key)}" for option in given)
    return {option.env: as_text(getattr(settings, option.name)) for option in given} | {INHERITED: sources}


def masked_value(option: Option, value: Any) -> Any:
    """Return a value in JSON form; passwords and digests are masked."""
    if option.name == "admin_tokens":
        return [{"label": token.label, "scopes": list(token.scopes)} for token in value]
    if option.name in _OPAQUE:
        return "***" if value else ""
    if option.secret:
        return mask_password(value)
    if isinstance(value, timedelta | Path):
        return as_text(value)
    return list(value) if isinstance(value, tuple) else value


def mask_password(address: str) -> str:
    """Replace the passwords in URLs, or in a `key=value` database address, by asterisks."""
    return _WORD.sub(r"\1***", _LOGIN.sub(r"\1***@", address))


def as_text(value: Any) -> str:
    """Return a value as it is written in a variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, AdminToken):
        return f"{value.label}={value.hash}" if value.label else value.hash
    return str(value)
