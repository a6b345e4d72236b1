"""Changes of settings, and the report of rejected changes."""

from collections.abc import Iterable, Mapping
from typing import Any

from gonemaster_api.errors import BadRequest
from gonemaster_api.state import State
from gonemaster_engine.texts import Text
from gonemaster_tasks.config.overrides import ChangeRefused, RefusedSetting
from gonemaster_tasks.control.settings import change_settings
from gonemaster_tasks.errors import BrokerUnavailable

_CODES = {"unknown": "unknown_setting", "readonly": "readonly_setting", "invalid": "invalid_setting"}
_MAX_REPORTED = 100


def save_settings(state: State, changes: Mapping[str, Any], *, who: str) -> dict[str, list[str]]:
    """Save settings, all or none; return by key the workers that ignore the change because a flag sets the value.

    Raises:
        BadRequest: unknown_setting, readonly_setting, invalid_setting; the details list all errors.
    """
    try:
        change_settings(state.queue, state.live, changes, who=who)
    except ChangeRefused as error:
        raise _refused(error.refusals) from error
    return _pinned_workers(state, changes)


def _pinned_workers(state: State, keys: Iterable[str]) -> dict[str, list[str]]:
    try:
        workers = state.broker.workers.live()
    except BrokerUnavailable:
        return {}
    found = {key: [worker.name for worker in workers if key in worker.pinned] for key in sorted(keys)}
    return {key: names for key, names in found.items() if names}


def _refused(refusals: tuple[RefusedSetting, ...]) -> BadRequest:
    first, more = refusals[0], len(refusals) - 1
    message = Text("{text}; and {more} more, see details", text=first.text, more=more) if more else first.text
    return BadRequest(
        _CODES[first.reason], message, details={"settings": [_problem(item) for item in refusals[:_MAX_REPORTED]]}
    )


def _problem(refusal: RefusedSetting) -> dict[str, str]:
    problem = {"key": refusal.key[:100], "code": _CODES[refusal.reason], "message": refusal.text}
    return problem | ({"allowed": refusal.allowed} if refusal.allowed else {})
