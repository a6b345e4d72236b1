"""Settings as documents."""

from dataclasses import replace
from typing import Any

from gonemaster_api.state import State
from gonemaster_tasks.config.credential_types import AdminToken
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.overrides import read_only_reason
from gonemaster_tasks.config.rendering import masked_value
from gonemaster_tasks.config.settings import OPTIONS, Settings

_SHOWN_AS = {"environment": "config_file"}


def read_settings(state: State) -> dict[str, Any]:
    """Return the current settings of this process by attribute name."""
    settings = _with_tokens(state.settings, state.keyring.configured)
    return {option.name: _document(settings, state.live.base, option) for option in OPTIONS}


def _with_tokens(settings: Settings, tokens: tuple[AdminToken, ...]) -> Settings:
    """Return the settings with the tokens in force: SIGHUP reloads those of the file, unlike other settings."""
    sources = dict(settings.sources)
    if tokens:
        sources.setdefault("auth.admin_tokens", "config_file")
    return replace(settings, admin_tokens=tokens, sources=sources)


def _document(settings: Settings, base: Settings, option: Option) -> dict[str, Any]:
    source = settings.source(option.key)
    value_type = option.type
    document = {
        "value": masked_value(option, getattr(settings, option.name)),
        "source": _SHOWN_AS.get(source, source),
        "readonly": bool(read_only_reason(base, option)),
        "type": value_type.json_type,
        "allowed": value_type.allowed,
        "default": masked_value(option, option.default),
        "description": option.description,
    }
    if value_type.minimum is not None:
        document |= {"minimum": value_type.minimum, "maximum": value_type.maximum}
    return document | ({"choices": list(value_type.choices)} if value_type.choices else {})
