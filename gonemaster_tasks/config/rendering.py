"""Settings as text: for the environment of child processes, `--dump-config` and the API; secrets are masked."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from gonemaster_tasks.config.credential_types import AdminToken
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.settings import OPTIONS, SOURCES_VARIABLE, Settings

MASK = "***"
FULLY_MASKED = frozenset({"admin_tokens", "flower_basic_auth"})  # no part of these values is shown
LOGIN_MASKED = frozenset({"smtp_url"})  # URLs of which the user is not shown either
_URL_LOGIN = re.compile(r"://.*@")
# A password may hold any character but those that end the user part, so it reaches to the last @ of its URL; in a
# list of Sentinels each URL begins after a semicolon.
_URL_PASSWORD = re.compile(r"(://[^:@/?#;]*:)(?:(?!;\w+://).)*@")
_KEYWORD_PASSWORD = re.compile(r"(\b(?:ssl)?password\s*=\s*)(?:'(?:[^'\\]|\\.)*'|[^\s&]+)")


def dump(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return {key: {value, source}} in JSON form; passwords and digests are masked."""
    return {
        option.key: {
            "value": masked_value(option, getattr(settings, option.name)),
            "source": settings.source(option.key),
        }
        for option in OPTIONS
    }


def to_environ(settings: Settings) -> dict[str, str]:
    """Return the variables from which `load_settings` in a child process gets the same values and sources."""
    given = [
        option
        for option in OPTIONS
        if getattr(settings, option.name) != option.default
        or (settings.source(option.key) != "default" and option.default is not None)
    ]
    sources = ",".join(f"{option.key}={settings.source(option.key)}" for option in given)
    return {option.env: as_text(getattr(settings, option.name)) for option in given} | {SOURCES_VARIABLE: sources}


def masked_value(option: Option, value: Any) -> Any:
    """Return a value in JSON form; passwords and digests are masked."""
    if option.name == "admin_tokens":
        return [{"label": token.label, "scopes": list(token.scopes)} for token in value]
    if option.name in FULLY_MASKED:
        return MASK if value else ""
    if option.name in LOGIN_MASKED:
        return _URL_LOGIN.sub(f"://{MASK}@", value)
    if option.secret:
        return mask_password(value)
    if isinstance(value, timedelta | Path):
        return as_text(value)
    return list(value) if isinstance(value, tuple) else value


def mask_password(dsn: str) -> str:
    """Replace the passwords in URLs, or in a libpq connection string, by asterisks."""
    return _KEYWORD_PASSWORD.sub(rf"\1{MASK}", _URL_PASSWORD.sub(rf"\1{MASK}@", dsn))


def as_text(value: Any) -> str:
    """Return a value as it is written in an environment variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, AdminToken):
        return f"{value.label}={value.hash}" if value.label else value.hash
    return str(value)
