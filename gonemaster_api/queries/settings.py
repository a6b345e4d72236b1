"""Settings as the API shows them, and how refusals of changes are told."""

from collections.abc import Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_tasks.config.options import Option
from gonemaster_tasks.config.overrides import ChangeRefused, Refusal, read_only_reason
from gonemaster_tasks.config.rendering import masked_value
from gonemaster_tasks.config.settings import OPTIONS, Settings
from gonemaster_tasks.control.settings import change_settings

_CODES = {"unknown": "unknown_setting", "readonly": "readonly_setting", "invalid": "invalid_setting"}
_SHOWN_AS = {"environment": "config_file"}
_MOST_REPORTED = 100


def read(state: State) -> dict[str, Any]:
    """Give all settings of this process as they are now, by name of the attribute."""
    settings = state.settings
    return {option.name: _document(settings, state.live.own, option) for option in OPTIONS}


def _document(settings: Settings, own: Settings, option: Option) -> dict[str, Any]:
    source = settings.source(option.key)
    value_type = option.type
    document = {
        "value": masked_value(option, getattr(settings, option.name)),
        "source": _SHOWN_AS.get(source, source),
        "readonly": bool(read_only_reason(own, option)),
        "type": value_type.json_type,
        "allowed": value_type.allowed,
        "default": masked_value(option, option.default),
        "description": option.description,
    }
    if value_type.minimum is not None:
        document |= {"minimum": value_type.minimum, "maximum": value_type.maximum}
    return document | ({"choices": list(value_type.choices)} if value_type.choices else {})


def change(state: State, changes: Mapping[str, Any], *, who: str) -> None:
    """Save settings, all or none.

    Raises:
        BadRequest: unknown_setting, readonly_setting, invalid_setting; the details tell all that is wrong.
    """
    try:
        change_settings(state.queue, state.live, changes, who=who)
    except ChangeRefused as error:
        raise _refused(error.refusals) from error


def _refused(refusals: tuple[Refusal, ...]) -> BadRequest:
    first, more = refusals[0], len(refusals) - 1
    message = first.text + (f"; and {more} more, see details" if more else "")
    return BadRequest(
        _CODES[first.why], message, details={"settings": [_told(item) for item in refusals[:_MOST_REPORTED]]}
    )


def _told(refusal: Refusal) -> dict[str, str]:
    told = {"key": refusal.key[:100], "code": _CODES[refusal.why], "message": refusal.text}
    return told | ({"allowed": refusal.allowed} if refusal.allowed else {})
