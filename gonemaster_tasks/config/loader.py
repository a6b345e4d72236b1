"""Loads the settings from flags, environment and file, and rejects invalid values."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from gonemaster_engine.spelling import meant
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.credential_types import AdminToken
from gonemaster_tasks.config.options import PREFIX, Option
from gonemaster_tasks.config.rendering import FULLY_MASKED, LOGIN_MASKED
from gonemaster_tasks.config.settings import BY_KEY, FILE_VARIABLE, OPTIONS, SOURCES, SOURCES_VARIABLE, Settings
from gonemaster_tasks.errors import SettingsError
from gonemaster_tasks.masking import MASK, mask_password

_TOKENS = BY_KEY["auth.admin_tokens"]


def load_settings(
    flags: Mapping[str, Any] | None = None,
    environ: Mapping[str, str] | None = None,
    file: Path | None = None,
) -> Settings:
    """Merge defaults < file in JSON or YAML < GONEMASTER_* < flags.

    `flags` maps keys or attribute names to values, None if a flag was not given. The file may nest its keys
    (`{"database": {"driver": ...}}`) or write them with dots; without `file`, GONEMASTER_CONFIG may name one.

    Raises:
        SettingsError: one sentence per invalid value and per setting that has no effect yet.
    """
    environ = os.environ if environ is None else environ
    if file is None and environ.get(PREFIX + "CONFIG"):
        file = Path(environ[PREFIX + "CONFIG"])
    problems: list[str] = []  # All problems are reported together, so that one start shows every mistake.
    raw = {
        "config_file": _from_file(file, problems),
        "environment": {option.key: environ[option.env] for option in OPTIONS if option.env in environ},
        "cli_flag": _from_flags(flags or {}, problems),
    }
    # The supervisor passes all values to its children in the environment; users need the original source.
    inherited = _inherited_sources(environ)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for source in SOURCES[1:]:
        for key, value in raw[source].items():
            option = BY_KEY[key]
            values[option.name] = parse_value(option, value, source, problems)
            sources[key] = inherited.get(key, source) if source == "environment" else source
    if not problems:
        read = file or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
        settings = Settings(**values, sources=sources, config_file=read and read.absolute())
        problems += _contradictions(settings)
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def reread_tokens(settings: Settings) -> tuple[AdminToken, ...]:
    """Return the admin tokens of the configuration file as it is now; tokens from a flag or variable stay unchanged.

    Raises:
        SettingsError: the file cannot be read, or its tokens are invalid; the text shows none of them.
    """
    if settings.config_file is None or settings.source(_TOKENS.key) in ("cli_flag", "environment"):
        return settings.admin_tokens
    problems: list[str] = []
    found = _from_file(settings.config_file, problems)
    tokens: tuple[AdminToken, ...] = ()
    if not problems and _TOKENS.key in found:
        tokens = parse_value(_TOKENS, found[_TOKENS.key], "config_file", problems)
    if problems:
        raise SettingsError(tuple(problems))
    return tokens


def _inherited_sources(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the sources of the values that the parent process passed in the environment, see `to_environ`."""
    pairs = (item.partition("=") for item in environ.get(SOURCES_VARIABLE, "").split(","))
    return {key: source for key, _, source in pairs if source in SOURCES}


def parse_value(option: Option, raw: object, source: str, problems: list[str]) -> Any:
    """Return the value of an option; for an invalid one, add a sentence to `problems` and return the default."""
    try:
        value = option.type.parse(raw)
    except (ValueError, TypeError, OverflowError):
        problems.append(
            Text(
                "{name_in} is {shown} but must be {allowed}",
                name_in=_name_in(option, source),
                shown=_shown(option, raw),
                allowed=option.type.allowed,
            )
        )
        return option.default
    return option.default if value is None else value


def _name_in(option: Option, source: str) -> str:
    return {"environment": option.env, "cli_flag": option.flag}.get(source, option.key)


def _shown(option: Option, raw: object) -> str:
    """Return an invalid value for display without its secrets: an invalid DSN or hash may contain a password."""
    if option.name in FULLY_MASKED | LOGIN_MASKED or (option.secret and "://" not in str(raw)):
        return MASK
    return repr(mask_password(raw) if isinstance(raw, str) else raw)


def _from_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        text = file.read_text(encoding="utf-8")
        content = yaml.safe_load(text) or {} if file.suffix in (".yaml", ".yml") else json.loads(text)
    except (OSError, ValueError, yaml.YAMLError) as error:
        problems.append(f"configuration file {file} cannot be read: {error}")
        return {}
    if not isinstance(content, dict):
        problems.append(f"configuration file {file} does not contain an object of keys and values")
        return {}
    found = dict(_flattened(content))
    problems.extend(
        f"configuration file {file}: unknown key {key}{meant(key, BY_KEY)}" for key in found if key not in BY_KEY
    )
    return {key: value for key, value in found.items() if key in BY_KEY}


def _flattened(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    flat: list[tuple[str, Any]] = []
    for key, value in content.items():
        if isinstance(value, dict):
            flat += _flattened(value, f"{prefix}{key}.")
        else:
            flat.append((prefix + key, value))
    return flat


def _from_flags(flags: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    keys = {option.name: option.key for option in OPTIONS}
    by_key = {keys.get(name, name): value for name, value in flags.items() if value is not None}
    problems.extend(f"unknown setting {key}{meant(key, BY_KEY)}" for key in by_key if key not in BY_KEY)
    return {key: value for key, value in by_key.items() if key in BY_KEY}


def _contradictions(settings: Settings) -> list[str]:
    """Check the rules that involve several settings."""
    problems = []
    if settings.db_driver == "postgres" and not settings.db_dsn:
        problems.append("database.dsn is empty but must name the database when database.driver is postgres")
    if settings.notify_listen and not settings.notify_target:
        problems.append("notify_target is empty but must be the host name in DSYNC records when notify_listen is set")
    if settings.smtp_url and not settings.smtp_from:
        problems.append("smtp_from is empty but must be the sender's address when smtp_url is set")
    return problems
