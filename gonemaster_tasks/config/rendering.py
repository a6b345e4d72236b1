"""Settings as text for child environments, `--dump-config` and the API; secrets are masked."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from gonemaster_tasks.config.credential_types import AdminToken
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.settings import FILE_VARIABLE, OPTIONS, SOURCES_VARIABLE, Settings
from gonemaster_tasks.masking import MASK, mask_password, passwords_in

FULLY_MASKED = frozenset({"admin_tokens", "flower_basic_auth"})  # no part of these values is shown
LOGIN_MASKED = frozenset({"smtp_url"})  # URLs whose user is masked as well.


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
    """Return the variables from which `load_settings` restores the same values and sources in a child process."""
    options = [
        option
        for option in OPTIONS
        if getattr(settings, option.name) != option.default
        or (settings.source(option.key) != "default" and option.default is not None)
    ]
    sources = ",".join(f"{option.key}={settings.source(option.key)}" for option in options)
    file = {FILE_VARIABLE: str(settings.config_file)} if settings.config_file else {}
    values = {option.env: as_text(getattr(settings, option.name)) for option in options}
    return values | {SOURCES_VARIABLE: sources} | file


def masked_value(option: Option, value: Any) -> Any:
    """Return a value in JSON form; passwords and digests are masked."""
    if option.name == "admin_tokens":
        return [{"label": token.label, "scopes": list(token.scopes)} for token in value]
    if option.name in FULLY_MASKED:
        return MASK if value else ""
    if option.name in LOGIN_MASKED:
        scheme, _, rest = value.partition("://")
        _, at, host = rest.rpartition("@")
        return f"{scheme}://{MASK}@{host}" if at else value
    if option.secret:
        return mask_password(value)
    if isinstance(value, timedelta | Path):
        return as_text(value)
    return list(value) if isinstance(value, tuple) else value


def secrets_of(settings: Settings) -> set[str]:
    """Return the secrets that no log may contain: passwords of addresses, and logins."""
    secrets = set(settings.flower_basic_auth.partition(":")[2:])
    for option in OPTIONS:
        if option.secret and isinstance(value := getattr(settings, option.name), str):
            secrets.update(passwords_in(value))
    return secrets


def as_text(value: Any) -> str:
    """Return a value in the form of an environment variable."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}s"
    if isinstance(value, tuple):
        return ",".join(as_text(item) for item in value)
    if isinstance(value, AdminToken):
        scopes = f":{'+'.join(value.scopes)}" if value.scopes else ""
        return f"{value.label}{scopes}={value.hash}" if value.label or scopes else value.hash
    return str(value)
